"""The application with encrypted images: as without, and with a clear answer when a key is gone."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import note_start, prepare
from records.audit.audit import Event
from records.storage.image_keys import ImageKeys, add_key, make_key_file
from records.storage.image_store import DiskStore
from records.storage.image_stores import image_stores
from records.storage.sealing import MARK
from services.analyses.field_queue import NO_STORE
from services.instance import leftovers, readiness
from services.instance.encrypting_images import encrypt_images
from settings import Settings, SettingsError
from tests.applications import empty_app, end, new_app
from tests.archives import packed, send_archive, send_entry
from tests.backups import back_up, files_of, install_models, restored
from tests.cases import open_case
from tests.image_files import with_last_byte_changed
from tests.pages.operations.test_health import READY
from tests.people import account_named, post, sign_in_as
from tests.stand_ins import drawn_field
from tests.trail import noted
from tests.uploads import follow, png, send, upload_cell, upload_field

JPEG, PNG, ZIP = b"\xff\xd8\xff", b"\x89PNG\r\n", b"PK\x03\x04"


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    make_key_file(tmp_path / "keys", "today")
    return tmp_path / "keys"


@pytest.fixture
def keyed(settings: Settings, key_file: Path) -> Settings:
    return settings.model_copy(update={"images_key_file": key_file})


@pytest.fixture
def app(keyed: Settings) -> Iterator[Flask]:
    """The whole application with its images encrypted."""
    with empty_app(keyed) as app:
        yield app


@pytest.fixture
def lost(app: Flask, signed_in: FlaskClient, keyed: Settings, tmp_path: Path) -> Iterator[Flask]:
    """The application with a cell, started anew with another key."""
    upload_cell(signed_in)
    app.extensions["leukoscope_tasks"].stop()
    make_key_file(tmp_path / "others", "today")
    again = new_app(keyed.model_copy(update={"images_key_file": tmp_path / "others"}))
    yield again
    end(again)


def kept(settings: Settings) -> dict[str, bytes]:
    """Every file with a picture, as it is on the disk."""
    folders = ("images/", "uploads/", "thumbnails/")
    return {
        name: content
        for name, content in files_of(settings.instance_dir).items()
        if name.startswith(folders)
    }


def test_a_cell_and_a_field_are_read_shown_and_deleted(
    app: Flask, settings: Settings, signed_in: FlaskClient
):
    cell, field = upload_cell(signed_in), upload_field(signed_in)["id"]
    assert len(kept(settings)) >= 4
    assert all(content.startswith(MARK) for content in kept(settings).values())
    for path in (f"/classify/{cell}/image", f"/detect/{field}/image", f"/detect/{field}/cells"):
        shown = signed_in.get(path)
        assert (shown.status_code, shown.mimetype[:6]) == (200, "image/"), path
        assert shown.data.startswith((JPEG, PNG)), path
        # What people see is nowhere on the disk.
        for name, content in kept(settings).items():
            assert shown.data[-100:] not in content, name
            assert shown.data[:16] not in content, name
    for analysis in (cell, field):
        assert post(signed_in, f"/history/{analysis}/delete").status_code == 303
    assert kept(settings) == {}


def test_thumbnails_of_a_case_are_encrypted(app: Flask, settings: Settings, signed_in: FlaskClient):
    with app.app_context():
        case = open_case(account_named("ada").id)
        case_id = case.id
    field = upload_field(signed_in, content=png(drawn_field()), case=case_id)["id"]
    shown = signed_in.get(f"/cases/{case_id}/room/sheets/{field}/0")
    assert shown.data.startswith(JPEG)
    thumbnails = [
        content for name, content in kept(settings).items() if name.startswith("thumbnails/")
    ]
    assert thumbnails
    for content in thumbnails:
        assert content.startswith(MARK)
        assert shown.data[-100:] not in content


def test_a_field_that_waits_and_a_zip_are_encrypted(
    app: Flask, settings: Settings, signed_in: FlaskClient, reading
):
    reading.go_on.clear()
    content = png(drawn_field())
    task = send(signed_in, "/detect", ("waits.png", content), as_json=True).json
    zipped = packed({"1.png": png(drawn_field(600)), "2.png": png()})
    archive = send_archive(signed_in, zipped).json
    waiting = kept(settings)
    assert len([name for name in waiting if name.startswith("uploads/")]) == 2
    for name, each in waiting.items():
        assert each.startswith(MARK), name
        assert content[-64:] not in each
        assert zipped[-64:] not in each
    reading.go_on.set()
    assert follow(signed_in, task)["state"] == "done"
    for entry in archive["entries"]:
        sent = send_entry(signed_in, "/detect", archive, entry["place"], batch="c" * 32)
        assert follow(signed_in, sent.json)["state"] == "done"


def test_images_of_before_are_shown_beside_encrypted_ones(
    app: Flask, settings: Settings, signed_in: FlaskClient
):
    cell = upload_cell(signed_in)
    with app.app_context():
        app.extensions["leukoscope_tasks"].stop()
        encrypt_images(app.config["LEUKOSCOPE"], decrypt=True)
    assert not any(content.startswith(MARK) for content in kept(settings).values())
    later = upload_cell(signed_in, "later.png", png(drawn_field(70)))
    assert {content.startswith(MARK) for content in kept(settings).values()} == {True, False}
    for analysis in (cell, later):
        assert signed_in.get(f"/classify/{analysis}/image").status_code == 200


def test_an_image_whose_key_is_gone_is_shown_as_a_missing_one(
    lost: Flask, keyed: Settings, settings: Settings, caplog: pytest.LogCaptureFixture
):
    before = kept(settings)
    client = sign_in_as(lost, "cleo")
    cell = next(iter(client.get("/history").text.split("/classify/")[1:]))[:32]
    assert client.get(f"/classify/{cell}").status_code == 200
    assert client.get(f"/classify/{cell}/image").status_code == 404
    assert post(client, f"/classify/{cell}/detect").status_code == 303
    key = ImageKeys(keyed.images_key_file).writing
    assert f"is encrypted with the key {key}, which LEUKOSCOPE_IMAGES_KEY_FILE does not" in (
        caplog.text
    )
    with lost.app_context():
        prepare(lost, lost.config["LEUKOSCOPE"])
        assert len(leftovers.sweep(lost.config["LEUKOSCOPE"], 2e9)) == 0
    assert before.items() <= kept(settings).items()


def test_ready_says_that_images_cannot_be_decrypted(
    lost: Flask, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(readiness, "SECONDS_APART", 0.0)
    answer = lost.test_client().get("/readyz")
    assert (answer.status_code, answer.json) == (503, READY | {"images": "undecryptable"})
    assert "is encrypted with the key" in caplog.text
    # What is sent from then on can be read.
    upload_cell(sign_in_as(lost, "cleo"), content=png(drawn_field(70)))
    answer = lost.test_client().get("/readyz")
    assert (answer.status_code, answer.json) == (200, READY | {"images": "ok"})


def test_ready_decrypts_the_newest_image_once(
    app: Flask, signed_in: FlaskClient, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(readiness, "SECONDS_APART", 0.0)
    for _ in range(2):
        answer = signed_in.get("/readyz")
        assert (answer.status_code, answer.json) == (200, READY | {"images": "ok"})
    upload_cell(signed_in)
    opened, open_file = [], DiskStore.open

    def counting(store: DiskStore, name: str):
        opened.append(name)
        return open_file(store, name)

    monkeypatch.setattr(DiskStore, "open", counting)
    for _ in range(2):
        assert signed_in.get("/readyz").json == READY | {"images": "ok"}
    assert len(opened) == 1


def test_a_disk_that_fails_is_a_store_that_cannot_be_used(
    app: Flask, signed_in: FlaskClient, monkeypatch: pytest.MonkeyPatch
):
    upload_cell(signed_in)

    def failing(_store: DiskStore, _name: str) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(DiskStore, "open", failing)
    answer = signed_in.get("/readyz")
    assert (answer.status_code, answer.json) == (503, READY | {"images": "failed"})


def test_a_key_file_that_vanishes_is_a_store_that_cannot_be_used(
    app: Flask, key_file: Path, settings: Settings
):
    client = sign_in_as(app, "ada")
    key_file.unlink()
    answer = send(client, "/classify", ("cell.png", png()), as_json=True)
    assert (answer.status_code, answer.json) == (503, {"error": NO_STORE})
    assert client.get("/readyz").json == READY | {"images": "failed"}
    assert kept(settings) == {}


def test_without_the_setting_nothing_starts_on_encrypted_images(
    app: Flask, signed_in: FlaskClient, settings: Settings
):
    prepare(app, app.config["LEUKOSCOPE"])
    upload_cell(signed_in)
    forgotten = new_app(settings)
    with pytest.raises(SettingsError, match="are encrypted, and LEUKOSCOPE_IMAGES_KEY_FILE is not"):
        prepare(forgotten, settings)
    end(forgotten)


def test_the_start_notes_the_key_and_not_its_bytes(app: Flask, keyed: Settings):
    key = ImageKeys(keyed.images_key_file).writing
    with app.app_context():
        note_start(app, keyed)
        (row,) = noted(Event.START)
        assert row.known["images_key"] == str(key)


@pytest.mark.sqlite_only("backups are of SQLite")
def test_a_backup_has_encrypted_images_and_is_restored_with_the_key(
    app: Flask, keyed: Settings, settings: Settings, signed_in: FlaskClient, tmp_path: Path
):
    install_models(settings)
    cell = upload_cell(signed_in)
    plain = image_stores(keyed).images
    wanted = {name: plain.read(name) for name in plain.names()}
    # One key more does not change what is kept.
    add_key(tmp_path / "keys", "tomorrow")
    made = back_up(app, tmp_path / "backup")
    assert made.manifest.missing == ()
    copied = files_of(tmp_path / "backup")
    images = {name: content for name, content in copied.items() if name.startswith("images/")}
    assert len(images) == len(wanted)
    assert all(content.startswith(MARK) for content in images.values())
    assert not any(b"keys" in name.encode() for name in copied)

    elsewhere = new_app(keyed.model_copy(update={"instance_dir": tmp_path / "elsewhere"}))
    assert restored(elsewhere, tmp_path / "backup").unreadable == ""
    store = image_stores(elsewhere.config["LEUKOSCOPE"]).images
    assert {name: store.read(name) for name in store.names()} == wanted
    client = sign_in_as(elsewhere, "cleo")
    assert client.get(f"/classify/{cell}/image").status_code == 200
    end(elsewhere)

    unkeyed = new_app(settings.model_copy(update={"instance_dir": tmp_path / "unkeyed"}))
    assert "is encrypted with the key" in restored(unkeyed, tmp_path / "backup").unreadable
    end(unkeyed)


def test_a_damaged_image_is_shown_as_a_missing_one(
    app: Flask, settings: Settings, signed_in: FlaskClient, caplog: pytest.LogCaptureFixture
):
    cell = upload_cell(signed_in)
    for path in settings.images_dir.rglob("*.*"):
        path.write_bytes(with_last_byte_changed(path.read_bytes()))
    assert signed_in.get(f"/classify/{cell}/image").status_code == 404
    assert "cannot be decrypted: its file is damaged" in caplog.text
    assert {record.levelno for record in caplog.records} <= {logging.INFO, logging.WARNING}
