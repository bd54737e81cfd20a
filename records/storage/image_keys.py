"""The keys of encrypted images, in a file that is kept apart from the images."""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import secrets
import stat
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from records.storage.image_store import StoreError

KEY_BYTES = 32
ID_BYTES = 8
VARIABLE = "LEUKOSCOPE_IMAGES_KEY_FILE"

MISSING = (
    "The key file of the images, {}, is missing. Put it back from where it was backed up: without "
    "it no encrypted image can be read. For images that are to be encrypted from now on, make one "
    "with: flask --app app images-key new FILE"
)
EXPOSED = (
    "The key file of the images, {}, can be read by others. Let its owner alone read it (chmod 600 "
    "FILE). If somebody may have read it, add another key: flask --app app images-key add FILE"
)
UNREADABLE = "The key file of the images, {}, cannot be read: {}."
NO_KEY = "Line {} of the key file of the images, {}, is no key: 32 bytes in base64 are."
EMPTY = "The key file of the images, {}, has no key. Restore it, or make another file."
TWICE = "Line {} of the key file of the images, {}, is a key that an earlier line has as well."


@dataclass(frozen=True)
class ImageKey:
    """One key, 32 random bytes."""

    secret: bytes = field(repr=False)

    @cached_property
    def id(self) -> bytes:
        """What files and people call it by: made from the key, and tells nothing of it."""
        return hmac.digest(self.secret, b"leukoscope: id of a key of images", "sha256")[:ID_BYTES]

    def __str__(self) -> str:
        return self.id.hex()


class ImageKeys:
    """The keys of an installation, read from their file when the first one is needed.

    A key may be asked for by several threads: each gets the same.
    """

    def __init__(self, path: Path | None = None) -> None:
        """Set up; without a file there is no key, and nothing is encrypted."""
        self._path = path

    def check(self) -> None:
        """Read the file; raises `StoreError` where it cannot be used."""
        _ = self._keys

    @property
    def writing(self) -> ImageKey | None:
        """The key that encrypts what is kept from now on: the first; raises as `check`."""
        return next(iter(self._keys.values()), None)

    def find(self, key_id: bytes) -> ImageKey | None:
        """Return the key of this id, None if there is none; raises as `check`."""
        return self._keys.get(key_id)

    @cached_property
    def _keys(self) -> dict[bytes, ImageKey]:
        return {} if self._path is None else {key.id: key for key in read_keys(self._path)}


def read_keys(path: Path) -> list[ImageKey]:
    """Read a key file: a key a line, in base64; empty lines and those after # say nothing.

    Raises:
        StoreError: It is missing, readable by others, empty, or a line is no key.
    """
    try:
        state, content = path.stat(), path.read_bytes()
    except FileNotFoundError:
        raise StoreError(MISSING.format(path)) from None
    except OSError as error:
        raise StoreError(UNREADABLE.format(path, error.strerror)) from error
    if _is_exposed(state):
        raise StoreError(EXPOSED.format(path))
    keys: list[ImageKey] = []
    for number, line in enumerate(map(bytes.strip, content.splitlines()), 1):
        if line and not line.startswith(b"#"):
            key = _parsed(line)
            if key is None or key in keys:
                raise StoreError((NO_KEY if key is None else TWICE).format(number, path))
            keys.append(key)
    if not keys:
        raise StoreError(EMPTY.format(path))
    return keys


def make_key_file(path: Path, made: str) -> ImageKey:
    """Write a new file with a new key, which its owner alone can read.

    Args:
        path: Of the file, in a folder that is there.
        made: The day, for a remark above the key.

    Raises `FileExistsError`, or another `OSError` where it cannot be written.
    """
    key = ImageKey(secrets.token_bytes(KEY_BYTES))
    draft = _written(path, _lines(key, made))
    try:
        path.hardlink_to(draft)
    finally:
        draft.unlink()
    return key


def add_key(path: Path, made: str) -> ImageKey:
    """Put a new key before those of a file, so that it encrypts from now on.

    Raises as `read_keys`, or `OSError` where the file cannot be written; it is as before then.
    """
    read_keys(path)
    key = ImageKey(secrets.token_bytes(KEY_BYTES))
    _written(path, _lines(key, made) + path.read_bytes()).replace(path)
    return key


def _is_exposed(state: os.stat_result) -> bool:
    """Return whether more accounts can read a file than need to.

    What is mounted as a secret often belongs to root, and its group is how this account reads it.
    """
    others = stat.S_IRWXO | (stat.S_IRWXG if state.st_uid == os.geteuid() else stat.S_IWGRP)
    return bool(state.st_mode & others)


def _parsed(line: bytes) -> ImageKey | None:
    try:
        secret = base64.b64decode(line, validate=True)
    except binascii.Error:
        return None
    return ImageKey(secret) if len(secret) == KEY_BYTES else None


def _lines(key: ImageKey, made: str) -> bytes:
    return f"# key {key}, made {made}\n".encode() + base64.b64encode(key.secret) + b"\n"


def _written(path: Path, content: bytes) -> Path:
    """Write a whole draft beside a file, so that nobody ever reads half of it."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return draft
