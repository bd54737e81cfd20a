from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from records.audit import external_log
from records.audit.audit import Event
from tests.people import PASSWORD
from tests.trail import append, entries, noted, tamper


@pytest.fixture
def shell(app: Flask) -> FlaskCliRunner:
    with app.app_context():
        append(4)
    return app.test_cli_runner()


def test_verify_says_that_all_is_well_and_where_the_end_is(app: Flask, shell: FlaskCliRunner):
    answer = shell.invoke(args=["audit", "verify"])
    with app.app_context():
        end = entries()[-1].hash

    assert answer.exit_code == 0
    assert answer.output == (
        "5 entries, none changed, moved or missing. The external hash log confirms 5. "
        f"Latest entry: 5:{end}\n"
    )
    assert shell.invoke(args=["audit", "verify", "--head", f"5:{end}"]).exit_code == 0


def test_verify_says_each_finding_and_fails(app: Flask, shell: FlaskCliRunner):
    with app.app_context():
        tamper("UPDATE audit_entries SET account_name = 'eve' WHERE number = 3")
        tamper("DELETE FROM audit_entries WHERE number = 5")
    answer = shell.invoke(args=["audit", "verify"])

    assert answer.exit_code == 1
    assert answer.output.splitlines() == [
        "Row 3 was changed: its contents are not those of its hash.",
        "Row 5 was removed at the end: the external hash log names row 5.",
        "Error: The audit trail was altered.",
    ]


def test_verify_compares_with_what_was_written_down(app: Flask, shell: FlaskCliRunner):
    answer = shell.invoke(args=["audit", "verify", "--head", f"5:{'0' * 64}"])

    assert answer.exit_code == 1
    assert "Row 5 was replaced: somebody wrote down another hash." in answer.output


@pytest.mark.parametrize("head", ["5", "five:" + "0" * 64, "5:abc"])
def test_a_head_that_is_none_is_refused(shell: FlaskCliRunner, head: str):
    answer = shell.invoke(args=["audit", "verify", "--head", head])

    assert answer.exit_code == 2
    assert "NUMBER:HASH" in answer.output


def test_a_new_installation_has_nothing_to_verify(app: Flask):
    answer = app.test_cli_runner().invoke(args=["audit", "verify"])

    assert (answer.exit_code, answer.output) == (0, "The audit trail has no entries yet.\n")


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_export_writes_every_row_and_is_noted(app: Flask, shell, tmp_path: Path, suffix: str):
    file = tmp_path / f"trail.{suffix}"
    answer = shell.invoke(args=["audit", "export", str(file)])
    lines = file.read_text(encoding="utf-8").splitlines()

    assert answer.exit_code == 0
    assert len(lines) == 6 + (suffix == "csv")
    with app.app_context():
        (entry,) = noted(Event.AUDIT_EXPORT)
    assert entry.account_name.startswith("shell: ")
    assert entry.hash in lines[-1]


def test_export_refuses_another_kind_of_file(shell: FlaskCliRunner, tmp_path: Path):
    answer = shell.invoke(args=["audit", "export", str(tmp_path / "trail.xlsx")])

    assert answer.exit_code == 1
    assert ".csv or .jsonl" in answer.output


def test_what_is_done_with_accounts_at_the_shell_is_noted_as_such(app: Flask, shell):
    with app.app_context():
        for name in ("ada", "ben"):
            app.extensions["leukoscope_accounts"].sign_up(name, PASSWORD)
    shell.invoke(args=["accounts", "approve", "ben"])

    with app.app_context():
        assert noted(Event.APPROVE)[0].account_name.startswith("shell: ")
        assert external_log.path().exists()
