"""`python -m training weights`: what is there, and going back to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.versions import active_folder
from tests.networks import active, write_classifier, write_detector
from tests.training.test_publishing import change
from training.__main__ import main


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    write_classifier(active(tmp_path / "classifier", "1"))
    write_detector(active(tmp_path / "detector", "1"))
    write_detector(active(tmp_path / "detector", "2"))
    return tmp_path


def run(weights: Path, *words: str) -> int:
    return main(["weights", "--weights", str(weights), *words])


@pytest.mark.parametrize("words", [(), ("--list",)])
def test_the_versions_are_listed_with_the_active_ones(weights, capsys, words):
    assert run(weights, *words) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        ["classifier", "1", "active"],
        ["detector", "1"],
        ["detector", "2", "active"],
    ]


def test_a_pointer_that_leads_nowhere_does_not_hide_the_versions(weights, capsys):
    (weights / "detector" / "active").write_text("9")
    assert run(weights) == 0
    assert "detector   2\n" in capsys.readouterr().out


def test_the_one_model_that_has_the_version_goes_back(weights, capsys):
    assert run(weights, "--activate", "2") == 0
    assert run(weights, "--activate", "1", "--model", "detector") == 0
    assert "detector 1 is served from the next start" in capsys.readouterr().out
    assert active_folder(weights, "detector").name == "1"
    assert active_folder(weights, "classifier").name == "1"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--activate", "1"), "classifier and detector have 1"),
        (("--activate", "3"), "No model has the version 3"),
        (("--activate", "2", "--model", "classifier"), "has no version 2. It has: 1."),
        (("--activate", "../1", "--model", "detector"), "no name of a version"),
    ],
)
def test_what_is_not_clear_or_not_there_changes_nothing(weights, capsys, words, told):
    assert run(weights, *words) == 1
    assert told in capsys.readouterr().err
    assert active_folder(weights, "detector").name == "2"


def test_a_version_that_cannot_be_served_is_not_activated(weights, capsys):
    change(weights / "detector" / "1", calibration={})
    assert run(weights, "--activate", "1", "--model", "detector") == 1
    assert "not calibrated" in capsys.readouterr().err
    assert active_folder(weights, "detector").name == "2"
