"""Moving the images of an installation into a bucket of a real server, and back."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from records.audit.audit import Event
from records.storage.image_store import DiskStore
from records.storage.image_stores import in_bucket, on_disk
from records.storage.instance_lock import held
from records.storage.object_store import ObjectStore
from services.instance.moving import MoveError
from services.instance.moving_images import MovedImages, move_images
from settings import Bucket, Settings, SettingsError
from tests.applications import end, new_app
from tests.people import sign_in_as
from tests.trail import noted
from tests.uploads import send_images, upload_cell

pytestmark = pytest.mark.object_store

NAME = "0a" * 16 + ".png"


@pytest.fixture
def client(app: Flask, reading) -> FlaskClient:
    """Of somebody who sent a cell, and a field that waits."""
    return send_images(app, reading)


@pytest.fixture
def moved(settings: Settings, bucket: Bucket) -> Settings:
    """The settings after a move."""
    return settings.model_copy(update={"images_url": str(bucket)})


@pytest.fixture
def there(app: Flask, client: FlaskClient, moved: Settings) -> Iterator[Flask]:
    """The application after a move."""
    again = new_app(moved)
    yield again
    end(again)


def move(app: Flask, target: Bucket | None) -> MovedImages:
    with app.app_context():
        return move_images(app.config["LEUKOSCOPE"], target)


def contents(stores) -> dict[str, bytes]:
    return {
        name: store.read(name) for store in stores.by_folder().values() for name in store.names()
    }


def test_all_images_are_copied_and_the_application_goes_on_there(
    app: Flask, client: FlaskClient, settings: Settings, bucket: Bucket, there: Flask
):
    wanted = contents(on_disk(settings))
    assert any(name.endswith(".upload") for name in wanted)
    left = DiskStore(settings.images_dir).put(b"no row names it")
    done = move(app, bucket)

    assert done == MovedImages(len(wanted), ())
    assert contents(in_bucket(bucket)) == wanted
    assert left in on_disk(settings).images.names()
    with app.app_context():
        (row,) = noted(Event.MOVE_IMAGES)
        assert row.known == {"to": str(bucket)}
    shutil.rmtree(settings.images_dir)
    browser = sign_in_as(there, "ben")
    cell = upload_cell(browser)
    assert browser.get(f"/classify/{cell}/image").status_code == 200


def test_they_come_back_with_what_was_added(
    app: Flask, client: FlaskClient, settings: Settings, bucket: Bucket, there: Flask
):
    move(app, bucket)
    upload_cell(sign_in_as(there, "ben"))
    wanted = contents(in_bucket(bucket))
    shutil.rmtree(settings.images_dir)
    shutil.rmtree(settings.uploads_dir)
    there.extensions["leukoscope_tasks"].stop()

    assert move(there, None).copied == len(wanted)
    assert contents(on_disk(settings)) == wanted


def test_a_second_attempt_takes_what_the_first_one_left(
    app: Flask, client: FlaskClient, settings: Settings, bucket: Bucket
):
    for _ in range(2):
        done = move(app, bucket)
    assert done.copied == len(contents(on_disk(settings)))


def test_what_a_killed_attempt_half_wrote_is_not_in_the_way(
    app: Flask, client: FlaskClient, settings: Settings, bucket: Bucket, there: Flask
):
    wanted = contents(on_disk(settings))
    move(app, bucket)
    there.extensions["leukoscope_tasks"].stop()
    for folder in (settings.images_dir, settings.uploads_dir):
        for kept in [path for path in folder.rglob("*") if path.is_file()]:
            kept.rename(kept.with_suffix(".part"))

    assert move(there, None).copied == len(wanted)
    assert contents(on_disk(settings)) == wanted
    assert not list(settings.images_dir.rglob("*.part"))


def test_files_of_somebody_else_are_never_mixed_with(
    app: Flask, client: FlaskClient, bucket: Bucket
):
    other = in_bucket(bucket).images.put(b"of another installation")
    with pytest.raises(MoveError, match=rf"not of this installation, such as {other}"):
        move(app, bucket)
    assert in_bucket(bucket).images.names() == {other}


def test_a_file_that_arrives_changed_stops_the_move(
    app: Flask, client: FlaskClient, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
):
    put = ObjectStore.put_named

    def changed(store: ObjectStore, name: str, content: io.BufferedReader) -> None:
        put(store, name, io.BytesIO(content.read() + b"!"))

    monkeypatch.setattr(ObjectStore, "put_named", changed)
    with pytest.raises(MoveError, match=r"is not in s3://.* what was copied"):
        move(app, bucket)
    assert contents(in_bucket(bucket)) == {}


def test_what_was_missing_is_named(
    app: Flask, client: FlaskClient, settings: Settings, bucket: Bucket
):
    lost = min(DiskStore(settings.images_dir).names())
    DiskStore(settings.images_dir).delete(lost)
    done = move(app, bucket)
    assert done.missing == (lost,)
    assert lost not in in_bucket(bucket).images.names()


def test_what_is_missing_here_and_is_there_stays_there(
    app: Flask, client: FlaskClient, settings: Settings, bucket: Bucket
):
    move(app, bucket)
    lost = min(DiskStore(settings.images_dir).names())
    DiskStore(settings.images_dir).delete(lost)
    assert move(app, bucket).missing == ()
    assert lost in in_bucket(bucket).images.names()


def test_beside_a_running_server_nothing_moves(
    app: Flask, client: FlaskClient, settings: Settings, bucket: Bucket
):
    with held(settings.instance_dir), pytest.raises(SettingsError, match="is in use by"):
        move(app, bucket)
    assert contents(in_bucket(bucket)) == {}


def test_the_present_place_is_no_target(app: Flask, there: Flask, bucket: Bucket):
    with pytest.raises(MoveError, match="has the images of this installation already"):
        move(app, None)
    with pytest.raises(MoveError, match="has the images of this installation already"):
        move(there, bucket)


@pytest.mark.parametrize("variable", ["AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL"])
def test_a_bucket_that_cannot_be_used_is_a_sentence(
    app: Flask, client: FlaskClient, bucket: Bucket, monkeypatch, variable: str
):
    wrong = "http://127.0.0.1:1" if variable == "AWS_ENDPOINT_URL" else "wrong"
    monkeypatch.setenv(variable, wrong)
    with pytest.raises(MoveError, match=r"cannot be kept in s3://.*(refuses|does not answer)"):
        move(app, bucket)
    with app.app_context():
        assert noted(Event.MOVE_IMAGES) == []
