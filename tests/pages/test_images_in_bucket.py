"""The application with its images in a bucket: as on disk, or with a clear error."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from jobs import runner
from records import db
from records.analyses.analyses import Analysis
from records.analyses.field_tasks import FieldTask
from records.audit.audit import Event
from records.storage.image_stores import ImageStores, in_bucket
from services.analyses.field_queue import NO_STORE
from services.instance import leftovers, readiness
from services.instance.readiness import State, StoreProbe
from settings import Bucket, Settings
from tests.applications import empty_app
from tests.archives import packed, send_archive, send_entry
from tests.backups import back_up, files_of, install_models
from tests.pages.operations.test_health import READY
from tests.people import post, sign_in_as
from tests.stand_ins import drawn_field
from tests.trail import noted
from tests.uploads import follow, png, send, texts, upload_cell, upload_field

JSON = {"Accept": "application/json"}
SECRET = "a-secret-that-nobody-may-read"


def in_a_bucket(settings: Settings, bucket: Bucket) -> Settings:
    return settings.model_copy(
        update={"images_url": str(bucket), "images_encryption": "aes256", "images_kms_key": ""}
    )


@pytest.fixture
def stores(bucket: Bucket) -> ImageStores:
    """What the bucket has."""
    return in_bucket(bucket)


@pytest.fixture
def app(settings: Settings, bucket: Bucket) -> Iterator[Flask]:
    """The whole application with its images in a bucket of a real server."""
    with empty_app(in_a_bucket(settings, bucket)) as app:
        yield app


@pytest.fixture
def cut_off(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """The application whose image store does not answer."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setattr("records.storage.object_store.RETRIES", 0)
    with empty_app(in_a_bucket(settings, Bucket("images"))) as app:
        yield app


@pytest.mark.object_store
def test_a_cell_and_a_field_are_read_shown_and_deleted(
    app: Flask, settings: Settings, signed_in: FlaskClient, stores: ImageStores
):
    cell, field = upload_cell(signed_in), upload_field(signed_in)["id"]
    assert len(stores.images.names()) >= 4
    assert stores.uploads.names() == set()
    for path in (f"/classify/{cell}/image", f"/detect/{field}/image", f"/detect/{field}/cells"):
        shown = signed_in.get(path)
        assert (shown.status_code, shown.mimetype[:6]) == (200, "image/"), path
    for analysis in (cell, field):
        assert post(signed_in, f"/history/{analysis}/delete").status_code == 303
    assert stores.images.names() == set()
    assert not settings.images_dir.exists()
    assert not settings.uploads_dir.exists()


@pytest.mark.object_store
def test_a_zip_is_unpacked_from_the_bucket(app: Flask, signed_in: FlaskClient, stores: ImageStores):
    archive = send_archive(
        signed_in, packed({"1.png": png(drawn_field()), "2.png": png(drawn_field(600))})
    ).json
    assert len(stores.uploads.names()) == 1
    for entry in archive["entries"]:
        sent = send_entry(signed_in, "/detect", archive, entry["place"], batch="c" * 32)
        assert follow(signed_in, sent.json)["state"] == "done"
    headers = {"X-CSRFToken": sent.request.headers["X-CSRFToken"]}
    assert signed_in.post(archive["drop"], headers=headers).json == {"state": "dropped"}
    assert stores.uploads.names() == set()


@pytest.mark.object_store
def test_an_image_that_is_gone_from_the_bucket_is_not_found(
    app: Flask, signed_in: FlaskClient, stores: ImageStores
):
    cell = upload_cell(signed_in)
    for name in stores.images.names():
        stores.images.delete(name)
    assert signed_in.get(f"/classify/{cell}/image").status_code == 404


@pytest.mark.object_store
def test_what_no_row_names_is_removed_on_demand_and_not_at_the_start(
    app: Flask, signed_in: FlaskClient, stores: ImageStores
):
    upload_cell(signed_in)
    kept = stores.images.names()
    left = stores.images.put(b"left by a killed server")
    chosen, later = app.config["LEUKOSCOPE"], time.time() + 60
    with app.app_context():
        assert len(leftovers.sweep(chosen, later)) == 0
        assert left in stores.images.names()
        found = leftovers.find(chosen, later)
        assert [each.place for each in found.images] == [stores.images.place(left)]
        assert leftovers.remove(found).counts() == {"images": 1}
        (row,) = noted(Event.SWEEP)
        assert row.known == {"images": 1}
    assert stores.images.names() == kept


@pytest.mark.object_store
@pytest.mark.sqlite_only("backups are of SQLite")
def test_a_backup_has_the_images_of_the_bucket(
    app: Flask, settings: Settings, signed_in: FlaskClient, stores: ImageStores, tmp_path: Path
):
    install_models(settings)
    upload_cell(signed_in)
    made = back_up(app, tmp_path / "backup")
    assert made.manifest.missing == ()
    copied = files_of(tmp_path / "backup")
    for name in stores.images.names():
        assert copied[f"images/{name[:2]}/{name}"] == stores.images.read(name)


@pytest.mark.object_store
def test_a_store_that_answers_is_ready(app: Flask, client: FlaskClient):
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json) == (200, READY | {"images": "ok"})


@pytest.mark.parametrize("path", ["/classify", "/detect"])
def test_an_upload_that_finds_no_store_is_told_so(
    cut_off: Flask, caplog: pytest.LogCaptureFixture, path: str
):
    client = sign_in_as(cut_off, "ada")
    answer = send(client, path, ("cell.png", png()), as_json=True)
    assert (answer.status_code, answer.json) == (503, {"error": NO_STORE})
    plain = send(client, path, ("cell.png", png()))
    assert NO_STORE in texts(plain.text)
    with cut_off.app_context():
        assert db.session.scalar(db.select(db.func.count()).select_from(Analysis)) == 0
        assert db.session.scalar(db.select(db.func.count()).select_from(FieldTask)) == 0
    assert "The image store s3://images does not answer" in caplog.text
    assert SECRET not in caplog.text


def test_a_zip_that_finds_no_store_is_told_so(cut_off: Flask):
    client = sign_in_as(cut_off, "ada")
    answer = send_archive(client, packed({"1.png": png()}))
    assert (answer.status_code, answer.json) == (503, {"error": NO_STORE})


def test_a_picture_that_cannot_be_loaded_is_no_missing_one(
    cut_off: Flask, monkeypatch: pytest.MonkeyPatch
):
    client = sign_in_as(cut_off, "ada")
    with monkeypatch.context() as patched:
        patched.setattr("records.storage.object_store.ObjectStore.put_named", lambda *_: None)
        cell = upload_cell(client)
    shown = client.get(f"/classify/{cell}/image", headers=JSON)
    assert (shown.status_code, shown.json) == (503, {"error": NO_STORE})
    page = client.get(f"/classify/{cell}")
    assert page.status_code == 200


def test_a_field_waits_for_the_store_and_fails_with_a_sentence(
    cut_off: Flask, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(runner, "MOST_TRIES", 2)
    client = sign_in_as(cut_off, "ada")
    with monkeypatch.context() as patched:
        patched.setattr("records.storage.object_store.ObjectStore.put_named", lambda *_: None)
        sent = send(client, "/detect", ("field.png", png(drawn_field())), as_json=True)
    assert sent.status_code == 202
    shown = follow(client, sent.json)
    assert (shown["state"], shown["error"]) == ("failed", runner.NO_STORE)
    with cut_off.app_context():
        # So that it can be tried again.
        assert db.session.scalars(db.select(FieldTask)).one().upload_name


def test_a_store_that_does_not_answer_is_not_ready(cut_off: Flask):
    answer = cut_off.test_client().get("/readyz")
    assert (answer.status_code, answer.json) == (503, READY | {"images": "failed"})


def test_a_store_is_asked_for_readiness_some_seconds_apart(caplog: pytest.LogCaptureFixture):
    asked, now = [], [100.0]
    probe = StoreProbe(lambda: asked.append(now[0]), lambda: now[0])
    for _ in range(3):
        assert probe.state() is State.OK
    now[0] += readiness.SECONDS_APART
    assert probe.state() is State.OK
    assert asked == [100.0, 105.0]
    assert caplog.record_tuples == [
        each for each in caplog.record_tuples if each[1] < logging.WARNING
    ]
