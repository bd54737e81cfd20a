"""Reference ranges of the differential of blood."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from core.taxonomy import BLAST, DIFFERENTIAL, UNCLASSIFIED
from services.laboratory.letterhead import ReferenceRange

CLASSES = tuple(code for code in DIFFERENTIAL if code != UNCLASSIFIED)
"""Classes that may have a range."""

ADULTS = {
    BLAST: ReferenceRange(low=0, high=0),
    "neutrophil": ReferenceRange(low=40, high=80),
    "lymphocyte": ReferenceRange(low=20, high=40),
    "monocyte": ReferenceRange(low=2, high=10),
    "eosinophil": ReferenceRange(low=1, high=6),
    "basophil": ReferenceRange(low=None, high=2),
}
"""Percentages of the white cells in adults' blood; see `ADULTS_SOURCE`."""

ADULTS_SOURCE = (
    "Adults; Bain, Bates and Laffan, Dacie and Lewis Practical Haematology, 12th ed. (2017)"
)


class Position(StrEnum):
    """Where a share lies beside its reference range."""

    LOW = "low"
    HIGH = "high"
    WITHIN = "within"


def position_of(percentage: float, code: str, ranges: Mapping[str, ReferenceRange]) -> Position:
    """Say where a share lies; within where the class has no range.

    Args:
        percentage: 0..100, of the white cells.
        code: of the class.
        ranges: by code of the class.
    """
    usual = ranges.get(code, ReferenceRange(low=None, high=None))
    if usual.low is not None and percentage < usual.low:
        return Position.LOW
    if usual.high is not None and percentage > usual.high:
        return Position.HIGH
    return Position.WITHIN
