import multiprocessing
import os
import socket
import time
from collections.abc import Iterator
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from records.storage.instance_lock import HOLDER, LOCK, held
from settings import SettingsError

FRESH = multiprocessing.get_context("spawn")


def hold(instance: Path, holding: Event) -> None:
    with held(instance):
        holding.set()
        time.sleep(600)


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[multiprocessing.Process]:
    """A process that holds the lock of an instance until it is killed."""
    holding = FRESH.Event()
    process = FRESH.Process(target=hold, args=(tmp_path, holding))
    process.start()
    assert holding.wait(60)
    yield process
    process.kill()
    process.join(60)
    process.close()


def test_a_second_process_is_told_who_holds_it(tmp_path: Path, holder):
    for _ in range(2):
        with pytest.raises(SettingsError) as refused, held(tmp_path):
            pass
        sentence = str(refused.value)
        assert f"{tmp_path} is in use by process {holder.pid} on {socket.gethostname()}" in sentence
        assert " UTC" in sentence


def test_a_killed_process_holds_nothing(tmp_path: Path, holder):
    holder.kill()
    holder.join(60)

    with held(tmp_path):
        assert str(os.getpid()) in (tmp_path / "server.json").read_text()


def test_who_ends_lets_the_next_begin(tmp_path: Path):
    for _ in range(2):
        with held(tmp_path / "new"):
            pass
    assert {path.name for path in (tmp_path / "new").iterdir()} == {HOLDER, LOCK}
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "new").iterdir()} == {0}


def test_an_unreadable_note_names_nobody(tmp_path: Path, holder):
    (tmp_path / "server.json").write_text("{}")

    with pytest.raises(SettingsError, match="in use by another process"), held(tmp_path):
        pass


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path):
    (tmp_path / "file").touch()

    sentence = "cannot be used: Not a directory"
    with pytest.raises(SettingsError, match=sentence), held(tmp_path / "file" / "instance"):
        pass
