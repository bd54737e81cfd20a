"""Boxes and what is asked of them: areas, overlaps, squares."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Box = tuple[float, float, float, float]
"""x1, y1, x2, y2: left, upper, right and lower edge, in pixels unless it says otherwise."""

LEAST_MARGIN, MARGIN = 3.0, 0.003
"""Up to how far from an edge a box ends there: in pixels, and in longer sides of the frame."""

Boxes = NDArray[np.floating[Any]]
"""Boxes (n, 4), a row each; (4,) is one box."""

Measures = NDArray[np.floating[Any]]
"""A number for each box (n,); a scalar for one box."""

Pixel = TypeVar("Pixel", bound=np.generic)

_SMALLEST_AREA = 1e-9


def areas(boxes: Boxes) -> Measures:
    """Measure the area of each box.

    Args:
        boxes: (n, 4) or (4,).

    Returns:
        (n,) or a scalar, in square pixels; may be negative where edges are swapped.
    """
    return (boxes[..., 2:] - boxes[..., :2]).prod(axis=-1)


def intersections(one: Boxes, other: Boxes) -> Measures:
    """Measure the area that pairs of boxes share.

    Args:
        one: (n, 4), or (4,) to be compared with all of the other.
        other: The same.

    Returns:
        (n,) in square pixels, 0 where they do not meet.
    """
    low = np.maximum(one[..., :2], other[..., :2])
    high = np.minimum(one[..., 2:], other[..., 2:])
    return (high - low).clip(0).prod(axis=-1)


def iou(one: Boxes, other: Boxes) -> Measures:
    """Compute intersection over union of pairs of boxes.

    Args:
        one: (n, 4), or (4,) to be compared with all of the other.
        other: The same.

    Returns:
        (n,) in 0..1.

    Example:
        >>> iou(np.array([0, 0, 2, 2]), np.array([[1, 0, 3, 2]])).round(3)
        array([0.333])
    """
    shared = intersections(one, other)
    return shared / np.maximum(areas(one) + areas(other) - shared, _SMALLEST_AREA)


def contained_shares(one: Boxes, other: Boxes) -> Measures:
    """Compute the share of the smaller box that the larger holds.

    Args:
        one: (n, 4), or (4,) to be compared with all of the other.
        other: The same.

    Returns:
        (n,) in 0..1, of the smaller box's area.
    """
    smaller = np.minimum(areas(one), areas(other))
    return intersections(one, other) / np.maximum(smaller, _SMALLEST_AREA)


def clipped(box: Box, width: float, height: float) -> Box:
    """Cut a box to an image of `width` x `height` pixels."""
    x1, y1, x2, y2 = box
    return max(x1, 0.0), max(y1, 0.0), min(x2, float(width)), min(y2, float(height))


def square_around(box: Box, factor: float = 1.0, least: float = 0.0) -> Box:
    """Return the square with a box's centre, `factor` times its longer side.

    A box whose longer side is under `least` is taken for one of that side.
    """
    x1, y1, x2, y2 = box
    x, y, half = (x1 + x2) / 2, (y1 + y2) / 2, factor * max(x2 - x1, y2 - y1, least) / 2
    return x - half, y - half, x + half, y + half


def ends_at_edge(box: Box, frame: Box) -> bool:
    """Say whether a box ends at an edge of a frame, so that what is in it may be cut off there.

    Boxes of a large image are found in a smaller one, so that they end some pixels short of it.
    """
    left, top, right, bottom = frame
    margin = max(LEAST_MARGIN, MARGIN * max(right - left, bottom - top))
    x1, y1, x2, y2 = box
    inside = x1 > left + margin and y1 > top + margin
    return not (inside and x2 < right - margin and y2 < bottom - margin)


def pixels_in(image: NDArray[Pixel], box: Box) -> NDArray[Pixel]:
    """Cut out the pixels in a box, as a view.

    Args:
        image: (height, width, ...).
        box: In pixels, rounded; what lies outside of the image is left out.

    Returns:
        (rows, columns, ...).
    """
    left, top, right, bottom = (max(0, round(edge)) for edge in box)
    return image[top:bottom, left:right]
