"""Labels of cells in fields as YOLO's networks and image sets write them."""

from __future__ import annotations

from collections.abc import Mapping

from core.geometry import Box
from core.taxonomy import DETECTED

DETECTOR_NUMBERS = {code: one.index for code, one in DETECTED.items()}
"""Numbers of the classes that our own networks learn."""


def yolo_line(
    code: str,
    box: Box,
    width: float = 1,
    height: float = 1,
    numbers: Mapping[str, int] = DETECTOR_NUMBERS,
) -> str:
    """Format one cell as a line of a YOLO label file.

    Args:
        code: What the cell is, a key of `numbers`.
        box: x1, y1, x2, y2, in the unit of `width` and `height`.
        width: Width of the field; 1 where the box is in fractions of it.
        height: Height of the field.
        numbers: The number of each class in the image set.

    Returns:
        The class's number, then centre and size of the box as fractions of the field.
    """
    x1, y1, x2, y2 = box
    place = (x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height
    return " ".join((str(numbers[code]), *(f"{number:.5f}" for number in place)))
