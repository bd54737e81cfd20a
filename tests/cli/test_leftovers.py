from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from records.audit.audit import Event
from records.storage.image_store import DiskStore
from records.storage.instance_lock import held
from services.instance.leftovers import MOST_OF_A_CRASH
from settings import Settings
from tests.trail import append, noted


@pytest.fixture
def shell(app: Flask) -> FlaskCliRunner:
    with app.app_context():
        append()
    return app.test_cli_runner()


@pytest.fixture
def left(settings: Settings) -> list[Path]:
    """More files than the start removes."""
    store = DiskStore(settings.images_dir)
    return [store.path(store.put(b"left")) for _ in range(MOST_OF_A_CRASH + 1)]


def test_they_are_counted_and_stay(shell: FlaskCliRunner, left: list[Path]):
    answer = shell.invoke(args=["leftovers"])

    assert (answer.exit_code, answer.output) == (0, f"Leftover: images {len(left)}.\n")
    assert all(path.exists() for path in left)


def test_they_go_when_told_to(app: Flask, shell: FlaskCliRunner, left: list[Path]):
    answer = shell.invoke(args=["leftovers", "--delete"])

    assert answer.exit_code == 0
    assert f"Removed: images {len(left)}." in answer.output
    assert not any(path.exists() for path in left)
    assert shell.invoke(args=["leftovers"]).output == "No leftover files.\n"
    with app.app_context():
        (row,) = noted(Event.SWEEP)
    assert row.account_name.startswith("shell: ")


def test_beside_a_running_server_they_stay(
    settings: Settings, shell: FlaskCliRunner, left: list[Path]
):
    with held(settings.instance_dir):
        answer = shell.invoke(args=["leftovers", "--delete"])

    assert answer.exit_code == 1
    assert "is in use by process" in answer.output
    assert all(path.exists() for path in left)
