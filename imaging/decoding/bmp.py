"""BMP: run-length encoded ones are decoded in Python by Pillow, so only small ones are taken."""

from __future__ import annotations

import struct

from core.translatable import translatable
from imaging.decoding.errors import ImageError

MAX_RUN_LENGTH_PIXELS = 4_000_000
MAX_RUN_LENGTH_BYTES = 4 * 2**20

_RUN_LENGTH = (1, 2)
_SHORT_HEADER, _FIFTH_HEADER = 12, 124
_EMBEDDED = b"DEBM"
_FILE_HEADER = 14


def check(data: bytes) -> None:
    """Check the size of a run-length encoded file.

    Raises:
        ImageError: If it is too large.
        struct.error: If the header is incomplete.
    """
    (header,) = struct.unpack_from("<I", data, _FILE_HEADER)
    if header == _SHORT_HEADER:
        return
    width, height, _, _, compression = struct.unpack_from("<iiHHI", data, 18)
    if compression in _RUN_LENGTH and (
        abs(width * height) > MAX_RUN_LENGTH_PIXELS or len(data) > MAX_RUN_LENGTH_BYTES
    ):
        raise ImageError(
            translatable(
                "A run-length encoded BMP of this size is not taken. Save the image as PNG."
            )
        )


def profile_of(data: bytes) -> bytes | None:
    """Return the ICC profile that a BMP of version 5 may embed."""
    (header,) = struct.unpack_from("<I", data, _FILE_HEADER)
    if header != _FIFTH_HEADER or data[70:74] != _EMBEDDED:
        return None
    start, size = struct.unpack_from("<II", data, _FILE_HEADER + 112)
    return data[_FILE_HEADER + start : _FILE_HEADER + start + size] or None
