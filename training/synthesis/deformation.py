"""Red cells displaced by white ones: a field's density warped outward round discs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from training.synthesis.backgrounds import Box


@dataclass(frozen=True)
class Deformation:
    """Move the content of a disc into its outer ring.

    Attributes:
        x: Of the disc's centre, pixels.
        y: The same.
        inner: Radius in pixels of what is emptied.
        outer: Radius in pixels of the disc; beyond it nothing moves.
    """

    x: float
    y: float
    inner: float
    outer: float


def deform(density: np.ndarray, deformations: Sequence[Deformation]) -> np.ndarray:
    """Warp a density map outward by all deformations.

    Args:
        density: float32 (H, W, 3).
        deformations: Their displacements add up.
    """
    height, width = density.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    from_x, from_y = x.copy(), y.copy()
    for one in deformations:
        part = _bounds(one, height, width)
        dx, dy = x[part] - one.x, y[part] - one.y
        away = np.hypot(dx, dy) + 1e-3
        source = np.maximum(away - one.inner, 0) * one.outer / (one.outer - one.inner)
        shift = np.where(away < one.outer, source / away - 1, 0)
        from_x[part] += dx * shift
        from_y[part] += dy * shift
    return cv2.remap(density, from_x, from_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def deform_box(box: Box, deformations: Sequence[Deformation]) -> Box:
    """Return the box of a round cell after all deformations."""
    deformations = [one for one in deformations if _may_move(box, one)]
    if not deformations:
        return box
    angle = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    x = (box.x1 + box.x2) / 2 + (box.x2 - box.x1) / 2 * np.cos(angle)
    y = (box.y1 + box.y2) / 2 + (box.y2 - box.y1) / 2 * np.sin(angle)
    right, down = np.zeros_like(x), np.zeros_like(y)
    for one in deformations:
        dx, dy = x - one.x, y - one.y
        away = np.hypot(dx, dy) + 1e-3
        target = one.inner + away * (one.outer - one.inner) / one.outer
        shift = np.where(away < one.outer, target / away - 1, 0)
        right, down = right + dx * shift, down + dy * shift
    if not (right.any() or down.any()):
        return box
    x, y = x + right, y + down
    return replace(box, x1=float(x.min()), y1=float(y.min()), x2=float(x.max()), y2=float(y.max()))


def _may_move(box: Box, one: Deformation) -> bool:
    """Return whether a deformation may move a point of the ellipse in a box."""
    return (
        box.x1 - one.outer < one.x < box.x2 + one.outer
        and box.y1 - one.outer < one.y < box.y2 + one.outer
    )


def _bounds(one: Deformation, height: int, width: int) -> tuple[slice, slice]:
    top, left = max(int(one.y - one.outer), 0), max(int(one.x - one.outer), 0)
    bottom, right = int(one.y + one.outer) + 2, int(one.x + one.outer) + 2
    return np.s_[top : min(bottom, height), left : min(right, width)]
