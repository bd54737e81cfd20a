"""Encrypting images where they are, and back: nothing is lost, whatever happens meanwhile."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from records.audit.audit import Event
from records.storage.image_keys import ImageKeys, add_key, make_key_file
from records.storage.image_store import DiskStore
from records.storage.image_stores import image_stores, in_bucket, kept_stores
from records.storage.instance_lock import held
from records.storage.object_store import ObjectStore
from records.storage.sealing import MARK, header_of
from services.instance import encrypting_images, image_files
from services.instance.encrypting_images import EncryptedImages, EncryptError, encrypt_images
from services.instance.moving import MoveError
from services.instance.moving_images import move_images
from settings import ROOT, Bucket, Settings, SettingsError
from tests.image_files import with_last_byte_changed
from tests.trail import noted
from tests.uploads import send_images
from tests.waiting import HANGS


@pytest.fixture
def client(app: Flask, reading) -> FlaskClient:
    """Of somebody who sent a cell, and a field that waits, before there was a key."""
    return send_images(app, reading)


@pytest.fixture
def keyed(settings: Settings, tmp_path: Path) -> Settings:
    """The settings with a key file that has one key."""
    make_key_file(tmp_path / "keys", "today")
    return settings.model_copy(update={"images_key_file": tmp_path / "keys"})


def key_of(settings: Settings) -> str:
    return str(ImageKeys(settings.images_key_file).writing)


def encrypt(app: Flask, settings: Settings, *, decrypt: bool = False) -> EncryptedImages:
    with app.app_context():
        return encrypt_images(settings, decrypt=decrypt)


def contents(stores) -> dict[str, bytes]:
    return {
        name: store.read(name) for store in stores.by_folder().values() for name in store.names()
    }


def key_ids(settings: Settings) -> set[str | None]:
    """The keys of all files as they are kept; None of plain ones."""
    headers = [header_of(content) for content in contents(kept_stores(settings)).values()]
    return {header and header.key_id.hex() for header in headers}


def test_all_that_is_kept_is_encrypted_and_decrypted(
    app: Flask, client: FlaskClient, settings: Settings, keyed: Settings
):
    plain = contents(kept_stores(settings))
    assert any(name.endswith(".upload") for name in plain)
    (settings.thumbnails_dir / ("f" * 32)).mkdir(parents=True)
    (settings.thumbnails_dir / ("f" * 32) / "sheet-0.jpg").write_bytes(b"in plain")

    done = encrypt(app, keyed)
    assert (done.changed, done.unchanged, done.unreadable) == (len(plain), 0, ())
    assert str(done.key) == key_of(keyed)
    kept = contents(kept_stores(settings))
    assert kept.keys() == plain.keys()
    assert all(content.startswith(MARK) for content in kept.values())
    assert not any(plain[name][-64:] in content for name, content in kept.items())
    assert contents(image_stores(keyed)) == plain
    assert not settings.thumbnails_dir.exists()
    assert encrypt(app, keyed).unchanged == len(plain)

    back = encrypt(app, keyed, decrypt=True)
    assert (back.key, back.changed, back.unchanged) == (None, len(plain), 0)
    assert contents(kept_stores(settings)) == plain
    with app.app_context():
        assert [row.known for row in noted(Event.ENCRYPT_IMAGES)] == [{"key": key_of(keyed)}] * 2
        assert [row.known for row in noted(Event.DECRYPT_IMAGES)] == [{"key": key_of(keyed)}]


def test_a_new_key_takes_the_place_of_the_former_one(
    app: Flask, client: FlaskClient, settings: Settings, keyed: Settings, tmp_path: Path
):
    plain = contents(kept_stores(settings))
    encrypt(app, keyed)
    former = key_of(keyed)
    added = add_key(tmp_path / "keys", "tomorrow")
    assert contents(image_stores(keyed)) == plain
    assert encrypt(app, keyed).changed == len(plain)
    assert key_ids(settings) == {str(added)} != {former}
    # The former key may go.
    lines = (tmp_path / "keys").read_text().splitlines()
    (tmp_path / "keys").write_text("\n".join(lines[:2]))
    assert contents(image_stores(keyed)) == plain


def test_what_cannot_be_decrypted_is_left_and_named(
    app: Flask, client: FlaskClient, settings: Settings, keyed: Settings, tmp_path: Path
):
    encrypt(app, keyed)
    store = DiskStore(settings.images_dir)
    damaged, other = sorted(store.names())[:2]
    path = store.path(damaged)
    path.write_bytes(with_last_byte_changed(path.read_bytes()))
    make_key_file(tmp_path / "lost", "yesterday")
    lost = settings.model_copy(update={"images_key_file": tmp_path / "lost"})
    store.delete(other)
    image_stores(lost).images.put_named(other, io.BytesIO(b"pixels"))
    before = {name: store.read(name) for name in (damaged, other)}
    add_key(tmp_path / "keys", "tomorrow")

    done = encrypt(app, keyed)
    assert done.unreadable == (str(store.path(damaged)), str(store.path(other)))
    assert {name: store.read(name) for name in (damaged, other)} == before
    assert done.changed == len(contents(kept_stores(settings))) - 2


def test_a_large_file_is_not_held_in_memory(
    app: Flask, keyed: Settings, settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(encrypting_images, "MOST_IN_MEMORY", 1000)
    content = os.urandom(3_000_000)
    name = DiskStore(settings.uploads_dir).put(content, "upload")
    assert encrypt(app, keyed).changed == 1
    assert image_stores(keyed).uploads.read(name) == content
    assert not [path for path in settings.instance_dir.iterdir() if path.name.startswith("tmp")]


def test_a_file_that_is_kept_otherwise_than_written_is_put_back(
    app: Flask,
    client: FlaskClient,
    settings: Settings,
    keyed: Settings,
    monkeypatch: pytest.MonkeyPatch,
):
    plain = contents(kept_stores(settings))
    put = DiskStore.put_named

    def damaging(store: DiskStore, name: str, content: io.BufferedReader) -> None:
        written = content.read()
        put(store, name, io.BytesIO(written[:-1] if written.startswith(MARK) else written))

    monkeypatch.setattr(DiskStore, "put_named", damaging)
    with pytest.raises(EncryptError, match="is again as it was before"):
        encrypt(app, keyed)
    assert contents(kept_stores(settings)) == plain


def test_a_full_disk_loses_nothing_and_the_next_run_goes_on(
    app: Flask,
    client: FlaskClient,
    settings: Settings,
    keyed: Settings,
    monkeypatch: pytest.MonkeyPatch,
):
    plain = contents(kept_stores(settings))
    flush, flushed = os.fsync, []

    def full_disk(descriptor: int) -> None:
        flushed.append(descriptor)
        if len(flushed) > 2:
            raise OSError(28, "No space left on device")
        flush(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(image_files, "AT_ONCE", 1)
        patched.setattr(os, "fsync", full_disk)
        with pytest.raises(EncryptError, match=r"No space left on device\. No image is lost"):
            encrypt(app, keyed)
    assert contents(image_stores(keyed)) == plain
    done = encrypt(app, keyed)
    assert done.unchanged
    assert done.changed == len(plain) - done.unchanged
    assert contents(image_stores(keyed)) == plain


KILLED = """
import os, signal, sys
from pathlib import Path
from records.storage import image_store
from tests.applications import new_app
from services.instance import encrypting_images, image_files
from settings import Settings
flush, flushed = os.fsync, []

def killed(descriptor):
    # The third file is written, but not yet in its place.
    flushed.append(descriptor)
    if len(flushed) > 3:
        os.kill(os.getpid(), signal.SIGKILL)
    flush(descriptor)

os.fsync = killed
image_files.AT_ONCE = 1
settings = Settings.from_environment()
with new_app(settings).app_context():
    encrypting_images.encrypt_images(settings)
"""


@pytest.mark.sqlite_only("another process opens the database by its file")
def test_killed_midway_it_has_lost_nothing_and_goes_on(
    app: Flask, client: FlaskClient, settings: Settings, keyed: Settings
):
    plain = contents(kept_stores(settings))
    variables = {
        "LEUKOSCOPE_INSTANCE": str(settings.instance_dir),
        "LEUKOSCOPE_IMAGES_KEY_FILE": str(keyed.images_key_file),
    }
    command = [sys.executable, "-c", KILLED]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | variables, capture_output=True, timeout=HANGS
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert list(settings.images_dir.rglob("*.part"))
    assert key_ids(settings) == {None, key_of(keyed)}
    assert contents(image_stores(keyed)) == plain

    again = encrypt(app, keyed)
    assert again.unchanged > 0
    assert again.changed > 0
    assert not list(settings.images_dir.rglob("*.part"))
    assert key_ids(settings) == {key_of(keyed)}
    assert contents(image_stores(keyed)) == plain


def test_without_a_key_nothing_is_begun(app: Flask, client: FlaskClient, settings: Settings):
    with pytest.raises(EncryptError, match=r"No key is set\. Make one with"):
        encrypt(app, settings)
    with app.app_context():
        assert noted(Event.ENCRYPT_IMAGES) == []


def test_beside_a_running_server_nothing_is_encrypted(
    app: Flask, client: FlaskClient, settings: Settings, keyed: Settings
):
    with held(settings.instance_dir), pytest.raises(SettingsError, match="is in use by"):
        encrypt(app, keyed)
    assert key_ids(settings) == {None}


@pytest.mark.object_store
def test_in_a_bucket_it_is_the_same(
    app: Flask, client: FlaskClient, settings: Settings, keyed: Settings, bucket: Bucket
):
    with app.app_context():
        move_images(settings, bucket)
    there = keyed.model_copy(update={"images_url": str(bucket)})
    plain = contents(in_bucket(bucket))
    assert encrypt(app, there).changed == len(plain)
    assert key_ids(there) == {key_of(keyed)}
    assert contents(image_stores(there)) == plain
    assert encrypt(app, there, decrypt=True).changed == len(plain)
    assert contents(in_bucket(bucket)) == plain


Moved = Callable[[Settings, Bucket | None], object]


@pytest.fixture
def moved(app: Flask) -> Moved:
    """Move the images of an installation with these settings."""

    def move(settings: Settings, target: Bucket | None) -> object:
        with app.app_context():
            return move_images(settings, target)

    return move


@pytest.mark.object_store
def test_a_move_encrypts_what_it_moves_there_and_back(
    client: FlaskClient, moved: Moved, settings: Settings, keyed: Settings, bucket: Bucket
):
    plain = contents(kept_stores(settings))
    moved(keyed, bucket)
    there = keyed.model_copy(update={"images_url": str(bucket)})
    assert key_ids(there) == {key_of(keyed)}
    assert contents(image_stores(there)) == plain
    for store in kept_stores(settings).by_folder().values():
        for name in store.names():
            store.delete(name)
    moved(there, None)
    assert key_ids(settings) == {key_of(keyed)}
    assert contents(image_stores(keyed)) == plain


@pytest.mark.object_store
def test_a_move_without_the_key_is_refused(
    app: Flask,
    client: FlaskClient,
    moved: Moved,
    settings: Settings,
    keyed: Settings,
    bucket: Bucket,
):
    encrypt(app, keyed)
    with pytest.raises(MoveError, match=rf"encrypted with the key {key_of(keyed)}, which the key"):
        moved(settings, bucket)
    assert contents(in_bucket(bucket)) == {}


@pytest.mark.object_store
def test_a_bucket_that_stops_answering_loses_nothing(
    app: Flask,
    client: FlaskClient,
    moved: Moved,
    settings: Settings,
    keyed: Settings,
    bucket: Bucket,
    monkeypatch: pytest.MonkeyPatch,
):
    moved(settings, bucket)
    there = keyed.model_copy(update={"images_url": str(bucket)})
    plain = contents(in_bucket(bucket))
    put, number = ObjectStore.put_named, []

    def cut_off(store: ObjectStore, name: str, content: io.BufferedReader) -> None:
        number.append(name)
        if len(number) == 4:
            raise ConnectionResetError(104, "Connection reset by peer")
        put(store, name, content)

    with monkeypatch.context() as patched:
        patched.setattr(ObjectStore, "put_named", cut_off)
        with pytest.raises(EncryptError, match="It stopped midway: Connection reset by peer"):
            encrypt(app, there)
    assert contents(image_stores(there)) == plain
    encrypt(app, there)
    assert key_ids(there) == {key_of(keyed)}
