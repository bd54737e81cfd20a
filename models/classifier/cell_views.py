"""Where in an image its cell is, and the square of pixels that the classifier is shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from core.geometry import Box
from imaging.images import RgbImage


class View(StrEnum):
    """How a cell is seen, as manifests and kept findings call it."""

    SEGMENTED = "black"
    """Cut out, on black, as in C-NMC."""

    CONTEXT = "crop"
    """With its surroundings."""


VIEWS = tuple(View)

BLACK = 12
"""Brightest channel (0..255) up to which a pixel counts as the black around a cut-out cell."""

CROP_FACTOR = 1.5
"""Side of the square of the context view, in units of the longer side of the cell's box."""

_KEPT_SHARE = 2 / 3
_CORNER_SHARE = 0.08
_MARGIN = 1.06


@dataclass(frozen=True)
class Window:
    """A square of an image: centre and side in its pixels."""

    x: float
    y: float
    side: float

    @classmethod
    def around(cls, box: Box) -> Window:
        """Return the smallest square with a box at its centre."""
        x1, y1, x2, y2 = box
        return cls((x1 + x2) / 2, (y1 + y2) / 2, max(x2 - x1, y2 - y1))

    @property
    def box(self) -> Box:
        """x1, y1, x2, y2; they may lie outside the image."""
        half = self.side / 2
        return self.x - half, self.y - half, self.x + half, self.y + half


def on_black(rgb: RgbImage) -> bool:
    """Tell whether an image, uint8 (h, w, 3) RGB, is black in all corners."""
    height, width = rgb.shape[:2]
    side = max(1, round(_CORNER_SHARE * min(height, width)))
    corners = (rgb[rows, columns] for rows in _ends(side) for columns in _ends(side))
    return all((corner.max(axis=2) <= BLACK).mean() > 0.9 for corner in corners)


def segmented_window(rgb: RgbImage) -> Window:
    """Return the square of the segmented view, centred on the cell.

    Two thirds of the image's side, as C-NMC's cells lie in 450 px with a third of black around
    them; more where the cell is larger. An image that is black all over gives its middle.
    """
    height, width = rgb.shape[:2]
    kept = _KEPT_SHARE * min(height, width)
    rows, columns = np.nonzero(rgb.max(axis=2) > BLACK)
    if not rows.size:
        return Window(width / 2, height / 2, kept)
    # Quantiles, so that a few stray pixels move nothing.
    (left, right), (top, bottom) = (np.quantile(at, (0.002, 0.998)) for at in (columns, rows))
    extent = _MARGIN * max(right - left, bottom - top)
    return Window((left + right + 1) / 2, (top + bottom + 1) / 2, max(kept, extent))


def context_window(box: Box) -> Window:
    """Return the square of the context view around a box in pixels."""
    tight = Window.around(box)
    return replace(tight, side=CROP_FACTOR * tight.side)


def cut(rgb: RgbImage, window: Window, view: str) -> RgbImage:
    """Cut a window out of an image.

    Args:
        rgb: uint8 (h, w, 3) RGB.
        window: In pixels of the image; it may reach beyond.
        view: One of `VIEWS`. Beyond the image the segmented view is black; the context view
            mirrors the edge.

    Returns:
        uint8 (side, side, 3) RGB, of the window's side in whole pixels.
    """
    side = max(1, round(window.side))
    left, top = round(window.x - window.side / 2), round(window.y - window.side / 2)
    height, width = rgb.shape[:2]
    outside = [
        (max(0, -top), max(0, top + side - height)),
        (max(0, -left), max(0, left + side - width)),
    ]
    inside = rgb[max(0, top) : max(0, top + side), max(0, left) : max(0, left + side)]
    if not any(max(pair) for pair in outside):
        return inside
    mode = "constant" if view == View.SEGMENTED else "symmetric"
    return np.pad(inside, (*outside, (0, 0)), mode)


def _ends(side: int) -> tuple[slice, slice]:
    return slice(0, side), slice(-side, None)
