"""A large field in overlapping parts, each answering for its core."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

REACH = 2592
"""Longest side in pixels of a field that is read as one frame; larger ones are read in tiles."""

OVERLAP = 416
"""Pixels that neighbouring tiles of `REACH` share: more than the largest cell at 100x with a fine
camera. Tiles of another size share as much of theirs."""

GRACE = 24
"""Pixels by which a core of a tile of `REACH` is widened: two tiles place a cell on the seam a
little differently; found twice it is merged, found by neither it would be lost."""


@dataclass(frozen=True)
class Tile:
    """A part of a field, in pixels: what is read, and the core whose cells it answers for."""

    left: int
    top: int
    right: int
    bottom: int
    core: tuple[int, int, int, int]

    def answers_for(self, boxes: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Tell of boxes (n, 4), in pixels of the field, whether they are centred in the core."""
        grace = GRACE * max(self.right - self.left, self.bottom - self.top) / REACH
        centres = (boxes[:, :2] + boxes[:, 2:]) / 2
        low, high = np.array(self.core[:2]) - grace, np.array(self.core[2:]) + grace
        return ((centres >= low) & (centres <= high)).all(axis=1)


def tiles(width: int, height: int, reach: int = REACH) -> Iterator[Tile]:
    """Cover a field of `width` x `height` px with frames of at most `reach` px a side.

    Every point lies in the core of one tile, and a cell centred there is wholly inside the tile.
    """
    for (top, bottom, core_top, core_bottom), (
        left,
        right,
        core_left,
        core_right,
    ) in itertools.product(_spans(height, reach), _spans(width, reach)):
        yield Tile(left, top, right, bottom, (core_left, core_top, core_right, core_bottom))


def _spans(length: int, reach: int) -> list[tuple[int, int, int, int]]:
    """Cut one axis into equal overlapping spans: start, end, start of core, end of core."""
    if length <= reach:
        return [(0, length, 0, length)]
    overlap = reach * OVERLAP // REACH
    count = -(-(length - overlap) // (reach - overlap))
    starts = np.linspace(0, length - reach, count).round().astype(int).tolist()
    cuts = [(before + reach + after) // 2 for before, after in itertools.pairwise(starts)]
    edges = [0, *cuts, length]
    return [
        (start, start + reach, edges[index], edges[index + 1]) for index, start in enumerate(starts)
    ]
