import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from models.manifest import sha256_of
from records import db, opening
from records.analyses.analyses import Analysis
from records.analyses.field_tasks import FieldTask
from records.audit.audit import Event
from records.migrating import downgrade
from records.storage.image_store import DiskStore
from records.storage.instance_lock import held
from services.audit.check import verify
from services.backups import copying
from services.backups.manifest import MANIFEST, BackupError
from settings import DATABASE, Settings, SettingsError
from tests.applications import end
from tests.backups import (
    another,
    back_up,
    files_of,
    install_models,
    reseal,
    restored,
)
from tests.people import PASSWORD, post
from tests.slide_files import write_slide
from tests.slide_uploads import upload_slide
from tests.stand_ins import stand_in_models
from tests.trail import noted
from tests.uploads import png, send, upload_cell

pytestmark = pytest.mark.sqlite_only("backups are of SQLite")


@pytest.fixture
def backup(app: Flask, client: FlaskClient, tmp_path: Path) -> Path:
    back_up(app, tmp_path / "backup")
    return tmp_path / "backup"


def instance_of(app: Flask) -> Path:
    return app.config["LEUKOSCOPE"].instance_dir


def kept_in(instance: Path) -> dict[str, bytes]:
    """What an instance keeps: without the lock, and the key that the first start makes."""
    ignored = {"server.lock", "server.json", "secret_key"}
    return {name: content for name, content in files_of(instance).items() if name not in ignored}


def test_it_is_the_same_installation_elsewhere(
    app: Flask, backup: Path, client: FlaskClient, elsewhere: Flask
):
    done = restored(elsewhere, backup)
    # The process that serves reads the key anew.
    again = another(elsewhere.config["LEUKOSCOPE"])
    browser = again.test_client()
    answer = post(browser, "/sign-in", name="ada", password=PASSWORD)

    assert answer.status_code == 302
    assert (done.verdict.findings, done.weights, done.replaced) == ((), None, None)
    with again.app_context():
        assert verify(done.manifest.head).findings == ()
        (row,) = noted(Event.RESTORE)
        assert row.known["head"] == done.manifest.head.number
        store = DiskStore(again.config["LEUKOSCOPE"].images_dir)
        kept = list(db.session.scalars(db.select(Analysis)))
        for analysis in kept:
            assert all(store.read(name) for name in analysis.image_names)
            assert browser.get(f"/history/{analysis.id}/thumbnail").status_code == 200
        db.engine.dispose()
    assert len(kept) == 2
    assert again.secret_key == app.secret_key


def test_a_field_that_waited_is_read_there(
    app: Flask, client: FlaskClient, reading, tmp_path: Path, elsewhere: Flask
):
    reading.go_on.clear()
    task = send(client, "/detect", ("waits.png", png()), as_json=True).json
    back_up(app, tmp_path / "backup")
    app.extensions["leukoscope_tasks"].stop()
    reading.go_on.set()
    restored(elsewhere, tmp_path / "backup")
    with elsewhere.app_context():
        assert db.session.get_one(FieldTask, task["id"]).state != "done"
        elsewhere.extensions["leukoscope_tasks"].start()
        elsewhere.extensions["leukoscope_fields"].wait(task["id"], 30)
        assert db.session.get_one(FieldTask, task["id"]).state == "done"


def test_nobody_is_signed_in_again(app: Flask, client: FlaskClient, backup: Path, elsewhere: Flask):
    """A session of the backup may have ended since."""
    assert client.get("/history").status_code == 200
    app.extensions["leukoscope_tasks"].stop()
    restored(app, backup, replace=True)

    assert client.get("/history").status_code == 302


def test_beside_a_running_server_nothing_is_restored(backup: Path, elsewhere: Flask):
    with (
        held(instance_of(elsewhere)),
        pytest.raises(SettingsError, match="is in use by process"),
    ):
        restored(elsewhere, backup)

    assert kept_in(instance_of(elsewhere)) == {}


@pytest.mark.parametrize(
    "name", [DATABASE, f"{DATABASE}-wal", "audit_witness", "images/ab/x.png", "uploads/ab/x.part"]
)
def test_what_is_there_is_not_overwritten(backup: Path, elsewhere: Flask, name: str):
    mine = instance_of(elsewhere) / name
    mine.parent.mkdir(parents=True, exist_ok=True)
    mine.write_text("mine")
    with pytest.raises(BackupError, match=f"not empty: it has {Path(name).parts[0]}"):
        restored(elsewhere, backup)

    assert kept_in(instance_of(elsewhere)) == {name: b"mine"}


def test_what_is_replaced_is_moved_aside_whole(
    app: Flask, settings: Settings, client: FlaskClient, backup: Path
):
    upload_cell(client)
    key = (settings.instance_dir / "secret_key").read_bytes()
    app.extensions["leukoscope_tasks"].stop()
    with app.app_context():
        # Moves what is in the write-ahead log into the database.
        db.engine.dispose()
    before = kept_in(settings.instance_dir)
    done = restored(app, backup, replace=True)

    assert kept_in(done.replaced) == before
    assert (done.replaced / "secret_key").read_bytes() == key
    with app.app_context():
        assert len(list(db.session.scalars(db.select(Analysis)))) == 2
    assert done.verdict.findings == ()


def test_folders_without_files_are_in_nobodys_way(backup: Path, elsewhere: Flask):
    (instance_of(elsewhere) / "images" / "ab").mkdir(parents=True)

    assert restored(elsewhere, backup).replaced is None


def changed(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def an_image(backup: Path) -> Path:
    return next(path for path in sorted((backup / "images").rglob("*")) if path.is_file())


def manifest_with(**changes: object) -> Callable[[Path], None]:
    def change(backup: Path) -> None:
        content = json.loads((backup / MANIFEST).read_text())
        (backup / MANIFEST).write_text(json.dumps(content | changes))

    return change


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "database": (lambda backup: changed(backup / DATABASE), f"{DATABASE} is changed"),
    "image": (lambda backup: changed(an_image(backup)), "png is changed|jpg is changed"),
    "image is missing": (lambda backup: an_image(backup).unlink(), "is missing"),
    "shortened": (lambda backup: os.truncate(backup / "audit_witness", 9), "witness is changed"),
    "a file more": (lambda backup: (backup / "images" / "x").touch(), "images/x is not in its"),
    "all images": (
        lambda backup: [each.unlink() for each in (backup / "images").rglob("*.*")],
        "and .* more are missing",
    ),
    "not finished": (lambda backup: (backup / MANIFEST).unlink(), "no backup, or one that was"),
    "half a manifest": (
        lambda backup: os.truncate(backup / MANIFEST, 200),
        "cannot be read: the backup is damaged",
    ),
    "no manifest": (lambda backup: (backup / MANIFEST).write_text("[]"), "cannot be read"),
    "newer": (manifest_with(format=2), "newer version of this program"),
    "newer schema": (manifest_with(schema="9999"), "schema 9999 of a newer version"),
    "path out of it": (
        manifest_with(files={"images/../../x": {"sha256": "0" * 64, "bytes": 1}}),
        "cannot be read",
    ),
    "absolute path": (
        manifest_with(files={"/etc/passwd": {"sha256": "0" * 64, "bytes": 1}}),
        "cannot be read",
    ),
}


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_backup_is_refused_and_nothing_touched(
    app: Flask, settings: Settings, backup: Path, kind: str
):
    damage, sentence = DAMAGES[kind]
    damage(backup)
    app.extensions["leukoscope_tasks"].stop()
    before = kept_in(settings.instance_dir)
    with pytest.raises(BackupError, match=sentence):
        restored(app, backup, replace=True)

    assert kept_in(settings.instance_dir) == before


@pytest.mark.parametrize("kind", ["nowhere", "empty", "file"])
def test_what_is_no_backup_is_told(elsewhere: Flask, tmp_path: Path, kind: str):
    source = tmp_path / kind
    if kind == "empty":
        source.mkdir()
    if kind == "file":
        source.write_text("x")
    with pytest.raises(BackupError, match="is no backup, or one that was not finished"):
        restored(elsewhere, source)


def test_a_full_disk_changes_nothing(app: Flask, settings: Settings, backup: Path, monkeypatch):
    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    app.extensions["leukoscope_tasks"].stop()
    before = kept_in(settings.instance_dir)
    monkeypatch.setattr(copying, "flush", full)
    with pytest.raises(BackupError, match="no room left"):
        restored(app, backup, replace=True)

    assert kept_in(settings.instance_dir) == before


@pytest.fixture
def stopping(monkeypatch) -> Iterator[Callable[[int], None]]:
    """Let the moving of files stop after so many."""

    def after(number: int) -> None:
        real, moved = Path.rename, iter(range(number))

        def rename(self: Path, target: Path) -> Path:
            if next(moved, None) is None:
                raise OSError(5, "Input/output error")
            return real(self, target)

        monkeypatch.setattr(Path, "rename", rename)

    yield after
    monkeypatch.undo()


@pytest.mark.parametrize("moved", [1, 2, 3])
def test_after_a_stop_midway_no_server_starts_until_it_is_done_again(
    app: Flask, settings: Settings, backup: Path, stopping, monkeypatch, moved: int
):
    """Two halves of two instances would be served, and images of one swept as named by no row."""
    app.extensions["leukoscope_tasks"].stop()
    stopping(moved)
    with pytest.raises(BackupError, match="stopped midway"):
        restored(app, backup, replace=True)
    monkeypatch.undo()
    with pytest.raises(SettingsError, match="restore into it was not finished"):
        opening.check_finished(settings)
    done = restored(app, backup, replace=True)

    opening.check_finished(settings)
    assert done.verdict.findings == ()
    everything = files_of(settings.instance_dir)
    assert sum(name.endswith(DATABASE) for name in everything) == 2


def test_an_older_schema_is_brought_up_to_date(
    app: Flask, settings: Settings, tmp_path: Path, backup: Path, elsewhere: Flask
):
    older = create_app(
        settings.model_copy(update={"instance_dir": tmp_path / "older"}), stand_in_models()
    )
    (tmp_path / "older" / DATABASE).write_bytes((backup / DATABASE).read_bytes())
    with older.app_context():
        downgrade(revision="0010")
        db.session.execute(db.text("PRAGMA journal_mode = DELETE"))
        db.session.remove()
        db.engine.dispose()
    (backup / DATABASE).write_bytes((tmp_path / "older" / DATABASE).read_bytes())
    reseal(backup, schema="0010")

    assert restored(elsewhere, backup).verdict.findings == ()
    with elsewhere.app_context():
        assert opening.check_present(elsewhere.config["LEUKOSCOPE"])


def test_models_come_along_where_others_are_installed(
    settings: Settings, backup: Path, tmp_path: Path
):
    there = settings.model_copy(
        update={"instance_dir": tmp_path / "there", "weights_dir": tmp_path / "others"}
    )
    install_models(there, version="2")
    app = another(there)
    done = restored(app, backup)

    assert done.weights == tmp_path / "there" / "weights"
    assert files_of(done.weights) == files_of(settings.weights_dir)
    # Those that are in use stay when it is restored once more.
    again = another(there.model_copy(update={"weights_dir": done.weights}))
    assert restored(again, backup, replace=True).weights is None
    assert sha256_of(done.weights / "classifier" / "1" / "network.bin") == sha256_of(
        settings.weights_dir / "classifier" / "1" / "network.bin"
    )
    for each in (app, again):
        with each.app_context():
            db.engine.dispose()


def test_what_is_backed_up_again_is_the_same(
    backup: Path, elsewhere: Flask, tmp_path: Path, client: FlaskClient
):
    restored(elsewhere, backup)
    again = back_up(elsewhere, tmp_path / "again")

    assert again.verdict.findings == ()
    first, second = files_of(backup), files_of(tmp_path / "again")
    assert first.keys() == second.keys()
    assert {name for name in first if first[name] != second[name]} == {
        DATABASE,
        "audit_witness",
        MANIFEST,
    }


def test_slides_come_back(app: Flask, client: FlaskClient, elsewhere: Flask, tmp_path: Path):
    slide = upload_slide(client, write_slide(tmp_path / "a.tif", 2048))
    back_up(app, tmp_path / "backup")
    restored(elsewhere, tmp_path / "backup")
    again = another(elsewhere.config["LEUKOSCOPE"])
    browser = again.test_client()
    post(browser, "/sign-in", name="ada", password=PASSWORD)
    assert browser.get(f"{slide}/tiles/11/0_0.jpg").status_code == 200
    end(again)


def test_a_restore_writes_into_no_bucket(app: Flask, settings: Settings, tmp_path: Path):
    """A trial of a restore would mix with the images that the clinic uses."""
    app.config["LEUKOSCOPE"] = settings.model_copy(update={"images_url": "s3://images/clinic"})
    with pytest.raises(BackupError, match=r"names s3://images/clinic\. Unset it, restore"):
        restored(app, tmp_path / "backup")
