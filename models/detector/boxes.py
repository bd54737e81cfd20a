"""Boxes with the probabilities of what is in them, and one box for every cell."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.geometry import Boxes, contained_shares, iou
from core.taxonomy import DETECTOR_CODES, RBC, WHITE_CELLS

MAX_CONTAINED = 0.8
"""Share of a white cell's box inside another's, above which both are of one cell.

Large neutrophils get a second box for a part of them.
"""

COLUMNS = {code: column for column, code in enumerate(DETECTOR_CODES)}
"""The column of each of the detector's classes in arrays of probabilities."""

OTHERS = tuple(column for code, column in COLUMNS.items() if code not in WHITE_CELLS)
"""The columns of what is no white cell."""

_WHITE = tuple(COLUMNS[code] for code in WHITE_CELLS)


@dataclass(frozen=True)
class Found:
    """Boxes with the probabilities of what is in them.

    Attributes:
        boxes: (n, 4) x1, y1, x2, y2 in pixels.
        probabilities: (n, classes) in 0..1, columns `core.taxonomy.DETECTOR_CODES`.
    """

    boxes: Boxes
    probabilities: NDArray[np.float64]

    def of(self, code: str) -> NDArray[np.float64]:
        """Return P(class) of each box (n,), of one of `DETECTOR_CODES`."""
        return self.probabilities[:, COLUMNS[code]]

    @property
    def white(self) -> NDArray[np.float64]:
        """P(white cell), blast or not, of each box (n,)."""
        return self.probabilities[:, _WHITE].sum(axis=1)

    @property
    def red(self) -> NDArray[np.float64]:
        """P(red cell) of each box (n,)."""
        return self.of(RBC)

    @property
    def best(self) -> NDArray[np.float64]:
        """The largest of P(white) and the other classes', of each box (n,)."""
        return np.maximum(self.white, self.probabilities[:, OTHERS].max(axis=1))

    @property
    def is_white(self) -> NDArray[np.bool_]:
        """Whether a white cell is the likeliest content of each box (n,)."""
        return self.white >= self.best

    def take(self, keep: NDArray[np.integer[Any]] | NDArray[np.bool_]) -> Found:
        """Select rows by index (m,) or mask (n,)."""
        return Found(self.boxes[keep], self.probabilities[keep])

    @classmethod
    def join(cls, parts: list[Found]) -> Found:
        """Put the rows of all parts below each other."""
        return cls(
            np.concatenate([part.boxes for part in parts]),
            np.concatenate([part.probabilities for part in parts]),
        )


def suppress(found: Found, max_iou: float) -> Found:
    """Leave one box for every cell: greedy non-maximum suppression over all classes.

    A box goes when it overlaps a likelier one that stays, or when both are white cells and more
    than `MAX_CONTAINED` of the smaller lies in the larger.

    Args:
        found: Boxes in any order.
        max_iou: Intersection over union (0..1) above which two boxes are of one cell.

    Returns:
        The boxes that stay, likeliest first.
    """
    ranked = found.take(np.argsort(-found.best, kind="stable"))
    first, second = _neighbours(ranked.boxes)
    one, other = ranked.boxes[first], ranked.boxes[second]
    same = iou(one, other) > max_iou
    is_white = ranked.is_white
    white = np.flatnonzero(is_white[first] & is_white[second])
    same[white] |= contained_shares(one[white], other[white]) > MAX_CONTAINED
    return ranked.take(_greedy(first[same], second[same], len(ranked.boxes)))


def _neighbours(boxes: Boxes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pair rows, the lower first, each pair once, one's centre near or in the other's box.

    Boxes that share half of the smaller one do: a tree of centres finds them without comparing
    every box with every other.
    """
    from scipy.spatial import KDTree

    if not len(boxes):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    radius = np.hypot(*(boxes[:, 2:] - boxes[:, :2]).T) / 2
    near = KDTree(centres).query_ball_point(centres, radius)
    counts = [len(each) for each in near]
    one = np.repeat(np.arange(len(boxes)), counts)
    other = np.fromiter(chain.from_iterable(near), np.int64, sum(counts))
    # A pair is seen from its larger box, and from the smaller one as well if it is close.
    once = (radius[one] > radius[other]) | ((radius[one] == radius[other]) & (one < other))
    one, other = one[once], other[once]
    return np.minimum(one, other), np.maximum(one, other)


def _greedy(first: NDArray[np.int64], second: NDArray[np.int64], count: int) -> NDArray[np.bool_]:
    """Mask the ranked rows that stay when each kept `first` drops its `second`."""
    order = np.argsort(first, kind="stable")
    second = second[order]
    starts = np.searchsorted(first[order], np.arange(count + 1))
    kept = np.ones(count, bool)
    for rank in range(count):
        if kept[rank]:
            kept[second[starts[rank] : starts[rank + 1]]] = False
    return kept
