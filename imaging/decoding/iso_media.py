"""Boxes of HEIC and AVIF: sizes and colours of their items, before any decoder sees them."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from imaging.decoding.cicp import CodePoints
from imaging.decoding.errors import overloaded

MAX_BOXES = 20_000
"""Boxes in all; a phone's photograph of 600 tiles has some hundreds."""

MAX_DEPTH = 5
MAX_ITEMS = 2_000

_PARENTS = {b"meta": 4, b"iprp": 0, b"ipco": 0}
_ITEM_COUNTS = (b"iinf",)


@dataclass
class Properties:
    """Hold the properties of all items of a file, thumbnails and tiles included.

    Attributes:
        sizes: Width and height of each.
        colors: Code points of those that state any.
        bits: Bits a channel of each.
        profiled: Whether any embeds a profile.
    """

    sizes: list[tuple[int, int]] = field(default_factory=list)
    colors: list[CodePoints] = field(default_factory=list)
    bits: list[int] = field(default_factory=list)
    profiled: bool = False


def properties(data: bytes) -> Properties:
    """Collect what the items of a file have.

    Raises:
        ImageError: If there are too many boxes or items.
        struct.error: If a box is incomplete.
    """
    found = Properties()
    for number, (kind, start, end) in enumerate(_boxes(data, 0, len(data), 0)):
        if number > MAX_BOXES:
            raise overloaded("boxes")
        _take(data, kind, start, end, found)
    return found


def _take(data: bytes, kind: bytes, start: int, end: int, found: Properties) -> None:
    if kind in _ITEM_COUNTS:
        wide = data[start] > 0
        (items,) = struct.unpack_from(">I" if wide else ">H", data, start + 4)
        if items > MAX_ITEMS:
            raise overloaded("items")
    elif kind == b"ispe":
        found.sizes.append(struct.unpack_from(">II", data, start + 4))
    elif kind == b"pixi":
        found.bits.extend(data[start + 5 : min(end, start + 5 + data[start + 4])])
    elif kind == b"colr":
        _take_color(data, start, found)


def _take_color(data: bytes, start: int, found: Properties) -> None:
    if data[start : start + 4] == b"nclx":
        found.colors.append(CodePoints(*struct.unpack_from(">HH", data, start + 4)))
    elif data[start : start + 4] in (b"prof", b"rICC"):
        found.profiled = True


def _boxes(data: bytes, start: int, end: int, depth: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, start of the content and end of each box, those inside others too."""
    while start + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, start)
        header = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, start + 8)
            header = 16
        size = size or end - start
        if size < header:
            return
        inside, after = start + header, min(end, start + size)
        yield kind, inside, after
        if kind in _PARENTS and depth < MAX_DEPTH:
            yield from _boxes(data, inside + _PARENTS[kind], after, depth + 1)
        start += size
