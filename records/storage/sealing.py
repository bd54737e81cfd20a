"""Encrypted image files: AES-256-GCM in pieces, so that they need not fit into memory.

A file is a header (a mark with the version of the format, the id of a key, a random nonce) and then
pieces of `PIECE` bytes, each with its tag. HKDF-SHA-256 makes a key for this one file from the
key and the nonce. The nonce of a piece is its number and whether it is the last one, and its
associated data is the name of the file: pieces that were moved, left out or taken from another
file, and a file that was renamed, are refused. It is the construction STREAM (Hoang, Reyhanitabar,
Rogaway and Vizár, CRYPTO 2015), as in age.
"""

from __future__ import annotations

import io
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from records.storage.image_keys import ID_BYTES, KEY_BYTES, VARIABLE, ImageKey, ImageKeys
from records.storage.image_store import UndecryptableError
from records.storage.ranges import Ranges

log = logging.getLogger(__name__)

MARK = b"LeukImg"
"""How encrypted files begin; no format of images does."""

VERSION = b"\x01"
NONCE_BYTES = 32
HEADER = len(MARK) + len(VERSION) + ID_BYTES + NONCE_BYTES
PIECE, TAG = 64 * 1024, 16

WANTED = "The image {} is encrypted with the key {}, which {} does not have. Put it back into it."
NO_FILE = "the key file (" + VARIABLE + " is not set)"
NEWER = "The image {} was encrypted by a newer version of this program."
DAMAGED = (
    "The image {} cannot be decrypted: its file is damaged, cut off, or that of another image. "
    "Restore it from a backup."
)


@dataclass(frozen=True)
class Header:
    """What an encrypted file says of itself."""

    version: bytes
    key_id: bytes
    nonce: bytes

    def __bytes__(self) -> bytes:
        return MARK + self.version + self.key_id + self.nonce


def header_of(content: bytes) -> Header | None:
    """Read the beginning of a file, at least `HEADER` bytes if there are; None if it is plain."""
    if not content.startswith(MARK):
        return None
    rest = content[len(MARK) : HEADER]
    return Header(rest[:1], rest[1 : 1 + ID_BYTES], rest[1 + ID_BYTES :])


def sealed(content: IO[bytes], key: ImageKey, name: str) -> IO[bytes]:
    """Return a file encrypted, to be read in any order; what is read twice is the same.

    Args:
        content: The plain file, from its present place on; it must not change meanwhile.
        key: The key.
        name: Under which the file is to be kept.
    """
    header = Header(VERSION, key.id, secrets.token_bytes(NONCE_BYTES))
    begin = content.tell()
    size = content.seek(0, io.SEEK_END) - begin
    # An empty file has one empty piece, so that it cannot be cut off either.
    count = max(1, -(-size // PIECE))
    cipher = _Cipher(header, key, name, count)

    def piece(number: int) -> bytes:
        content.seek(begin + number * PIECE)
        return cipher.encrypt(number, content.read(PIECE))

    whole = HEADER + size + count * TAG
    return io.BufferedReader(_Pieced(piece, PIECE + TAG, whole, bytes(header)), PIECE)


def opened(content: IO[bytes], keys: ImageKeys, name: str) -> IO[bytes]:
    """Return a kept file decrypted, to be read in any order, and closed with it; a plain one as is.

    Args:
        content: The file, at its beginning.
        keys: The keys.
        name: Under which it is kept.

    Raises:
        UndecryptableError: Its key is missing, or it is damaged; the latter may show only when the
            damaged place is read. Both are logged.
        StoreError: The keys cannot be read.
    """
    header = header_of(content.read(HEADER))
    if header is None:
        content.seek(0)
        return content
    key = _key(header, keys, name)
    sealed_bytes = content.seek(0, io.SEEK_END) - HEADER
    count = -(-sealed_bytes // (PIECE + TAG))
    size = sealed_bytes - count * TAG
    if size < max(0, (count - 1) * PIECE) or not count:
        raise _told(DAMAGED.format(name))
    cipher = _Cipher(header, key, name, count)

    def piece(number: int) -> bytes:
        content.seek(HEADER + number * (PIECE + TAG))
        try:
            return cipher.decrypt(number, content.read(PIECE + TAG))
        except InvalidTag:
            raise _told(DAMAGED.format(name)) from None

    if not size:
        # Nobody reads what has no bytes, and it may have been cut off.
        piece(0)
    return io.BufferedReader(_Pieced(piece, PIECE, size, close=content.close), PIECE)


def seal(content: bytes, keys: ImageKeys, name: str) -> bytes:
    """Return a small file encrypted, or as it is where there is no key."""
    key = keys.writing
    return sealed(io.BytesIO(content), key, name).read() if key else content


def unseal(content: bytes, keys: ImageKeys, name: str) -> bytes:
    """Return a kept file that is in memory decrypted, a plain one as it is; raises as `opened`."""
    if header_of(content) is None:
        return content
    with opened(io.BytesIO(content), keys, name) as file:
        return file.read()


class _Cipher:
    """Encrypts and decrypts the pieces of one file."""

    def __init__(self, header: Header, key: ImageKey, name: str, count: int) -> None:
        derived = HKDF(SHA256(), KEY_BYTES, header.nonce, MARK + VERSION)
        self._cipher = AESGCM(derived.derive(key.secret))
        self._name = name.encode()
        self._last = count - 1

    def encrypt(self, number: int, plain: bytes) -> bytes:
        return self._cipher.encrypt(self._nonce(number), plain, self._name)

    def decrypt(self, number: int, encrypted: bytes) -> bytes:
        return self._cipher.decrypt(self._nonce(number), encrypted, self._name)

    def _nonce(self, number: int) -> bytes:
        return number.to_bytes(11, "big") + (b"\x01" if number == self._last else b"\x00")


def _nothing() -> None:
    """Leave the file open."""


class _Pieced(Ranges):
    """A file that is made piece by piece, behind a head that is there."""

    def __init__(
        self,
        make: Callable[[int], bytes],
        each: int,
        size: int,
        head: bytes = b"",
        close: Callable[[], None] = _nothing,
    ) -> None:
        super().__init__(self._range, size)
        self._make = make
        self._each = each
        self._head = head
        self._close = close
        self._made = (-1, b"")

    def close(self) -> None:
        super().close()
        self._close()

    def _range(self, start: int, length: int) -> bytes:
        head = self._head[start : start + length]
        at = max(0, start - len(self._head))
        end = at + length - len(head)
        numbers = range(at // self._each, -(-end // self._each))
        joined = b"".join((head, *map(self._piece, numbers)))
        begin = at % self._each
        return joined[begin : begin + length]

    def _piece(self, number: int) -> bytes:
        # Two ranges that follow each other often share a piece.
        if self._made[0] != number:
            self._made = number, self._make(number)
        return self._made[1]


def _key(header: Header, keys: ImageKeys, name: str) -> ImageKey:
    if len(bytes(header)) < HEADER:
        raise _told(DAMAGED.format(name))
    if header.version != VERSION:
        raise _told(NEWER.format(name))
    key = keys.find(header.key_id)
    if key is None:
        where = VARIABLE if keys.writing else NO_FILE
        raise _told(WANTED.format(name, header.key_id.hex(), where))
    return key


def _told(sentence: str) -> UndecryptableError:
    # Whoever asks for the image is told that it is not there: only the log knows why.
    log.warning("%s", sentence)
    return UndecryptableError(sentence)
