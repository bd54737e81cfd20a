"""PNG: chunks are counted by their headers."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from imaging.decoding.cicp import CodePoints
from imaging.decoding.errors import overloaded

MAX_PIXEL_CHUNKS = 100_000
"""Chunks of pixels; libpng writes one every 8 KiB."""

MAX_OTHER_CHUNKS = 1_000
MAX_OTHER_BYTES = 16 * 2**20
"""Colour profiles, EXIF, text."""

_PIXELS = (b"IDAT", b"fdAT")
_SIGNATURE, _HEADER, _CHECKSUM = 8, struct.Struct(">I4s"), 4
_DEPTH = 24


def check(data: bytes) -> None:
    """Check the number of chunks and the bytes of those that hold no pixels.

    Raises:
        ImageError: If there are too many.
    """
    pixel_chunks = other_chunks = other_bytes = 0
    for kind, length, _ in _chunks(data):
        if kind in _PIXELS:
            pixel_chunks += 1
        else:
            other_chunks += 1
            other_bytes += length
        if pixel_chunks > MAX_PIXEL_CHUNKS or other_chunks > MAX_OTHER_CHUNKS:
            raise overloaded("chunks")
        if other_bytes > MAX_OTHER_BYTES:
            raise overloaded("metadata")


def depth_of(data: bytes) -> int:
    """Return the bits of each sample."""
    return data[_DEPTH] if len(data) > _DEPTH else 0


def code_points(data: bytes) -> CodePoints | None:
    """Return the code points of its colours, where there are any in front of the pixels."""
    for kind, length, start in _chunks(data):
        if kind == b"cICP" and length == 4 and start + 4 <= len(data):
            return CodePoints(data[start], data[start + 1])
        if kind in _PIXELS:
            break
    return None


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, length and start of each chunk, up to the image's or file's end."""
    position = _SIGNATURE
    while position + _HEADER.size <= len(data):
        length, kind = _HEADER.unpack_from(data, position)
        if kind == b"IEND":
            return
        yield kind, length, position + _HEADER.size
        position += _HEADER.size + length + _CHECKSUM
