"""TIFF: the chain of directories is walked once, tags and their values are counted."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from core.translatable import translatable
from imaging.decoding.errors import overloaded

MAX_DIRECTORIES = 100
MAX_TAGS = 10_000
"""Tags of all directories together; a directory of a microscope has some dozens."""

MAX_VALUES = 200_000
"""Numbers in all tags together: one for each strip or tile."""

_BIG_VERSION = 43
# Byte, text and undefined stay bytes; anything else becomes Python numbers.
_KEPT_AS_BYTES = (1, 2, 7)
_BELOW = 330
_WIDE = (16, 17, 18)


@dataclass(frozen=True)
class _Layout:
    """How a directory is written: tag count, one tag, next directory."""

    number: struct.Struct
    tag: struct.Struct
    next: struct.Struct
    order: str


@dataclass
class _Counts:
    """What was found so far, in all directories together."""

    directories: set[int] = field(default_factory=set)
    tags: int = 0
    values: int = 0

    def check(self) -> None:
        if len(self.directories) > MAX_DIRECTORIES:
            raise overloaded("pages")
        if self.tags > MAX_TAGS:
            raise overloaded("tags")
        if self.values > MAX_VALUES:
            raise overloaded(translatable("values in its tags"))


def check(data: bytes) -> None:
    """Check the number of directories, those below others too, and of tags and values.

    Raises:
        ImageError: If there are too many.
        struct.error: If a directory lies outside the file.
    """
    layout, first = _header(data)
    counts = _Counts()
    waiting = [layout.next.unpack_from(data, first)[0]]
    while waiting:
        position = waiting.pop()
        # A chain that leads back ends there, as it does for tifffile.
        if not position or position in counts.directories:
            continue
        counts.directories.add(position)
        (number,) = layout.number.unpack_from(data, position)
        counts.tags += number
        counts.check()
        start = position + layout.number.size
        end = start + number * layout.tag.size
        for code, kind, count, value in layout.tag.iter_unpack(data[start:end]):
            counts.values += count if kind not in _KEPT_AS_BYTES else 0
            counts.check()
            if code == _BELOW:
                waiting.extend(_places(data, layout, kind, count, value))
        waiting.append(layout.next.unpack_from(data, end)[0])


def _places(data: bytes, layout: _Layout, kind: int, count: int, value: bytes) -> tuple[int, ...]:
    """Read where the directories below another one lie."""
    one = struct.Struct(f"{layout.order}{'Q' if kind in _WIDE else 'I'}")
    if count * one.size <= len(value):
        return struct.unpack_from(f"{layout.order}{count}{one.format[-1]}", value)
    (start,) = layout.next.unpack(value)
    return struct.unpack_from(f"{layout.order}{count}{one.format[-1]}", data, start)


def _header(data: bytes) -> tuple[_Layout, int]:
    """Return the layout, and where the first directory's place is written."""
    order = "<" if data[:2] == b"II" else ">"
    (version,) = struct.unpack_from(order + "H", data, 2)
    number, tag, place, first = (
        ("Q", "HHQ8s", "Q", 8) if version == _BIG_VERSION else ("H", "HHI4s", "I", 4)
    )
    one, two, three = (struct.Struct(order + code) for code in (number, tag, place))
    return _Layout(one, two, three, order), first
