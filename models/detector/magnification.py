"""How large the red cells are, and at which scale a field had better be read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.geometry import Measures
from models.detector.boxes import Found
from models.manifest import WeightsError

CONFIDENT = 0.5
"""P(red cell) from which on a box is measured."""

ENOUGH = 5
"""Red cells from which on their median is believed."""

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
