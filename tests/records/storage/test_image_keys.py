"""The file with the keys of images: made, added to, and refused where it is not safe."""

import base64
import os
import re
import stat
from pathlib import Path

import pytest

from records.storage import image_keys
from records.storage.image_keys import KEY_BYTES, ImageKey, ImageKeys, add_key, make_key_file
from records.storage.image_store import StoreError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with one key."""
    make_key_file(tmp_path / "keys", "2026-11-30")
    return tmp_path / "keys"


def test_a_new_file_has_one_random_key_that_its_owner_alone_reads(tmp_path: Path):
    made = [make_key_file(tmp_path / name, "2026-11-30") for name in ("first", "second")]
    assert len(made[0].secret) == KEY_BYTES
    assert made[0] != made[1]
    assert ImageKeys(tmp_path / "first").writing == made[0]
    assert stat.S_IMODE((tmp_path / "first").stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first", "second"]
    remark, line = (tmp_path / "first").read_text().splitlines()
    assert remark == f"# key {made[0]}, made 2026-11-30"
    assert base64.b64decode(line) == made[0].secret


def test_a_file_that_is_there_is_never_replaced(file: Path):
    before = file.read_bytes()
    with pytest.raises(FileExistsError):
        make_key_file(file, "2026-11-30")
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir()] == ["keys"]


def test_an_added_key_writes_and_the_former_ones_read(file: Path):
    first = ImageKeys(file).writing
    second = add_key(file, "2026-12-01")
    keys = ImageKeys(file)
    assert first is not None
    assert keys.writing == second
    assert keys.find(first.id) == first
    assert keys.find(b"unknown!") is None
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_id_of_a_key_is_that_of_its_bytes_and_is_no_part_of_them():
    key = ImageKey(bytes(range(32)))
    assert str(key) == str(ImageKey(bytes(range(32)))) != str(ImageKey(bytes(32)))
    assert re.fullmatch(r"[0-9a-f]{16}", str(key))
    assert key.id not in key.secret
    assert repr(key) == "ImageKey()"


def test_without_a_file_there_is_no_key():
    keys = ImageKeys()
    keys.check()
    assert keys.writing is None


def test_a_missing_file_is_a_sentence_and_no_new_key(tmp_path: Path):
    with pytest.raises(StoreError, match=r"is missing. Put it back from where it was backed up"):
        ImageKeys(tmp_path / "keys").check()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_file_that_others_can_read_is_refused(file: Path, mode: int):
    file.chmod(mode)
    with pytest.raises(StoreError, match=r"can be read by others. Let its owner alone read it"):
        ImageKeys(file).check()


def test_the_group_may_read_a_file_of_another_owner(file: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(image_keys.os, "geteuid", lambda: file.stat().st_uid + 1)
    file.chmod(0o440)
    ImageKeys(file).check()
    file.chmod(0o444)
    with pytest.raises(StoreError, match="can be read by others"):
        ImageKeys(file).check()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "has no key"),
        (b"# only a remark\n\n", "has no key"),
        (b"\nno base64!\n", "Line 2 .* is no key: 32 bytes in base64 are"),
        (base64.b64encode(bytes(31)), "Line 1 .* is no key"),
        ((base64.b64encode(bytes(32)) + b"\n") * 2, "Line 2 .* that an earlier line has as well"),
    ],
)
def test_what_is_no_key_is_named_by_its_line_and_not_repeated(
    file: Path, content: bytes, sentence: str
):
    file.write_bytes(content)
    with pytest.raises(StoreError, match=sentence) as error:
        ImageKeys(file).check()
    assert "base64!" not in str(error.value)
    assert "AAAA" not in str(error.value)


def test_a_file_that_cannot_be_read_is_a_sentence(tmp_path: Path):
    (tmp_path / "keys").mkdir(mode=0o700)
    with pytest.raises(StoreError, match="cannot be read: Is a directory"):
        ImageKeys(tmp_path / "keys").check()


def test_a_key_that_cannot_be_added_leaves_the_file(file: Path, monkeypatch: pytest.MonkeyPatch):
    before = file.read_bytes()

    def full_disk(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space"):
        add_key(file, "2026-12-01")
    assert file.read_bytes() == before
