import itertools
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from records import db, opening
from records.analyses import explanations
from records.analyses.explanations import Explanation
from records.audit.audit import Event
from records.storage import stored_files
from records.storage.image_store import DiskStore
from records.storage.stored_files import IMAGES, UPLOADS
from records.tasks import TaskState
from services.backups import make
from services.backups.manifest import MANIFEST, BackupError, read
from settings import DATABASE, QUEUES, Settings, SettingsError
from tests.backups import back_up, files_of, install_models
from tests.people import add_account, post
from tests.slide_files import write_slide
from tests.slide_uploads import begin, upload_slide
from tests.trail import append, noted, tamper
from tests.uploads import png, send, upload_cell

pytestmark = pytest.mark.sqlite_only("backups are of SQLite")


def named_in(backup: Path) -> set[str]:
    """The files that the database of a backup names, as they are called in it."""
    with opening.read_only(backup):
        return {
            f"{folder}/{name[:2]}/{name}"
            for folder in (IMAGES, UPLOADS)
            for name in stored_files.named(folder)
        }


def stored_in(backup: Path) -> set[str]:
    return {name for name in files_of(backup) if name.startswith((IMAGES, UPLOADS))}


def test_it_has_all_that_an_instance_keeps(
    app: Flask, settings: Settings, client: FlaskClient, reading, tmp_path: Path
):
    reading.go_on.clear()
    send(client, "/detect", ("waits.png", png()), as_json=True)
    store = DiskStore(settings.images_dir)
    with app.app_context():
        explanations.ask_for(db.session.scalars(db.text("SELECT id FROM analyses")).first())
        picture = db.session.scalars(db.select(Explanation)).one()
        drawn = picture.picture_name = store.put(b"an explanation")
        picture.state = TaskState.DONE
        db.session.commit()
    left = store.put(b"no row names it")
    made = back_up(app, tmp_path / "backup")
    reading.go_on.set()
    copied = files_of(tmp_path / "backup")

    assert made.verdict.findings == ()
    assert made.manifest.missing == ()
    assert stored_in(tmp_path / "backup") == named_in(tmp_path / "backup")
    assert len([name for name in copied if name.startswith("uploads/")]) == 1
    assert copied[f"images/{drawn[:2]}/{drawn}"] == b"an explanation"
    assert not any(left in name for name in copied)
    for name, content in files_of(settings.instance_dir).items():
        if name in copied and name not in (DATABASE, "audit_witness"):
            assert copied[name] == content
    assert copied["secret_key"] == (settings.instance_dir / "secret_key").read_bytes()
    for name, content in files_of(settings.weights_dir).items():
        assert copied[f"weights/{name}"] == content
    assert copied.keys() - made.manifest.files.keys() == {MANIFEST}
    assert read(tmp_path / "backup") == made.manifest
    assert made.manifest.models == {"classifier": "1", "detector": "1"}


def test_only_the_present_account_can_read_it(app: Flask, client: FlaskClient, tmp_path: Path):
    (tmp_path / "backup").mkdir(mode=0o755)
    back_up(app, tmp_path / "backup")

    assert (tmp_path / "backup").stat().st_mode & 0o077 == 0
    for path in (tmp_path / "backup").rglob("*"):
        assert path.is_dir() or path.stat().st_mode & 0o077 == 0, path


def test_it_says_in_itself_that_it_was_made(app: Flask, client: FlaskClient, tmp_path: Path):
    back_up(app, tmp_path / "backup")

    with opening.read_only(tmp_path / "backup"):
        assert len(noted(Event.BACKUP)) == 1


@contextmanager
def going_on(*acts: Callable[[], None]) -> Iterator[None]:
    """Let threads do these acts again and again, from before the block to its end."""
    ended, begun = threading.Event(), threading.Barrier(len(acts) + 1, timeout=60)
    errors: list[Exception] = []

    def work(act: Callable[[], None]) -> None:
        begun.wait()
        try:
            while not ended.is_set():
                act()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    begun.wait()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join(60)
    assert errors == []


def test_what_goes_on_meanwhile_is_in_it_whole_or_not_at_all(
    app: Flask, client: FlaskClient, tmp_path: Path
):
    """Witness, rows and images agree in every copy, whatever is written, read and deleted."""
    add_account(app, "ben")
    ben = app.test_client()
    post(ben, "/sign-in", name="ben", password="violet stain, forty drops")

    def note() -> None:
        with app.app_context():
            append()

    def come_and_go() -> None:
        post(client, f"/history/{upload_cell(client)}/delete")

    def send_field() -> None:
        answer = send(ben, "/detect", ("field.png", png()), as_json=True)
        assert answer.status_code in {202, 429, 503}

    with going_on(note, come_and_go, send_field):
        made = [back_up(app, tmp_path / f"backup {number}") for number in range(8)]

    assert len({one.manifest.head.number for one in made}) == len(made)
    for number, one in enumerate(made):
        backup = tmp_path / f"backup {number}"
        assert one.verdict.findings == ()
        assert one.manifest.missing == ()
        assert one.verdict.logged > 0
        assert stored_in(backup) == named_in(backup)
    with app.app_context():
        assert sum(len(noted(event)) for event in (Event.ANALYSIS, Event.DELETE)) > len(made)


def test_what_was_lost_before_is_named_and_the_rest_is_kept(
    app: Flask, settings: Settings, client: FlaskClient, tmp_path: Path, monkeypatch
):
    monkeypatch.setattr(make, "GOING_SECONDS", 0.2)
    lost = next(path for path in settings.images_dir.rglob("*") if path.is_file())
    lost.unlink()
    made = back_up(app, tmp_path / "backup")

    assert made.manifest.missing == (f"images/{lost.parent.name}/{lost.name}",)
    assert stored_in(tmp_path / "backup") == named_in(tmp_path / "backup") - set(
        made.manifest.missing
    )


def test_a_trail_that_was_changed_is_kept_and_told(app: Flask, client: FlaskClient, tmp_path: Path):
    with app.app_context():
        tamper("UPDATE audit_entries SET account_name = 'eve' WHERE number = 3")
    made = back_up(app, tmp_path / "backup")

    assert made.verdict.findings == ("Row 3 was changed: its contents are not those of its hash.",)
    assert read(tmp_path / "backup") == made.manifest


def without_queues(files: dict[str, bytes]) -> dict[str, bytes]:
    """Leave out the file of the queues, in which their engine may write at any time."""
    return {name: content for name, content in files.items() if QUEUES not in name}


@pytest.mark.parametrize("kind", ["a file in it", "a file", "inside"])
def test_a_target_that_is_not_free_is_refused(
    app: Flask, settings: Settings, client: FlaskClient, tmp_path: Path, kind: str
):
    target = settings.instance_dir / "backup" if kind == "inside" else tmp_path / "backup"
    if kind == "a file":
        target.write_text("mine")
    if kind == "a file in it":
        target.mkdir()
        (target / "mine").write_text("mine")
    before = without_queues(files_of(tmp_path))
    with pytest.raises(BackupError, match=r"is not empty|inside of the instance"):
        back_up(app, target)

    # Nothing was written, the database included.
    assert without_queues(files_of(tmp_path)) == before


def test_without_a_database_there_is_nothing_to_back_up(elsewhere: Flask, tmp_path: Path):
    with pytest.raises(BackupError, match="no database in"):
        back_up(elsewhere, tmp_path / "backup")

    assert not (tmp_path / "backup").exists()
    assert not (tmp_path / "elsewhere" / DATABASE).exists()


@pytest.mark.parametrize(
    ("revision", "sentence"), [("9999", "newer version"), ("0010", "older version")]
)
def test_a_database_of_another_version_is_refused(
    app: Flask, client: FlaskClient, tmp_path: Path, revision: str, sentence: str
):
    with app.app_context():
        db.session.execute(db.text(f"UPDATE alembic_version SET version_num = '{revision}'"))
        db.session.commit()
    with pytest.raises(SettingsError, match=sentence):
        back_up(app, tmp_path / "backup")

    assert not (tmp_path / "backup").exists()


def test_a_damaged_database_is_a_sentence_and_leaves_nothing(
    app: Flask, settings: Settings, client: FlaskClient, tmp_path: Path
):
    database = settings.instance_dir / DATABASE
    with app.app_context():
        db.session.execute(db.text("PRAGMA wal_checkpoint(TRUNCATE)"))
        db.session.remove()
        db.engine.dispose()
    with closing(sqlite3.connect(database)) as connection:
        page = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'analyses'"
        ).fetchone()[0]
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    with database.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(os.urandom(size))
    with pytest.raises(BackupError, match="database is damaged"):
        back_up(app, tmp_path / "backup")

    assert files_of(tmp_path / "backup") == {}


def test_an_error_midway_leaves_nothing(
    app: Flask, client: FlaskClient, tmp_path: Path, monkeypatch
):
    writes, real = itertools.count(), os.fdopen

    def full(descriptor: int, *args: object, **options: object) -> object:
        if next(writes) == 5:
            os.close(descriptor)
            raise OSError(28, "No space left on device")
        return real(descriptor, *args, **options)

    monkeypatch.setattr(os, "fdopen", full)
    with pytest.raises(BackupError, match="no room left"):
        back_up(app, tmp_path / "backup")

    assert files_of(tmp_path / "backup") == {}


def test_older_versions_of_the_models_are_left_out(app: Flask, settings: Settings, tmp_path: Path):
    install_models(settings, "1")
    install_models(settings, "2")
    made = back_up(app, tmp_path / "backup")
    assert made.manifest.models == {"classifier": "2", "detector": "2"}
    weights = {name for name in made.manifest.files if name.startswith("weights/")}
    assert {name.split("/")[2] for name in weights} == {"active", "2"}


def test_a_switch_of_versions_meanwhile_ends_the_backup_with_a_sentence(
    app: Flask, settings: Settings, tmp_path: Path, monkeypatch
):
    install_models(settings, "1")
    copy = make.copying.copy

    def switched_meanwhile(source: make.Source, target: Path) -> object:
        if target.name == "network.bin" and "classifier" in target.parts:
            install_models(settings, "2")
        return copy(source, target)

    monkeypatch.setattr(make.copying, "copy", switched_meanwhile)
    with pytest.raises(BackupError, match="classifier was activated meanwhile"):
        back_up(app, tmp_path / "backup")
    assert not (tmp_path / "backup" / MANIFEST).exists()


def test_slides_are_copied_with_all_their_files(app: Flask, client: FlaskClient, tmp_path: Path):
    upload_slide(client, write_slide(tmp_path / "a.tif", 2048))
    begin(client, "arrives.tif", 1000)
    back_up(app, tmp_path / "backup")
    copied = sorted(Path(name).name for name in files_of(tmp_path / "backup") if "slides/" in name)
    assert copied == ["arriving.part", "slide.tif"]


def test_a_slide_whose_files_are_lost_is_named(
    app: Flask, settings: Settings, client: FlaskClient, tmp_path: Path
):
    upload_slide(client, write_slide(tmp_path / "a.tif", 2048))
    (lost,) = settings.slides_dir.rglob("slide.tif")
    lost.unlink()
    back_up(app, tmp_path / "backup")
    missing = read(tmp_path / "backup").missing
    assert [Path(name).parent.name for name in missing] == [lost.parent.name]
