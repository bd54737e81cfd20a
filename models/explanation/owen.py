"""Owen values of the regions of an image: what each adds to the answer of a function.

The values are SHAP values (Lundberg and Lee 2017, A unified approach to interpreting model
predictions, NIPS) for regions that are halved again and again. The procedure is that of
`PartitionExplainer` with an image masker in the package shap (Copyright (c) 2018 Scott Lundberg,
MIT licence, in `LICENSE.shap.txt`), without that package and what it needs. Tests hold these values
against its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Ask = Callable[[list[NDArray[Any]]], NDArray[np.float64]]
"""What the function says of each image (h, w, channels)."""


class Region(NamedTuple):
    """A box of an image: where its rows, columns and channels begin and end."""

    top: int
    bottom: int
    left: int
    right: int
    first: int
    last: int

    @property
    def pixels(self) -> tuple[slice, slice]:
        """Where it is in a map (h, w)."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def values(self) -> tuple[slice, slice, slice]:
        """Where it is in an image (h, w, channels)."""
        return *self.pixels, slice(self.first, self.last)

    @property
    def area(self) -> int:
        """How many pixels it has."""
        return (self.bottom - self.top) * (self.right - self.left)

    def halves(self) -> Halves | None:
        """Halve its longer side; of a single pixel the channels; None if there is but one.

        Of an odd side the first half is the longer, as in shap, whose tree counts from the end.
        """
        height, width = self.bottom - self.top, self.right - self.left
        channels = self.last - self.first
        if height >= width and height > 1:
            middle = self.top + (height + 1) // 2
            return self._replace(bottom=middle), self._replace(top=middle)
        if width > 1:
            middle = self.left + (width + 1) // 2
            return self._replace(right=middle), self._replace(left=middle)
        if channels > 1:
            middle = self.first + (channels + 1) // 2
            return self._replace(last=middle), self._replace(first=middle)
        return None


Halves = tuple[Region, Region]

Shown = tuple[Region, ...]
"""Regions of an image that are not hidden."""


@dataclass(frozen=True)
class Node:
    """A region in one context: what it adds if some others are shown, and all else is hidden.

    Attributes:
        region: The region.
        context: What is shown beside it.
        without: What the function says of the context alone.
        within: What it says when the region is shown too.
        weight: The context's share among all contexts of the region.
    """

    region: Region
    context: Shown
    without: float
    within: float
    weight: float

    @property
    def credit(self) -> float:
        """What the region gets of this context."""
        return (self.within - self.without) * self.weight

    def split(self, halves: Halves, alone: NDArray[np.float64]) -> list[Node]:
        """Take each half twice: with the other half hidden, and with it shown.

        Args:
            halves: Of the region.
            alone: What the function says if one of them is shown beside the context, (2,).
        """
        one, other = halves
        with_one, with_other = map(float, alone)
        weight = self.weight / 2
        return [
            Node(one, self.context, self.without, with_one, weight),
            Node(other, self.context, self.without, with_other, weight),
            Node(one, (*self.context, other), with_other, self.within, weight),
            Node(other, (*self.context, one), with_one, self.within, weight),
        ]


class _Queue:
    """Nodes, those of the greatest credit first; of equal ones the earlier."""

    def __init__(self) -> None:
        self._nodes: list[tuple[float, int, Node]] = []
        self._numbers = count()

    def __len__(self) -> int:
        return len(self._nodes)

    def put(self, node: Node) -> None:
        heappush(self._nodes, (-abs(node.credit), next(self._numbers), node))

    def take(self) -> Node:
        return heappop(self._nodes)[2]


def owen_values(
    ask: Ask, image: NDArray[Any], hidden: NDArray[Any], evaluations: int, batch: int
) -> tuple[NDArray[np.float64], float]:
    """Divide what a function says of an image among its regions.

    The image is halved as `Region.halves` does. A region's value is the mean of what it adds over
    the contexts in which each region that it was halved with, and each that those above it were
    halved with, is shown or hidden: Owen (1977), Values of games with a priori unions. The
    region and context with the greatest effect are halved next. What is not halved in the end
    shares its credit equally among its pixels.

    Args:
        ask: The function; is given at most `batch` images at once.
        image: (h, w, channels), of any type.
        hidden: The same with every region hidden.
        evaluations: How many images the function is asked about, or one more.
        batch: How many of them at once; even.

    Returns:
        What each pixel adds, float64 (h, w), its channels added up; and what the function says
        when all is hidden.
    """
    values = np.zeros(image.shape[:2])
    height, width, channels = image.shape
    whole = Region(0, height, 0, width, 0, channels)
    base, full = (float(each) for each in ask([hidden, image]))
    queue = _Queue()
    queue.put(Node(whole, (), base, full, 1.0))
    left = evaluations - 2
    while queue and left > 0:
        pairs = _next_pairs(queue, min(batch, left), values)
        left -= 2 * len(pairs)
        shown = [(*node.context, half) for node, halves in pairs for half in halves]
        answers = ask([_masked(image, hidden, each) for each in shown]) if shown else np.empty(0)
        for (node, halves), alone in zip(pairs, answers.reshape(-1, 2), strict=True):
            for child in node.split(halves, alone):
                queue.put(child)
    while queue:
        _share(queue.take(), values)
    return values, base


def _next_pairs(queue: _Queue, most: int, values: NDArray[np.float64]) -> list[tuple[Node, Halves]]:
    """Take the next nodes and their halves, until they are so many or one more.

    Single values, which have no halves, get their credit.
    """
    pairs: list[tuple[Node, Halves]] = []
    while queue and 2 * len(pairs) < most:
        node = queue.take()
        halves = node.region.halves()
        if halves is None:
            _share(node, values)
        else:
            pairs.append((node, halves))
    return pairs


def _share(node: Node, values: NDArray[np.float64]) -> None:
    values[node.region.pixels] += node.credit / node.region.area


def _masked(image: NDArray[Any], hidden: NDArray[Any], shown: Shown) -> NDArray[Any]:
    masked = hidden.copy()
    for region in shown:
        masked[region.values] = image[region.values]
    return masked
