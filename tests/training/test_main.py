import pytest

from training.__main__ import COMMANDS, main


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command.name))
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([*command.name, "--help"])
    assert stop.value.code == 0
    assert "--" in capsys.readouterr().out


def test_an_unknown_command_lists_the_known_ones(capsys):
    assert main(["nonsense"]) == 2
    assert "detector" in capsys.readouterr().err


def test_help_is_no_error(capsys):
    assert main(["--help"]) == 0
    assert "composites" in capsys.readouterr().out


def test_missing_data_ends_with_a_sentence(tmp_path, capsys):
    places = ["--data", str(tmp_path), "--out", str(tmp_path), "--cutouts", str(tmp_path)]
    assert main(["composites", "--count", "1", *places]) == 1
    assert "manifest.csv" in capsys.readouterr().err
