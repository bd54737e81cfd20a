"""PNG: chunks are counted by their headers, and those of pixels checked by their sums."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from core.translatable import translatable
from imaging.decoding.cicp import CodePoints
from imaging.decoding.errors import DAMAGED, ImageError, overloaded, unread

MAX_PIXEL_CHUNKS = 100_000
"""Chunks of pixels; libpng writes one every 8 KiB."""

MAX_OTHER_CHUNKS = 1_000
MAX_OTHER_BYTES = 16 * 2**20
"""Colour profiles, EXIF, text."""

_PIXELS = (b"IDAT", b"fdAT")
_CRITICAL = (b"IHDR", b"PLTE", b"IDAT")
_SIGNATURE, _HEADER, _CHECKSUM = 8, struct.Struct(">I4s"), 4
_CHROMATICITIES = struct.Struct(">8I")
_FULL_RANGE_RGB = b"\0\1"
_DEPTH = 24
_ANCILLARY = 0x20


def check(data: bytes) -> None:
    """Check the number of chunks, the bytes of those that hold no pixels, and what all must know.

    Raises:
        ImageError: If there are too many, or any must be understood that is not.
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
        if not kind.isalpha():
            raise ImageError(DAMAGED)
        if not kind[0] & _ANCILLARY and kind not in _CRITICAL:
            raise unread(translatable("a PNG with a part of an unknown kind"))


def check_sums(data: bytes) -> None:
    """Check the sums of palette and pixels, which Pillow passes over.

    Raises:
        ImageError: If any is wrong.
    """
    for kind, length, start in _chunks(data):
        if kind in _CRITICAL:
            end = start + length
            stated = data[end : end + _CHECKSUM]
            if zlib.crc32(data[start - 4 : end]).to_bytes(_CHECKSUM, "big") != stated:
                raise ImageError(DAMAGED)


def depth_of(data: bytes) -> int:
    """Return the bits of each sample."""
    return data[_DEPTH] if len(data) > _DEPTH else 0


def code_points(data: bytes) -> CodePoints | None:
    """Return the code points of its colours, where there are any in front of the pixels.

    Raises:
        ImageError: If values are those of video, whose black is 16 and whose white is 235.
    """
    stated = _before_pixels(data, b"cICP")
    if stated is None or len(stated) != 4:
        return None
    if stated[2:] != _FULL_RANGE_RGB:
        raise unread(translatable("a PNG with the values of video"))
    return CodePoints(stated[0], stated[1])


def is_profiled(data: bytes) -> bool:
    """Tell whether it embeds a profile, whole or damaged."""
    return _before_pixels(data, b"iCCP") is not None


def chromaticities(data: bytes) -> tuple[list[float], list[float]]:
    """Return x and y of white, and of red, green and blue; empty where they are not stated."""
    stated = _before_pixels(data, b"cHRM")
    if stated is None or len(stated) != _CHROMATICITIES.size:
        return [], []
    values = [value / 100_000 for value in _CHROMATICITIES.unpack(stated)]
    return values[:2], values[2:]


def _before_pixels(data: bytes, wanted: bytes) -> bytes | None:
    for kind, length, start in _chunks(data):
        if kind == wanted:
            return data[start : start + length]
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
