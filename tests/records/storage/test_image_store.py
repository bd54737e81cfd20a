import os
import stat

import pytest

from records.storage.image_store import ImageStore, content_type


@pytest.fixture
def store(tmp_path):
    return ImageStore(tmp_path / "images")


def test_what_is_put_is_read_back_under_a_generated_name(store):
    name = store.put(b"pixels")
    assert store.read(name) == b"pixels"
    assert store.names() == {name}
    assert name.endswith(".png")


def test_equal_contents_get_names_of_their_own(store):
    assert store.put(b"same") != store.put(b"same")


def test_files_are_sharded_and_readable_by_their_owner_alone(store):
    path = store.path(store.put(b"pixels", "jpg"))
    assert path.parent.name == path.name[:2]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_deleting_twice_is_no_error(store):
    name = store.put(b"pixels")
    store.delete(name)
    store.delete(name)
    assert store.names() == set()
    with pytest.raises(FileNotFoundError):
        store.read(name)


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
def test_only_names_made_by_the_store_reach_the_disk(store, name):
    for use in (store.path, store.read, store.delete):
        with pytest.raises(ValueError, match="not a name"):
            use(name)


def test_a_write_that_fails_leaves_nothing_behind(store, tmp_path, monkeypatch):
    def full_disk(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space"):
        store.put(b"pixels")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_content_types_follow_the_suffix(store):
    assert content_type(store.put(b"", "png")) == "image/png"
    assert content_type(store.put(b"", "jpg")) == "image/jpeg"
