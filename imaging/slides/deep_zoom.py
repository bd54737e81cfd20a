"""The tiles in which a slide is shown: Deep Zoom, a power of two smaller at each level."""

from __future__ import annotations

import math
from dataclasses import dataclass

TILE_SIDE = 512
"""Side of a tile in pixels; those at the right and lower edge are smaller."""

FIRST_LEVEL = 8
"""The level in which any slide is at most 256 px long; smaller ones are of no use."""


@dataclass(frozen=True)
class DeepZoom:
    """The tiles of a slide of `width` x `height` pixels."""

    width: int
    height: int

    @property
    def last_level(self) -> int:
        """The level of full size: each one before is half as large."""
        return math.ceil(math.log2(max(self.width, self.height, 1 << FIRST_LEVEL)))

    def tile(self, level: int, column: int, row: int) -> Tile:
        """Find a tile.

        Raises:
            LookupError: There is none of this level, column and row.
        """
        if not (FIRST_LEVEL <= level <= self.last_level and column >= 0 and row >= 0):
            raise LookupError("no such tile")
        scale = 1 << (self.last_level - level)
        across, down = -(-self.width // scale), -(-self.height // scale)
        left, top = column * TILE_SIDE, row * TILE_SIDE
        if left >= across or top >= down:
            raise LookupError("no such tile")
        width, height = min(TILE_SIDE, across - left), min(TILE_SIDE, down - top)
        right, bottom = (left + width) * scale, (top + height) * scale
        box = (left * scale, top * scale, min(right, self.width), min(bottom, self.height))
        return Tile(box, width, height)


@dataclass(frozen=True)
class Tile:
    """A tile: its part of the slide (x1, y1, x2, y2 in pixels), and its own size in pixels."""

    box: tuple[int, int, int, int]
    width: int
    height: int
