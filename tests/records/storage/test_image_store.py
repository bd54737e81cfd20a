"""What every store of images does: on disk, and in a bucket of a real server."""

import io
import os
import stat
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from records.faults import Fault, fault_of
from records.storage.encrypted_store import EncryptedStore
from records.storage.image_keys import ImageKeys, make_key_file
from records.storage.image_store import DiskStore, ImageStore, StoreError, content_type
from records.storage.image_stores import image_stores, in_bucket
from settings import ROOT, Bucket, Settings

LARGE = 20_000_003
"""Bytes of a file that goes in three parts."""


@pytest.fixture
def disk(tmp_path: Path) -> DiskStore:
    return DiskStore(tmp_path / "images")


@pytest.fixture(
    params=[
        "disk",
        "disk, encrypted",
        pytest.param("bucket", marks=pytest.mark.object_store),
        pytest.param("bucket, encrypted", marks=pytest.mark.object_store),
    ]
)
def store(request: pytest.FixtureRequest, disk: DiskStore, tmp_path: Path) -> ImageStore:
    place, _, encrypted = request.param.partition(", ")
    bare = disk if place == "disk" else in_bucket(request.getfixturevalue("bucket")).images
    if not encrypted:
        return bare
    make_key_file(tmp_path / "keys", "today")
    return EncryptedStore(bare, ImageKeys(tmp_path / "keys"))


def test_what_is_put_is_read_back_under_a_generated_name(store: ImageStore):
    name = store.put(b"pixels")
    assert store.read(name) == b"pixels"
    assert store.names() == {name}
    assert name.endswith(".png")


def test_equal_contents_get_names_of_their_own(store: ImageStore):
    assert store.put(b"same") != store.put(b"same")


def test_an_empty_file_is_one(store: ImageStore):
    name = store.put(b"")
    assert store.read(name) == b""
    with store.open(name) as file:
        assert file.read() == b""


def test_a_large_file_arrives_whole_and_is_read_in_any_order(store: ImageStore):
    content = os.urandom(1000) * (LARGE // 1000) + b"end"
    name = store.put_stream(io.BytesIO(content), "upload")
    assert len(content) == LARGE
    assert store.read(name) == content
    with store.open(name) as file:
        assert file.seek(-3, io.SEEK_END) == LARGE - 3
        assert (file.read(), file.read()) == (b"end", b"")
        file.seek(9_999_999)
        assert file.read(3) == content[9_999_999:10_000_002]
        assert file.tell() == 10_000_002
        file.seek(-2, io.SEEK_CUR)
        assert file.read(4) == content[10_000_000:10_000_004]
        with pytest.raises((OSError, ValueError)):
            file.seek(-1)
    store.delete(name)
    assert store.names() == set()


def test_a_zip_is_unpacked_where_it_is(store: ImageStore):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as writing:
        for number in range(3):
            writing.writestr(f"{number}.png", os.urandom(700_000))
        writing.writestr("last.png", b"pixels")
    name = store.put(packed.getvalue(), "upload")
    with store.open(name) as file, zipfile.ZipFile(file) as reading:
        assert reading.read("last.png") == b"pixels"
        assert reading.testzip() is None


def test_a_file_keeps_the_name_of_another_store(store: ImageStore):
    name = "0a" * 16 + ".jpg"
    store.put_named(name, io.BytesIO(b"pixels"))
    store.put_named(name, io.BytesIO(b"others"))
    assert store.read(name) == b"others"
    assert store.names() == {name}


def test_files_are_listed_with_the_time_of_their_last_writing(store: ImageStore):
    name = store.put(b"pixels", "upload")
    (file,) = store.files()
    assert file.name == name
    assert abs(file.modified - time.time()) < 60
    assert store.place(name).endswith(f"/images/{name[:2]}/{name}")


def test_deleting_twice_is_no_error(store: ImageStore):
    name = store.put(b"pixels")
    store.delete(name)
    store.delete(name)
    assert store.names() == set()
    for use in (store.read, store.open):
        with pytest.raises(FileNotFoundError) as missing:
            use(name)
        assert not isinstance(missing.value, StoreError)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "../../etc/passwd",
        "/etc/passwd",
        "0" * 32,
        "0" * 32 + ".svg",
        "0" * 32 + ".png\n",
        "../" + "0" * 32 + ".png",
        "G" * 32 + ".png",
    ],
)
def test_only_names_made_by_a_store_reach_it(store: ImageStore, name: str):
    for use in (store.read, store.open, store.delete):
        with pytest.raises(ValueError, match="not a name"):
            use(name)
    with pytest.raises(ValueError, match="not a name"):
        store.put_named(name, io.BytesIO(b""))


def test_what_is_gone_is_no_fault_of_the_program(store: ImageStore, tmp_path: Path):
    name = store.put(b"pixels")
    store.delete(name)
    with pytest.raises(FileNotFoundError) as missing:
        store.read(name)
    assert fault_of(missing.value, tmp_path) is Fault.GONE


def test_files_are_sharded_and_readable_by_their_owner_alone(disk: DiskStore):
    path = disk.path(disk.put(b"pixels", "jpg"))
    assert path.parent.name == path.name[:2]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_write_that_fails_leaves_nothing_behind(disk: DiskStore, tmp_path: Path, monkeypatch):
    def full_disk(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space"):
        disk.put(b"pixels")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_half_written_file_is_listed_and_removed_but_is_no_image(disk: DiskStore):
    path = disk.path(disk.put(b"pixels")).with_suffix(".part")
    path.write_bytes(b"half")
    assert {file.name for file in disk.files()} == {path.name, f"{path.stem}.png"}
    assert disk.names() == {f"{path.stem}.png"}
    disk.delete(path.name)
    assert not path.exists()


def test_content_types_follow_the_suffix(disk: DiskStore):
    assert content_type(disk.put(b"", "png")) == "image/png"
    assert content_type(disk.put(b"", "jpg")) == "image/jpeg"


@pytest.mark.parametrize("url", ["", "file:"])
def test_without_a_bucket_images_are_in_the_instance(tmp_path: Path, url: str):
    stores = image_stores(Settings(instance_dir=tmp_path, images_url=url))
    assert stores.images.place("0" * 32 + ".png").startswith(str(tmp_path / "images"))
    assert stores.uploads.place("0" * 32 + ".upload").startswith(str(tmp_path / "uploads"))
    stores.check_whole()
    assert list(tmp_path.iterdir()) == []


def test_the_client_of_buckets_is_loaded_only_where_one_is_set():
    code = """
import sys
from records.storage.image_stores import image_stores
from settings import Settings
image_stores(Settings())
print("obstore" in sys.modules)
image_stores(Settings(images_url="s3://images"))
print("obstore" in sys.modules)
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert (done.stdout.split(), done.stderr) == (["False", "True"], "")


@pytest.mark.object_store
def test_the_stores_of_a_bucket_do_not_mix(bucket: Bucket):
    stores, beside = in_bucket(bucket), in_bucket(Bucket(bucket.name, "clinic/leuko"))
    name = stores.images.put(b"pixels")
    assert stores.images.names() == {name}
    assert stores.uploads.names() == beside.images.names() == set()
    assert stores.images.place(name) == (
        f"s3://{bucket.name}/clinic/leukoscope/images/{name[:2]}/{name}"
    )
