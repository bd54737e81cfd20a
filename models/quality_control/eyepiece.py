"""A view photographed through an eyepiece: the bright circle in a dark surround."""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot

import numpy as np
from numpy.typing import NDArray

from core.geometry import Box, clipped
from imaging.images import RgbImage
from models.quality_control.measures import SMALL_SIDE, shrunk

_DARK = 45
"""Brightest channel (0..255) up to which a pixel belongs to the surround."""

_MIN_SURROUND = 0.12
_MAX_SURROUND = 0.9
_MIN_RADIUS = 0.25
_MAX_DEVIATION = 0.03
_MIN_INSIDE = 0.85
_MIN_OUTSIDE = 0.9
_DARK_CORNERS = 3

# What tells a view from a round cell that was cut out on black: empty slide, which is not magenta,
# and not mostly chromatin. Levels are shares of the 95th percentile of the circle's pixels.
_EMPTY = 0.85
_MIN_EMPTY = 0.2
_MAX_MAGENTA = 0.06
_CHROMATIN = 0.6
_MAX_CHROMATIN = 0.35

_AROUND = ((0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1))
"""Steps, down and right, from a pixel to its neighbours, in turn; every second shares a side."""


@dataclass(frozen=True)
class Circle:
    """A circle in an image: centre and radius in pixels."""

    x: float
    y: float
    radius: float

    @property
    def box(self) -> Box:
        """The square around it; it may reach beyond the image."""
        x, y, radius = self.x, self.y, self.radius
        return x - radius, y - radius, x + radius, y + radius

    def mask(self, height: int, width: int) -> NDArray[np.bool_]:
        """Return what lies inside, as bool (height, width)."""
        rows, columns = np.ogrid[:height, :width]
        return (columns - self.x) ** 2 + (rows - self.y) ** 2 <= self.radius**2

    def holds(self, box: Box) -> bool:
        """Return whether the middle of a box lies inside."""
        return self._away(box) <= self.radius

    def ends_at(self, box: Box, margin: float = 0.0) -> bool:
        """Return whether a cell in a box reaches the circle's edge, or its last `margin` pixels."""
        x1, y1, x2, y2 = box
        return self._away(box) + max(x2 - x1, y2 - y1) / 2 > self.radius - margin

    def within(self, left: float, top: float, scale: float = 1.0) -> Circle:
        """Return the circle in pixels of a part of the image that begins there, then resized."""
        return Circle((self.x - left) * scale, (self.y - top) * scale, self.radius * scale)

    def _away(self, box: Box) -> float:
        x1, y1, x2, y2 = box
        return hypot((x1 + x2) / 2 - self.x, (y1 + y2) / 2 - self.y)


@dataclass(frozen=True)
class FieldView:
    """What of an image is read.

    Attributes:
        rgb: uint8 (h, w, 3) RGB, what is to be read.
        left: Column of the image at which it begins.
        top: Row of the image at which it begins.
        circle: The eyepiece's circle in pixels of the image; None where all is read.
    """

    rgb: RgbImage
    left: int = 0
    top: int = 0
    circle: Circle | None = None

    @property
    def present(self) -> NDArray[np.bool_] | None:
        """Mask (h, w) of what belongs to the field; None where all does."""
        if self.circle is None:
            return None
        return self.circle.within(self.left, self.top).mask(*self.rgb.shape[:2])

    @property
    def cropped(self) -> Box | None:
        """The box that is read, in pixels of the image; None where all is."""
        if self.circle is None:
            return None
        height, width = self.rgb.shape[:2]
        left, top = float(self.left), float(self.top)
        return left, top, left + width, top + height

    @classmethod
    def of(cls, rgb: RgbImage) -> FieldView:
        """Choose what of an image, uint8 (h, w, 3) RGB, is read: the eyepiece's circle, or all.

        Around the circle the colour of the empty slide takes the place of the dark: at a hard
        edge to black, cells would be found that are not there.
        """
        circle = find_circle(rgb)
        if circle is None:
            return cls(rgb)
        height, width = rgb.shape[:2]
        left, top, right, bottom = (round(edge) for edge in clipped(circle.box, width, height))
        part = cls(rgb[top:bottom, left:right], left, top, circle)
        inside = part.present
        slide = np.percentile(part.rgb[inside], 90, axis=0).astype(np.uint8)
        filled = np.where(inside[..., None], part.rgb, slide) if inside is not None else part.rgb
        return cls(np.ascontiguousarray(filled), left, top, circle)


def find_circle(rgb: RgbImage) -> Circle | None:
    """Find the bright circle of an eyepiece in a dark surround.

    A circle is fitted to the outline of the bright part by least squares (Kåsa 1976, A circle
    fitting procedure and its error analysis, IEEE Trans. Instrum. Meas. IM-25). It counts if the
    outline is round, the inside bright with some empty slide, and the outside dark.

    Args:
        rgb: uint8 (h, w, 3) RGB of any size.
    """
    small = shrunk(rgb, SMALL_SIDE)
    dark = small.max(axis=2) <= _DARK
    corners = sum(bool(dark[row, column]) for row in (2, -3) for column in (2, -3))
    if corners < _DARK_CORNERS or not _MIN_SURROUND <= dark.mean() <= _MAX_SURROUND:
        return None
    outline = _outline(~dark)
    circle = _fitted(outline) if len(outline) >= 30 else None
    if circle is None or not _is_round(circle, outline) or not _is_lit(circle, dark):
        return None
    if not _shows_slide(small[circle.mask(*dark.shape)]):
        return None
    scale = max(rgb.shape[:2]) / max(small.shape[:2])
    return Circle(circle.x * scale, circle.y * scale, circle.radius * scale)


def _outline(bright: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the outline (n, 2), x and y, of the largest bright region inside of the image.

    A pixel is in it as often as the outline runs through: twice where a line is one pixel wide.
    """
    times = _passes(_largest(bright))
    rows, columns = np.nonzero(times)
    points = np.column_stack([columns, rows]).astype(np.float64)
    points = points.repeat(times[rows, columns], axis=0)
    height, width = bright.shape
    inner = (points > 1).all(axis=1) & (points < (width - 2, height - 2)).all(axis=1)
    return points[inner]


def _largest(bright: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the 8-connected region, holes filled, whose outline has the largest area."""
    from scipy import ndimage

    labels = np.empty(bright.shape, np.int32)
    ndimage.label(ndimage.binary_fill_holes(bright), np.ones((3, 3), bool), labels)
    # The outline runs through the middles of pixels. Of the square between four such middles it
    # has all if all four are bright, and half if three are.
    corners = np.stack(
        [labels[:-1, :-1], labels[:-1, 1:], labels[1:, :-1], labels[1:, 1:]], dtype=np.int64
    )
    halves = np.maximum(np.count_nonzero(corners, axis=0) - 2, 0)
    areas = np.bincount(corners.max(axis=0).ravel(), halves.ravel(), minlength=2)[1:]
    return labels == 1 + areas.argmax()


def _passes(region: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Count how often the outline of an 8-connected region without holes passes each pixel.

    That is the number of gaps around it, its 8-connectivity number: Yokoi, Toriwaki, Fukumura
    (1975), An analysis of topological properties of digitized binary pictures using local
    features, Computer Graphics and Image Processing 4.
    """
    dark = np.pad(~region, 1, constant_values=True)
    height, width = region.shape
    around = [
        dark[1 + down : 1 + down + height, 1 + right : 1 + right + width] for down, right in _AROUND
    ]
    gaps = [around[side] & ~(around[side + 1] & around[(side + 2) % 8]) for side in range(0, 8, 2)]
    return np.where(region, np.sum(gaps, axis=0), 0)


def _fitted(points: NDArray[np.float64]) -> Circle | None:
    system = np.column_stack([points, np.ones(len(points))])
    (a, b, c), *_ = np.linalg.lstsq(system, (points**2).sum(axis=1), rcond=None)
    squared = c + (a**2 + b**2) / 4
    return Circle(a / 2, b / 2, float(np.sqrt(squared))) if squared > 0 else None


def _is_round(circle: Circle, outline: NDArray[np.float64]) -> bool:
    away = np.hypot(outline[:, 0] - circle.x, outline[:, 1] - circle.y) - circle.radius
    return float(np.sqrt((away**2).mean())) <= _MAX_DEVIATION * circle.radius


def _is_lit(circle: Circle, dark: NDArray[np.bool_]) -> bool:
    inside = circle.mask(*dark.shape)
    if circle.radius < _MIN_RADIUS * min(dark.shape) or inside.all():
        return False
    return (~dark[inside]).mean() >= _MIN_INSIDE and dark[~inside].mean() >= _MIN_OUTSIDE


def _shows_slide(pixels: NDArray[np.uint8]) -> bool:
    """Return whether what is in a circle, uint8 (n, 3) RGB, lies on a slide."""
    slide = np.percentile(pixels, 95, axis=0)
    red, green, blue = slide
    empty = (pixels[:, 1] > _EMPTY * green).mean()
    chromatin = (pixels[:, 0] < _CHROMATIN * red).mean()
    magenta = (min(red, blue) - green) / slide.max()
    return bool(empty >= _MIN_EMPTY and magenta <= _MAX_MAGENTA and chromatin <= _MAX_CHROMATIN)
