"""What every format is brought to before colour and range are dealt with in one place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[Any]
"""Any integer or float type, shape (rows, width, channels); colour first, then alpha."""


class ColorModel(StrEnum):
    """What the colour channels are."""

    GREY = "grey"
    RGB = "rgb"
    CMYK = "cmyk"


class Alpha(StrEnum):
    """Whether colours are multiplied with their opacity already."""

    NONE = "none"
    STRAIGHT = "straight"
    PREMULTIPLIED = "premultiplied"


CHANNELS = {ColorModel.GREY: 1, ColorModel.RGB: 3, ColorModel.CMYK: 4}


@dataclass
class Raster:
    """One decoded picture, as its file has it.

    Attributes:
        rows: Gives rows top to bottom of the samples, so that a huge picture is converted in
            strips.
        height: In pixels, before it is turned upright.
        width: Likewise.
        dtype: Of the samples.
        file_format: Key of `formats.FORMATS`.
        model: What the colour channels are.
        alpha: What the channel behind the colours is, if there is one.
        bits: Used of each sample, where the file says so.
        limits: Values of black and white, where the file says so.
        signed: Whether samples may be negative.
        white_is_zero: Whether the lowest value is white.
        profile: Embedded ICC profile.
        gamma: Exponent that makes linear light of values in 0..1; None for sRGB's curve.
        orientation: EXIF's, 1..8.
        compression: As people write it; empty where it goes without saying.
        clips: Whether values outside of `limits` are meant to be black and white.
        notes: What was done so far, a sentence each.
    """

    rows: Callable[[int, int], Samples]
    height: int
    width: int
    dtype: np.dtype[Any]
    file_format: str
    model: ColorModel
    alpha: Alpha = Alpha.NONE
    bits: int | None = None
    limits: tuple[float, float] | None = None
    white_is_zero: bool = False
    profile: bytes | None = None
    gamma: float | None = None
    orientation: int = 1
    compression: str = ""
    clips: bool = False
    notes: list[str] = field(default_factory=list)

    @property
    def colors(self) -> int:
        """Number of colour channels."""
        return CHANNELS[self.model]


def in_memory(samples: Samples) -> tuple[Callable[[int, int], Samples], int, int, np.dtype[Any]]:
    """Make a raster's first four attributes of decoded samples, (h, w) or (h, w, channels)."""
    whole = samples if samples.ndim == 3 else samples[..., None]
    return lambda top, end: whole[top:end], *whole.shape[:2], whole.dtype
