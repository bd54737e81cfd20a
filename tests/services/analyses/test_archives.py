"""ZIPs are kept until their images are taken, and not for ever."""

import io
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask

from imaging.archive import ArchiveError
from records import db, utc_now
from records.analyses import archives as records
from records.storage.image_store import DiskStore
from services.analyses.archives import STALE, Archives
from tests.archives import packed
from tests.people import add_account

ZIP = packed({"1.png": b"one", "2.png": b"two"})


@pytest.fixture
def ada(app: Flask) -> Iterator[str]:
    owner_id = add_account(app, "ada")
    with app.app_context():
        yield owner_id


@pytest.fixture
def archives(app: Flask) -> Archives:
    return app.extensions["leukoscope_archives"]


def stored(app: Flask) -> set[str]:
    return DiskStore(app.config["LEUKOSCOPE"].uploads_dir).names()


def test_entries_are_read_from_the_disk(app: Flask, archives: Archives, ada: str):
    listing = archives.take(ada, "a", io.BytesIO(ZIP))
    assert [archives.read(ada, "a", entry.place)[1] for entry in listing.entries] == [
        b"one",
        b"two",
    ]
    with pytest.raises(LookupError):
        archives.read(ada, "a", 2)


def test_a_zip_that_nobody_asked_for_any_more_is_removed(app: Flask, archives: Archives, ada: str):
    archives.take(ada, "old", io.BytesIO(ZIP))
    records.find(ada, "old").created_at = utc_now() - STALE - timedelta(minutes=1)
    db.session.commit()
    archives.take(ada, "new", io.BytesIO(ZIP))

    assert records.find(ada, "old") is None
    assert len(stored(app)) == 1


def test_a_zip_whose_file_is_gone_is_gone(app: Flask, archives: Archives, ada: str):
    archives.take(ada, "a", io.BytesIO(ZIP))
    for name in stored(app):
        DiskStore(app.config["LEUKOSCOPE"].uploads_dir).delete(name)
    with pytest.raises(LookupError):
        archives.read(ada, "a", 0)


def test_if_the_database_fails_no_file_stays(app, archives, ada: str, monkeypatch):
    def fail(_archive: object) -> None:
        raise RuntimeError("disk full")

    monkeypatch.setattr(records, "add", fail)
    with pytest.raises(RuntimeError):
        archives.take(ada, "a", io.BytesIO(ZIP))
    assert stored(app) == set()


def test_of_two_that_arrive_together_one_is_kept(app, archives, ada: str, monkeypatch):
    archives.take(ada, "a", io.BytesIO(ZIP))
    monkeypatch.setattr(records, "find", lambda *_: None)
    archives.take(ada, "a", io.BytesIO(ZIP))
    assert len(stored(app)) == 1


def test_a_damaged_one_is_not_kept(app: Flask, archives: Archives, ada: str):
    with pytest.raises(ArchiveError):
        archives.take(ada, "a", io.BytesIO(ZIP[:-30]))
    assert stored(app) == set()
