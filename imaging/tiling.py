"""A large field in overlapping parts, each answering for its core."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.geometry import Boxes

MAX_TILE_SIDE = 2592
"""Longest side in pixels of a field that is read as one frame; larger ones are read in tiles."""

OVERLAP = 416
"""Pixels that neighbouring tiles of `MAX_TILE_SIDE` share.

More than the largest cell at 100x with a fine camera. Tiles of another size share as much of
theirs.
"""

CORE_MARGIN = 24
"""Pixels by which a core of a tile of `MAX_TILE_SIDE` is widened.

Two tiles place a cell on the seam a little differently; found twice it is merged, found by neither
it would be lost.
"""


@dataclass(frozen=True)
class Tile:
    """A part of a field, in pixels of the field.

    Attributes:
        left: Left edge of what is read.
        top: Upper edge of what is read.
        right: Right edge of what is read.
        bottom: Lower edge of what is read.
        core: The part (x1, y1, x2, y2) whose cells the tile answers for.
    """

    left: int
    top: int
    right: int
    bottom: int
    core: tuple[int, int, int, int]

    def answers_for(self, boxes: Boxes) -> NDArray[np.bool_]:
        """Tell which boxes are centred in the core.

        Args:
            boxes: float32 (n, 4), in pixels of the field.

        Returns:
            A mask (n,).
        """
        margin = CORE_MARGIN * max(self.right - self.left, self.bottom - self.top) / MAX_TILE_SIDE
        centres = (boxes[:, :2] + boxes[:, 2:]) / 2
        low, high = np.array(self.core[:2]) - margin, np.array(self.core[2:]) + margin
        return np.all((centres >= low) & (centres <= high), axis=1)


def tiles(width: int, height: int, max_tile_side: int = MAX_TILE_SIDE) -> Iterator[Tile]:
    """Cover a field with overlapping tiles.

    Every point lies in the core of one tile, and a cell centred there is wholly inside the tile.

    Args:
        width: Of the field, in pixels.
        height: Of the field, in pixels.
        max_tile_side: Longest side of a tile, in pixels.

    Yields:
        The tiles, row by row.
    """
    rows, columns = _spans(height, max_tile_side), _spans(width, max_tile_side)
    for (top, bottom, core_top, core_bottom), (
        left,
        right,
        core_left,
        core_right,
    ) in itertools.product(rows, columns):
        yield Tile(left, top, right, bottom, (core_left, core_top, core_right, core_bottom))


def _spans(length: int, side: int) -> list[tuple[int, int, int, int]]:
    """Cut one axis into overlapping spans: start, end, and the core's."""
    if length <= side:
        return [(0, length, 0, length)]
    overlap = side * OVERLAP // MAX_TILE_SIDE
    count = -(-(length - overlap) // (side - overlap))
    starts = np.linspace(0, length - side, count).round().astype(int).tolist()
    cuts = [(before + side + after) // 2 for before, after in itertools.pairwise(starts)]
    edges = [0, *cuts, length]
    return [
        (start, start + side, edges[index], edges[index + 1]) for index, start in enumerate(starts)
    ]
