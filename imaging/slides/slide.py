"""What a whole slide is, whichever library reads it."""

from __future__ import annotations

import itertools
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
from PIL import Image

from core.translatable import translatable
from imaging.images import RgbImage

MAX_SIDE = 1_000_000
"""Longest side in pixels of a slide: a glass slide at 0.1 µm has 750,000."""

MAX_STEP = 9.0
"""Times that a level may be larger than the next smaller one: a view between two costs its square.

Scanners write steps of 2 or 4, some 8.
"""

MAX_SMALLEST = 32_000_000
"""Pixels of the smallest level: it is read whole for the overview."""

MICROMETRES = (0.02, 20.0)
"""Plausible sizes of a pixel in µm; a file that says another says nothing."""

NO_PYRAMID = translatable(
    "This file has {} × {} pixels but no smaller copies of itself, without which it cannot be "
    "shown. Export it as a pyramidal TIFF, or cut out a field and upload it under Detect."
)
TOO_LARGE = translatable(
    "The file claims {} × {} pixels, more than any slide has. Export the slide again."
)
EMPTY = translatable("The file claims a level without pixels. Export the slide again.")
OUTSIDE = translatable("This area lies outside of the slide.")
DAMAGED = translatable(
    "The slide is incomplete or damaged. Copy or export it again, then upload it anew."
)

MAX_PIXELS = 32_000_000
"""Pixels that are read at a time."""


class SlideError(ValueError):
    """A slide that cannot be used; its text is a sentence for the person who sent it."""


@dataclass(frozen=True)
class Level:
    """One copy of a slide: its size in pixels, and how many times smaller it is."""

    width: int
    height: int
    downsample: float


@dataclass(frozen=True)
class SlideInfo:
    """What a slide says of itself.

    Attributes:
        format: Of the file, in a word or two.
        levels: The largest first.
        micrometres: Of a pixel of the largest level; None where the file does not tell.
        objective: Magnification of the scanner's objective; None likewise.
    """

    format: str
    levels: tuple[Level, ...]
    micrometres: float | None = None
    objective: float | None = None

    @property
    def width(self) -> int:
        """Width in pixels of the largest level."""
        return self.levels[0].width

    @property
    def height(self) -> int:
        """Height in pixels of the largest level."""
        return self.levels[0].height

    def level_for(self, downsample: float) -> int:
        """Choose the smallest level that is at least as fine as asked, by its index."""
        fine = [i for i, level in enumerate(self.levels) if level.downsample <= downsample * 1.01]
        return max(fine, default=0)

    def to_dict(self) -> dict[str, Any]:
        """Serialise to values that JSON takes."""
        return asdict(self)

    @classmethod
    def from_dict(cls, kept: dict[str, Any]) -> SlideInfo:
        """Read what `to_dict` wrote."""
        return cls(**{**kept, "levels": tuple(Level(**level) for level in kept["levels"])})


class Slide(Protocol):
    """An open slide."""

    @property
    def info(self) -> SlideInfo:
        """What it says of itself."""
        ...

    @property
    def profile(self) -> bytes | None:
        """Embedded ICC profile of the regions that `read` returns."""
        ...

    def read(self, level: int, left: int, top: int, width: int, height: int) -> RgbImage:
        """Read a region of a level.

        Args:
            level: Its index.
            left: Left edge, in pixels of the level.
            top: Upper edge, likewise.
            width: In pixels of the level; it lies wholly inside.
            height: Likewise.

        Returns:
            uint8 (height, width, 3) RGB; white where the scanner took nothing.
        """
        ...

    def close(self) -> None:
        """Close the file."""
        ...


def plausible(micrometres: float | None) -> float | None:
    """Return the size of a pixel (µm) where it can be true, else None."""
    low, high = MICROMETRES
    return micrometres if micrometres and low <= micrometres <= high else None


def check(info: SlideInfo) -> None:
    """Check that any part of a slide can be shown at any size at a bounded cost.

    Raises:
        SlideError: It is too large, or levels are missing.
    """
    if min(min(level.width, level.height) for level in info.levels) < 1:
        raise SlideError(EMPTY)
    if max(info.width, info.height) > MAX_SIDE:
        raise SlideError(TOO_LARGE.format(info.width, info.height))
    downsamples = [level.downsample for level in info.levels]
    steps = [after / before for before, after in itertools.pairwise(downsamples)]
    smallest = info.levels[-1]
    if max(steps, default=1) > MAX_STEP or smallest.width * smallest.height > MAX_SMALLEST:
        raise SlideError(NO_PYRAMID.format(info.width, info.height))


def read_scaled(slide: Slide, box: tuple[int, int, int, int], width: int, height: int) -> RgbImage:
    """Read a part of a slide at any size.

    Args:
        slide: The slide.
        box: x1, y1, x2, y2 in pixels of the largest level.
        width: Wanted, in pixels; no more than the part has.
        height: Likewise.

    Returns:
        uint8 (height, width, 3) RGB.

    Raises:
        SlideError: The part lies outside of the slide.
    """
    info = slide.info
    x1, y1, x2, y2 = box
    if not (0 <= x1 < x2 <= info.width and 0 <= y1 < y2 <= info.height):
        raise SlideError(OUTSIDE)
    index = info.level_for(min((x2 - x1) / width, (y2 - y1) / height))
    level = info.levels[index]
    left, right = _edges(x1, x2, level.width / info.width, level.width)
    top, bottom = _edges(y1, y2, level.height / info.height, level.height)
    rgb = slide.read(index, left, top, right - left, bottom - top)
    if rgb.shape[:2] == (height, width):
        return rgb
    small = Image.fromarray(rgb).resize(
        (width, height), Image.Resampling.BILINEAR, reducing_gap=2.0
    )
    return np.asarray(small)


def _edges(low: int, high: int, scale: float, length: int) -> tuple[int, int]:
    """Map a span to pixels of a level, at least one of them."""
    start = min(round(low * scale), length - 1)
    return start, max(start + 1, min(round(high * scale), length))
