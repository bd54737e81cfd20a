"""How large the red cells are, and at which scale a field had better be read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.geometry import Measures
from imaging.images import RgbImage, resize, scaled_size
from models.detector.boxes import Found
from models.manifest import WeightsError

CONFIDENT = 0.5
"""P(red cell) from which on a box is measured."""

ENOUGH = 5
"""Red cells from which on their median is believed."""

MIN_CONTRAST = 12.0
"""Grey levels by which something in a field must differ from its surroundings to be a cell.

Red cells differ by 40 and more, the grain of an empty field by 5 in the copy that is looked at.
"""

_COPY_SIDE = 480
_SURROUNDINGS = 61
_CLEAR = 2.0
_WELL_INSIDE = 2.0


@dataclass(frozen=True)
class TrainedRange:
    """Red-cell diameters that training covered, in pixels of the network's input.

    The lower end lies somewhat above the smallest red cell that is found at all: where only the
    largest of them are found, their median is not that of all.
    """

    red_cell_low: float = 20.0
    red_cell_high: float = 140.0

    @classmethod
    def of(cls, scale: dict[str, float]) -> TrainedRange:
        """Read a manifest's `scale`; raises `WeightsError` where it says something else."""
        try:
            return cls(**scale)
        except TypeError as error:
            raise WeightsError(f"The detector's manifest has another scale: {error}.") from None

    def factor(self, diameter: float) -> float:
        """By what to resize a field whose red cells are `diameter` px, 1 if they are in range.

        It takes them to twice the lower end or half the upper one: well inside, at the least cost.
        """
        if diameter < self.red_cell_low:
            return _WELL_INSIDE * self.red_cell_low / diameter
        if diameter > self.red_cell_high:
            return self.red_cell_high / _WELL_INSIDE / diameter
        return 1.0


@dataclass(frozen=True)
class Contents:
    """The parts of a field that stand out from their surroundings.

    Attributes:
        present: bool (h, w), a small copy of the field.
        scale: Pixels of the copy for one of the field.
    """

    present: NDArray[np.bool_]
    scale: float

    @classmethod
    def of(cls, rgb: RgbImage) -> Contents:
        """Look for contents in a field, uint8 (h, w, 3) RGB."""
        from scipy import ndimage

        scale = min(1.0, _COPY_SIDE / max(rgb.shape))
        height, width = scaled_size(rgb, scale)
        # Stains absorb green most.
        green = resize(rgb, width, height, reducing_gap=1.3)[..., 1].astype(np.float32)
        contrast = np.abs(green - ndimage.uniform_filter(green, _SURROUNDINGS))
        return cls(contrast >= MIN_CONTRAST, scale)

    def fullest(self, height: int, width: int) -> tuple[int, int]:
        """Find the part of the field that holds most.

        Args:
            height: Of the part, in pixels of the field.
            width: Of the part, in pixels of the field.

        Returns:
            The middle of the part, y and x in pixels of the field.
        """
        from scipy import ndimage

        shares = self.present.astype(np.float32)
        for axis, side in enumerate((height, width)):
            half = max(1, round(side * self.scale / 2))
            # Twice half the part: the middle weighs more than the edges, which cut cells.
            for _ in range(2):
                shares = ndimage.uniform_filter1d(shares, half, axis, mode="constant")
        y, x = np.unravel_index(shares.argmax(), shares.shape)
        return round(y / self.scale), round(x / self.scale)


def red_cell_diameters(found: Found, width: int, height: int) -> Measures:
    """Measure the confident red cells that are clear of the edges.

    Args:
        found: Boxes in pixels of the field.
        width: Of the field, in pixels.
        height: Of the field, in pixels.

    Returns:
        Diameters (n,) in pixels, as the square root of the box's area.
    """
    low, high = found.boxes[:, :2], found.boxes[:, 2:]
    clear = ((low > _CLEAR) & (high < np.array([width, height]) - _CLEAR)).all(axis=1)
    sides = (high - low)[clear & (found.red >= CONFIDENT)]
    return np.sqrt(sides.prod(axis=1))


def median_diameter(diameters: Measures) -> float | None:
    """Return the median (px) of at least `ENOUGH` diameters (n,), else None."""
    return float(np.median(diameters)) if len(diameters) >= ENOUGH else None
