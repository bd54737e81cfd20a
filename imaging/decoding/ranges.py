"""Which values of a file are black and white."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.translatable import translatable
from imaging.decoding.errors import ImageError
from imaging.decoding.formats import BY_KEY
from imaging.decoding.raster import Raster, Samples

BITS_OF_CAMERAS = (8, 10, 12, 14, 16)
"""What a 16-bit file may hold; the fewest that the brightest pixel needs are taken."""

STRIP = 256
"""Rows converted at once: a whole picture would need its memory several times."""

_SIGNED_BITS = {2: (8, 10, 12, 14, 15), 4: BITS_OF_CAMERAS, 8: BITS_OF_CAMERAS}
"""By the bytes of a sample; one of 8 bits holds 7, which no camera has."""

_DARKEST_FLOAT = 64
"""A float picture whose brightest value lies between 1 and this has no range that is known."""


@dataclass(frozen=True)
class Range:
    """Values of black and white in a file.

    Attributes:
        low: Value of black (of white, where zero is white).
        high: The other end.
        bits: Bits that hold these values; None for floating point and odd limits.
        stated: Whether the file says so; else its brightest pixel tells.
    """

    low: float
    high: float
    bits: int | None
    stated: bool


def find_range(raster: Raster) -> Range:
    """Find the values of black and white, from what the file states or else from its pixels.

    Raises:
        ImageError: If neither tells, or if the pixels contradict the file.
    """
    if raster.dtype == np.uint8 and raster.limits is None and raster.bits in (None, 8):
        return Range(0, 255, 8, stated=True)
    low, high = _extremes(raster, slice(0, raster.colors))
    if raster.limits is not None:
        return _stated(raster, low, high, *raster.limits)
    if raster.bits is not None:
        return _stated(raster, low, high, 0, 2**raster.bits - 1)
    return _guessed(raster, low, high)


def alpha_range(raster: Raster, colors: Range) -> float:
    """Find the value of full opacity.

    Raises:
        ImageError: If no pixel is visible.
    """
    _, high = _extremes(raster, slice(raster.colors, raster.colors + 1))
    if high <= 0:
        raise ImageError(
            translatable(
                "The image is transparent everywhere. Save it without transparency and upload that."
            )
        )
    if raster.dtype.kind == "f":
        return 1.0 if high <= 1 else colors.high
    if raster.dtype == np.uint8:
        return 255.0
    bits = raster.bits or _fewest(high, BITS_OF_CAMERAS)
    return float(2 ** (bits or 16) - 1)


def described(raster: Raster, found: Range) -> str | None:
    """Tell what was scaled, in one line; None for 8 bits and fewer."""
    if found.bits is not None and found.bits <= 8 and raster.dtype == np.uint8:
        return None
    name, kind = BY_KEY[raster.file_format].name, sample_type(raster.dtype)
    ends = translatable("scaled from {}–{}").format(_number(found.low), _number(found.high))
    if found.bits is None:
        return f"{kind[0].upper()}{kind[1:]} {name}, {ends}."
    if found.stated or found.bits == 8 * raster.dtype.itemsize:
        return f"{found.bits}-bit {name}, {ends}."
    return f"{kind[0].upper()}{kind[1:]} {name} with {found.bits}-bit values, {ends}."


def sample_type(dtype: np.dtype[Any]) -> str:
    """Name a type of samples: "16-bit", "signed 16-bit", "floating-point 32-bit"."""
    kind = {"i": "signed ", "f": "floating-point "}.get(dtype.kind, "")
    return f"{kind}{8 * dtype.itemsize}-bit"


def _extremes(raster: Raster, channels: slice) -> tuple[float, float]:
    low, high = np.inf, -np.inf
    for top in range(0, raster.height, STRIP):
        values = raster.rows(top, min(raster.height, top + STRIP))[..., channels]
        _check_finite(raster, values)
        low, high = min(low, float(values.min())), max(high, float(values.max()))
    return low, high


def _check_finite(raster: Raster, values: Samples) -> None:
    if raster.dtype.kind == "f" and not np.isfinite(values).all():
        raise _without_range(raster, translatable("values that are no numbers"))


def _stated(raster: Raster, low: float, high: float, black: float, white: float) -> Range:
    if not black < white:
        raise _without_range(
            raster,
            translatable("a stated range of {} to {}").format(_number(black), _number(white)),
        )
    if (low < black or high > white) and not raster.clips:
        raise _without_range(
            raster,
            translatable("values from {} to {} although it states {} to {}").format(
                _number(low), _number(high), _number(black), _number(white)
            ),
        )
    bits = round(np.log2(white + 1)) if black == 0 and white > 0 else None
    return Range(black, white, bits if bits and 2**bits - 1 == white else None, stated=True)


def _guessed(raster: Raster, low: float, high: float) -> Range:
    values = translatable("values from {} to {} and states no range").format(
        _number(low), _number(high)
    )
    if low < 0:
        raise _without_range(raster, values)
    if raster.dtype.kind == "f":
        if high <= 1:
            return Range(0.0, 1.0, None, stated=False)
        bits = _fewest(high, BITS_OF_CAMERAS) if high >= _DARKEST_FLOAT else None
    elif raster.dtype.kind == "i":
        bits = _fewest(high, _SIGNED_BITS.get(raster.dtype.itemsize, ()))
    else:
        bits = _fewest(high, BITS_OF_CAMERAS)
    if bits is None:
        raise _without_range(raster, values)
    if raster.white_is_zero and bits < 16:
        # The brightest value is a dark pixel: it tells nothing of the range.
        raise _without_range(raster, translatable("zero as white, {}").format(values))
    return Range(0, 2**bits - 1, bits, stated=False)


def _fewest(high: float, choices: tuple[int, ...]) -> int | None:
    return next((bits for bits in choices if high < 2**bits), None)


def _without_range(raster: Raster, what: str) -> ImageError:
    name = BY_KEY[raster.file_format].name
    packed = f" ({raster.compression})" if raster.compression else ""
    return ImageError(
        translatable(
            "This {} {}{} has {}: black and white are unknown. Save the image with 8 bits "
            "a channel, or 16 bits unsigned."
        ).format(sample_type(raster.dtype), name, packed, what)
    )


def _number(value: float) -> str:
    return f"{value:.0f}" if float(value).is_integer() else f"{value:.4g}"
