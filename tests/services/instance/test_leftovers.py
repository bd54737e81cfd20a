import time
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from records import db
from records.accounts.accounts import new_id
from records.audit import external_log
from records.audit.audit import Event
from records.cases.cases import Case
from records.storage.image_store import DiskStore
from records.storage.slide_store import SlideStore
from services.instance import leftovers
from services.instance.leftovers import MOST_OF_A_CRASH, Leftovers
from settings import Settings
from tests.people import post, sign_in_as
from tests.slide_files import write_slide
from tests.slide_uploads import upload_slide
from tests.trail import append, noted, tamper
from tests.uploads import upload_cell, upload_field


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Of somebody who sent a cell and a field, so that rows name files of every kind."""
    client = sign_in_as(app, "ada")
    upload_cell(client)
    upload_field(client)
    return client


def stored(settings: Settings) -> set[Path]:
    """Every file of the image stores."""
    roots = (settings.images_dir, settings.uploads_dir)
    return {path for root in roots for path in root.rglob("*") if path.is_file()}


def leave(settings: Settings, folder: str) -> Path:
    """Leave a file as a server does that is killed before it kept the row, or midway."""
    root = {"images": settings.images_dir, "uploads": settings.uploads_dir}[folder]
    store = DiskStore(root)
    return store.path(store.put(b"left", "png" if folder == "images" else "upload"))


def sweep(app: Flask, settings: Settings, started: float | None = None) -> Leftovers:
    with app.app_context():
        return leftovers.sweep(settings, time.time() + 1 if started is None else started)


@pytest.mark.parametrize("folder", ["images", "uploads"])
@pytest.mark.parametrize("half_written", [False, True])
def test_what_no_row_names_is_removed_and_told(
    app: Flask, settings: Settings, client, caplog, folder: str, half_written: bool
):
    kept, left = stored(settings), leave(settings, folder)
    if half_written:
        left = left.replace(left.with_suffix(".part"))
    removed = sweep(app, settings)

    assert removed.counts() == {folder: 1}
    assert stored(settings) == kept
    assert not left.exists()
    assert f"Removed 1 files that no row names, left by a server that was killed: {folder} 1" in (
        caplog.text
    )
    with app.app_context():
        (row,) = noted(Event.SWEEP)
        assert (row.account_name, row.known) == ("server", {folder: 1})


def test_where_nothing_is_left_nothing_is_said(app: Flask, settings: Settings, client, caplog):
    kept = stored(settings)

    assert len(sweep(app, settings)) == 0
    assert stored(settings) == kept
    assert caplog.text == ""
    with app.app_context():
        assert noted(Event.SWEEP) == []


def test_what_was_written_since_the_start_stays(app: Flask, settings: Settings, client):
    left = leave(settings, "images")

    assert len(sweep(app, settings, started=time.time() - 60)) == 0
    assert left.exists()


def test_what_others_put_there_stays(app: Flask, settings: Settings, client):
    folder = leave(settings, "images").parent
    for path in (folder / "notes.png", folder / ".nfs1", settings.images_dir / "README"):
        path.write_text("not ours")
    sweep(app, settings)

    assert {path.name for path in stored(settings)} >= {"notes.png", ".nfs1", "README"}


def test_thumbnails_of_what_is_gone_and_drafts_go(app: Flask, settings: Settings, client):
    with app.app_context():
        analysis_id = db.session.scalars(db.text("SELECT id FROM analyses")).first()
    kept = settings.thumbnails_dir / analysis_id / "sheet-0.jpg"
    gone = [
        settings.thumbnails_dir / new_id() / "sheet-0.jpg",
        kept.with_suffix("." + new_id()),
        settings.instance_dir / ("secret_key." + "0" * 16),
        settings.instance_dir / "server.123",
    ]
    for path in (kept, *gone):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    removed = sweep(app, settings)

    assert removed.counts() == {"derived": 4}
    assert kept.exists()
    assert (settings.instance_dir / "secret_key").exists()


def others_database(app: Flask, kind: str) -> None:
    """Put another database than the one of these images in its place."""
    with app.app_context():
        if kind == "older":
            tamper("DELETE FROM audit_entries WHERE number > 3")
            tamper("DELETE FROM field_tasks")
            tamper("DELETE FROM analyses")
            return
        db.drop_all()
        db.create_all()
        if kind == "foreign":
            append(50)
        if kind == "without a witness":
            external_log.path().unlink()


@pytest.mark.parametrize("kind", ["empty", "foreign", "older", "without a witness"])
def test_images_of_another_database_are_never_removed(
    app: Flask, settings: Settings, client, caplog, kind: str
):
    """Not at the second start either, when the new trail has written into the old witness."""
    kept = stored(settings)
    others_database(app, kind)
    for _ in range(3):
        caplog.clear()
        assert sweep(app, settings).irreplaceable == 0
        assert "may not be the database that these images belong to" in caplog.text
        if kind != "without a witness":
            with app.app_context():
                append(2)

    assert stored(settings) == kept


def test_more_than_a_crash_leaves_is_not_removed(app: Flask, settings: Settings, client, caplog):
    """As when only rows came from an older copy, with the hash log that fits them."""
    for _ in range(MOST_OF_A_CRASH + 1):
        leave(settings, "images")
    kept = stored(settings)
    sweep(app, settings)

    assert stored(settings) == kept
    assert "more than a killed server leaves" in caplog.text


def test_what_cannot_be_removed_stops_no_start(
    app: Flask, settings: Settings, client, caplog, monkeypatch
):
    left = leave(settings, "images")

    def refused(*_args: object, **_options: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "unlink", refused)
    assert len(sweep(app, settings)) == 0
    assert f"{left} is named by no row and cannot be removed" in caplog.text


def test_a_deleted_analysis_leaves_nothing(app: Flask, settings: Settings, client):
    with app.app_context():
        ids = list(db.session.scalars(db.text("SELECT id FROM analyses")))
    for analysis_id in ids:
        post(client, f"/history/{analysis_id}/delete")

    assert stored(settings) == set()
    assert len(sweep(app, settings)) == 0


def test_files_of_a_slide_that_no_row_names_are_removed(
    app: Flask, settings: Settings, client: FlaskClient, tmp_path: Path
):
    upload_slide(client, write_slide(tmp_path / "a.tif", 2048))
    (kept,) = settings.slides_dir.rglob("slide.tif")
    store = SlideStore(settings.slides_dir)
    left = store.arriving(store.create())
    removed = sweep(app, settings)

    assert removed.counts() == {"slides": 1}
    assert kept.exists()
    assert not left.exists()


def test_a_slide_goes_with_its_case(
    app: Flask, settings: Settings, client: FlaskClient, tmp_path: Path
):
    opened = post(client, "/cases/new", pseudonym="Alder-7", specimen="blood")
    case_id = opened.headers["Location"].removeprefix("/cases/")
    upload_slide(client, write_slide(tmp_path / "a.tif", 2048), case=case_id)
    with app.app_context():
        db.session.execute(db.delete(Case).where(Case.id == case_id))
        db.session.commit()
    assert sweep(app, settings).counts() == {"slides": 1}
    assert [path for path in settings.slides_dir.rglob("*") if path.is_file()] == []
