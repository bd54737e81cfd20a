"""Red cells pushed aside by white ones: a field's density bent outward round discs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from training.synthesis.backgrounds import Box


@dataclass(frozen=True)
class Push:
    """What lay in a disc (x, y, `reach`; pixels) is moved into its ring beyond radius `hold`."""

    x: float
    y: float
    hold: float
    reach: float


def bent(density: np.ndarray, pushes: Sequence[Push]) -> np.ndarray:
    """Return a density map (H, W, 3, float32) with its content moved outward by all pushes."""
    height, width = density.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    from_x, from_y = x.copy(), y.copy()
    for push in pushes:
        part = _square(push, height, width)
        dx, dy = x[part] - push.x, y[part] - push.y
        away = np.hypot(dx, dy) + 1e-3
        source = np.maximum(away - push.hold, 0) * push.reach / (push.reach - push.hold)
        shift = np.where(away < push.reach, source / away - 1, 0)
        from_x[part] += dx * shift
        from_y[part] += dy * shift
    return cv2.remap(density, from_x, from_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def bent_box(box: Box, pushes: Sequence[Push]) -> Box:
    """Return the box of a round cell after the pushes."""
    pushes = [push for push in pushes if _reached(box, push)]
    if not pushes:
        return box
    angle = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    x = (box.x1 + box.x2) / 2 + (box.x2 - box.x1) / 2 * np.cos(angle)
    y = (box.y1 + box.y2) / 2 + (box.y2 - box.y1) / 2 * np.sin(angle)
    right, down = np.zeros_like(x), np.zeros_like(y)
    for push in pushes:
        dx, dy = x - push.x, y - push.y
        away = np.hypot(dx, dy) + 1e-3
        target = push.hold + away * (push.reach - push.hold) / push.reach
        shift = np.where(away < push.reach, target / away - 1, 0)
        right, down = right + dx * shift, down + dy * shift
    if not (right.any() or down.any()):
        return box
    x, y = x + right, y + down
    return replace(box, x1=float(x.min()), y1=float(y.min()), x2=float(x.max()), y2=float(y.max()))


def _reached(box: Box, push: Push) -> bool:
    """Tell whether a push moves any point of the ellipse in a box, or might."""
    return (
        box.x1 - push.reach < push.x < box.x2 + push.reach
        and box.y1 - push.reach < push.y < box.y2 + push.reach
    )


def _square(push: Push, height: int, width: int) -> tuple[slice, slice]:
    top, left = max(int(push.y - push.reach), 0), max(int(push.x - push.reach), 0)
    bottom, right = int(push.y + push.reach) + 2, int(push.x + push.reach) + 2
    return np.s_[top : min(bottom, height), left : min(right, width)]
