"""A decoded picture of any format to upright 8-bit sRGB: the one way to pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.translatable import translatable
from imaging.decoding.color import (
    ToSrgb,
    cmyk_to_rgb,
    gray_to_rgb,
    profile_to_srgb,
    srgb_curve,
)
from imaging.decoding.ranges import (
    STRIP,
    Range,
    alpha_range,
    described,
    find_range,
    sample_type,
)
from imaging.decoding.raster import Alpha, ColorModel, Raster, Samples

TRANSPARENT = translatable("Transparent parts were made black.")
CMYK_CONVERTED = translatable("CMYK colours were converted to RGB.")
LINEAR = translatable("Linear light was converted to sRGB.")
GAMMA = translatable("The stated gamma was converted to sRGB's.")

Rgb = NDArray[np.uint8]

_TURNED: dict[int, Callable[[Rgb], Rgb]] = {
    2: lambda rgb: rgb[:, ::-1],
    3: lambda rgb: rgb[::-1, ::-1],
    4: lambda rgb: rgb[::-1],
    5: lambda rgb: rgb.transpose(1, 0, 2),
    6: lambda rgb: np.rot90(rgb, -1),
    7: lambda rgb: rgb[::-1, ::-1].transpose(1, 0, 2),
    8: lambda rgb: np.rot90(rgb),
}


@dataclass(frozen=True)
class Reading:
    """How the values of a file became pixels.

    Attributes:
        samples: Type of the file's samples, as in "signed 16-bit".
        low: Value that became black (white, where zero is white).
        high: The other end.
        bits: Bits that hold these values; None for floating point and odd limits.
        stated: Whether the file says so; else its brightest pixel told.
        compression: Of the file; empty where it goes without saying.
    """

    samples: str
    low: float
    high: float
    bits: int | None
    stated: bool
    compression: str

    def to_dict(self) -> dict[str, Any]:
        """Serialise to values that JSON takes."""
        return asdict(self)


def render(raster: Raster) -> tuple[Rgb, Reading, tuple[str, ...]]:
    """Convert a decoded picture.

    Returns:
        uint8 (h, w, 3), upright sRGB; how its values were read; what was converted, a sentence
        each.

    Raises:
        ImageError: If black and white are unknown, or if nothing is visible.
    """
    found = find_range(raster)
    line = described(raster, found)
    notes = [line] if line else []
    notes += raster.notes
    colors, said = _colors(raster, found)
    notes += said
    out = np.empty((raster.height, raster.width, 3), np.uint8)
    if _convert(raster, found, colors, out):
        notes.append(TRANSPARENT)
    reading = Reading(
        sample_type(raster.dtype),
        float(found.low),
        float(found.high),
        found.bits,
        found.stated,
        raster.compression,
    )
    upright = _TURNED.get(raster.orientation, lambda rgb: rgb)(out)
    return np.ascontiguousarray(upright), reading, tuple(notes)


def _colors(raster: Raster, found: Range) -> tuple[Callable[[Samples], Rgb], list[str]]:
    """Make the conversion of colour samples, and what to say of it."""
    convert, note = (None, None)
    if raster.profile:
        convert, note = profile_to_srgb(raster.profile, raster.model)
    gamma = None if convert else raster.gamma
    scale = _scaling(raster, found, np.dtype(np.uint16) if convert else np.dtype(np.uint8), gamma)
    notes = [note] if note else []
    if gamma is not None:
        notes.append(LINEAR if gamma == 1 else GAMMA)
    if convert is None and raster.model is ColorModel.CMYK:
        notes.append(CMYK_CONVERTED)
    return _chain(raster.model, scale, convert), notes


def _chain(
    model: ColorModel, scale: Callable[[Samples], Samples], convert: ToSrgb | None
) -> Callable[[Samples], Rgb]:
    if convert is not None:
        return lambda values: convert(scale(values))
    if model is ColorModel.CMYK:
        return lambda values: cmyk_to_rgb(scale(values))
    return lambda values: gray_to_rgb(scale(values))


def _scaling(
    raster: Raster, found: Range, wanted: np.dtype[Any], gamma: float | None
) -> Callable[[Samples], Samples]:
    """Make the mapping of file values to the whole of uint8 or uint16."""
    plain = (found.low, found.high) == (0, 255) and not raster.white_is_zero and gamma is None
    if raster.dtype == np.uint8 and plain:
        return lambda values: values
    top = np.iinfo(wanted).max

    def scale(values: Samples) -> Samples:
        share = (values.astype(np.float64) - found.low) / (found.high - found.low)
        share = np.clip(1 - share if raster.white_is_zero else share, 0, 1)
        light = share if gamma is None else srgb_curve(share**gamma)
        return np.floor(light * top + 0.5).astype(wanted)

    if raster.dtype.kind == "f" or raster.dtype.itemsize > 2:
        return scale
    # Each value once, instead of each pixel; negative ones count from the end.
    limits = np.iinfo(raster.dtype)
    values = np.arange(limits.max + 1)
    table = scale(np.concatenate([values, np.arange(limits.min, 0)]))
    return lambda samples: table[samples]


def _convert(raster: Raster, found: Range, colors: Callable[[Samples], Rgb], out: Rgb) -> bool:
    """Fill `out` strip by strip; tell whether any part is transparent."""
    opaque = None if raster.alpha is Alpha.NONE else alpha_range(raster, found)
    transparent = False
    for top in range(0, raster.height, STRIP):
        end = min(raster.height, top + STRIP)
        values = raster.rows(top, end)
        if opaque is None:
            out[top:end] = colors(values[..., : raster.colors])
            continue
        share = np.clip(values[..., raster.colors :].astype(np.float32) / np.float32(opaque), 0, 1)
        transparent |= bool((share < 1).any())
        out[top:end] = _on_black(raster, colors, values[..., : raster.colors], share)
    return transparent


def _on_black(
    raster: Raster,
    colors: Callable[[Samples], Rgb],
    values: Samples,
    share: NDArray[np.float32],
) -> Rgb:
    if raster.alpha is Alpha.PREMULTIPLIED:
        # Curves and profiles are for the colours themselves.
        pure = values / np.maximum(share, np.float32(1 / 65535))
        pure = np.minimum(pure, _largest(raster))
        values = pure if raster.dtype.kind == "f" else np.floor(pure + 0.5)
        values = values.astype(raster.dtype)
    return np.floor(colors(values) * share + np.float32(0.5)).astype(np.uint8)


def _largest(raster: Raster) -> float:
    return float(np.inf if raster.dtype.kind == "f" else np.iinfo(raster.dtype).max)
