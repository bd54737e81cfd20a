"""The sizes of picture that the detector's network is asked for."""

from __future__ import annotations

from collections.abc import Sequence

Frame = tuple[int, int]
"""Height and width in pixels of what the network takes in."""

_PARTS = 15
_SIDES = ((5, 5), (9, 11), (12, 15), (15, 15))
"""Height and width of each frame in fifteenths of the largest side, smallest frame first: quality
control's copy of one cell, a picture of 640x480, a camera's 4:3, and a tile of a large field."""

_STEP = 64
"""A frame's sides are the largest one's less multiples of this.

The network's grid has 32 px: a picture in the middle of such a frame lies on it as it does in the
middle of the square, and is found alike.
"""

MARGIN = 16
"""Grey pixels on each side of a picture that does not fill the frame: cells at an edge are then
found as they are in the square."""


def frames(size: int) -> tuple[Frame, ...]:
    """List the frames of a network, smallest first.

    Args:
        size: The largest side in pixels.
    """
    return tuple(dict.fromkeys((_side(size, high), _side(size, wide)) for high, wide in _SIDES))


def smallest_frame(given: Sequence[Frame], height: int, width: int) -> Frame:
    """Choose the smallest frame for a picture, with its margin where there is room.

    Args:
        given: Frames, smallest first; the last one holds every picture.
        height: Of the picture, in network pixels.
        width: Of the picture, in network pixels.
    """
    largest = given[-1]
    needed = [
        min(side + 2 * MARGIN, most) for side, most in zip((height, width), largest, strict=True)
    ]
    return next(frame for frame in given if frame[0] >= needed[0] and frame[1] >= needed[1])


def _side(size: int, parts: int) -> int:
    """Compute a side of at least so many fifteenths that is in step with the largest."""
    return size - size * (_PARTS - parts) // _PARTS // _STEP * _STEP
