"""WebP: chunks and the bytes of metadata are counted."""

from __future__ import annotations

import struct

from imaging.decoding.errors import overloaded

MAX_CHUNKS = 1_000
MAX_METADATA_BYTES = 16 * 2**20

_METADATA = (b"EXIF", b"XMP ", b"ICCP")
_START, _HEADER = 12, struct.Struct("<4sI")


def check(data: bytes) -> None:
    """Check the number of chunks and the bytes of metadata.

    Raises:
        ImageError: If there are too many.
    """
    position, chunks, metadata = _START, 0, 0
    while position + _HEADER.size <= len(data):
        kind, length = _HEADER.unpack_from(data, position)
        chunks += 1
        metadata += length if kind in _METADATA else 0
        if chunks > MAX_CHUNKS:
            raise overloaded("chunks")
        if metadata > MAX_METADATA_BYTES:
            raise overloaded("metadata")
        position += _HEADER.size + length + length % 2
