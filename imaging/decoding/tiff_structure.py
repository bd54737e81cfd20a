"""TIFF: the chain of directories is walked once, tags and their values are counted."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from imaging.decoding.errors import overloaded

MAX_DIRECTORIES = 100
MAX_TAGS = 10_000
"""Tags of all directories together; a directory of a microscope has some dozens."""

MAX_VALUES = 200_000
"""Numbers in all tags together: one for each strip or tile."""

_BIG_VERSION = 43
# Byte, text and undefined stay bytes; anything else becomes Python numbers.
_KEPT_AS_BYTES = (1, 2, 7)


@dataclass(frozen=True)
class _Layout:
    """How a directory is written: tag count, one tag, next directory."""

    number: struct.Struct
    tag: struct.Struct
    next: struct.Struct


def check(data: bytes) -> None:
    """Check the number of directories, tags and values.

    Raises:
        ImageError: If there are too many.
        struct.error: If a directory lies outside the file.
    """
    layout, first = _header(data)
    directories: set[int] = set()
    tags = values = 0
    (position,) = layout.next.unpack_from(data, first)
    # A chain that leads back ends there, as it does for Pillow.
    while position and position not in directories:
        directories.add(position)
        (number,) = layout.number.unpack_from(data, position)
        tags += number
        if len(directories) > MAX_DIRECTORIES:
            raise overloaded("pages")
        if tags > MAX_TAGS:
            raise overloaded("tags")
        start = position + layout.number.size
        end = start + number * layout.tag.size
        values += sum(
            count
            for _, kind, count in layout.tag.iter_unpack(data[start:end])
            if kind not in _KEPT_AS_BYTES
        )
        if values > MAX_VALUES:
            raise overloaded("values in its tags")
        (position,) = layout.next.unpack_from(data, end)


def _header(data: bytes) -> tuple[_Layout, int]:
    """Return the layout, and where the first directory's place is written."""
    order = "<" if data[:2] == b"II" else ">"
    (version,) = struct.unpack_from(order + "H", data, 2)
    number, tag, place, first = (
        ("Q", "HHQ8x", "Q", 8) if version == _BIG_VERSION else ("H", "HHI4x", "I", 4)
    )
    structs = (struct.Struct(order + code) for code in (number, tag, place))
    return _Layout(*structs), first
