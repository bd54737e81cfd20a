"""Embedded profiles, linear light, CMYK and transparency to sRGB on black."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from core.translatable import translatable
from imaging.decoding.raster import ColorModel

PROFILE_APPLIED = translatable("Colours were converted to sRGB by the embedded profile.")
PROFILE_DAMAGED = translatable("The embedded colour profile is damaged and was left out.")
PROFILE_OF_OTHERS = translatable(
    "The embedded colour profile is for another kind of colours and was left out."
)

_SPACES = {b"GRAY": ColorModel.GREY, b"RGB ": ColorModel.RGB, b"CMYK": ColorModel.CMYK}
_WORDS = {ColorModel.GREY: "gray", ColorModel.RGB: "rgb", ColorModel.CMYK: "cmyk"}
_PERCEPTUAL = 0
_D65 = (0.3127, 0.3290)
_SRGB_PRIMARIES = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
_SAME = 0.01
"""Programs round what they state."""

Pixels = NDArray[Any]
ToSrgb = Callable[[Pixels], Pixels]
"""uint8 or uint16 (rows, width, colours) to uint8 (rows, width, 3)."""


def profile_to_srgb(profile: bytes, model: ColorModel) -> tuple[ToSrgb | None, str | None]:
    """Make the conversion that an embedded profile asks for.

    Returns:
        The conversion, None where nothing is to be done, and what to say of it.
    """
    space = _SPACES.get(profile[16:20])
    if space is None or (
        space is not model and (space, model) != (ColorModel.RGB, ColorModel.GREY)
    ):
        return None, PROFILE_OF_OTHERS if profile[36:40] == b"acsp" else PROFILE_DAMAGED

    def convert(pixels: Pixels) -> Pixels:
        wanted = gray_to_rgb(pixels) if space is not model else pixels
        return _transform(wanted, profile, space)

    lattice = _lattice(model)
    try:
        changed = convert(lattice)
    except (imagecodecs.CmsError, ValueError):
        return None, PROFILE_DAMAGED
    if model is not ColorModel.CMYK and _alike(changed, gray_to_rgb(lattice)):
        return None, None
    return convert, PROFILE_APPLIED


def gray_to_rgb(pixels: Pixels) -> Pixels:
    """Repeat a single channel three times; three or more stay."""
    return np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels


def cmyk_to_rgb(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Mix inks as if they were ideal: what programs do without a profile."""
    inks = 255 - pixels.astype(np.uint16)
    return ((inks[..., :3] * inks[..., 3:] + 127) // 255).astype(np.uint8)


def srgb_curve(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    """Encode linear light in 0..1 as sRGB in 0..1 (IEC 61966-2-1)."""
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


@cache
def srgb_profile() -> bytes:
    """Return a profile of sRGB."""
    return imagecodecs.cms_profile("srgb")


@cache
def adobe_rgb_profile() -> bytes:
    """Return a profile of Adobe RGB (1998), which cameras mark without embedding it."""
    return imagecodecs.cms_profile("adobergb")


@cache
def wide_profile(name: str) -> bytes:
    """Return a profile of wide primaries with sRGB's curve; `name` is "P3" or "BT.2020"."""
    primaries = {
        "P3": (0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
        "BT.2020": (0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    }[name]
    return _profile_of(_D65, primaries, None)


def primaries_profile(
    white: Sequence[float], primaries: Sequence[float], gamma: float | None
) -> bytes | None:
    """Return a profile of the primaries that a file states in place of one.

    Args:
        white: x and y of white; D65 where they are not stated.
        primaries: x and y of red, green and blue.
        gamma: Exponent that makes linear light; None for sRGB's curve.

    Returns:
        None where they are not stated, make no sense or are sRGB's.
    """
    white = white if len(white) == 2 else _D65
    if len(primaries) != 6 or min(*white, *primaries) < 0 or white[1] <= 0:
        return None
    if np.abs(np.subtract((*white, *primaries), (*_D65, *_SRGB_PRIMARIES))).max() < _SAME:
        return None
    try:
        return _profile_of(white, primaries, gamma)
    except (imagecodecs.CmsError, ValueError):
        return None


def _profile_of(white: Sequence[float], primaries: Sequence[float], gamma: float | None) -> bytes:
    encoded = np.linspace(0, 1, 4096)
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    linear = linear if gamma is None else encoded**gamma
    return imagecodecs.cms_profile(
        "rgb",
        whitepoint=[*white, 1.0],
        primaries=[*primaries[:2], 1, *primaries[2:4], 1, *primaries[4:], 1],
        transferfunction=(linear * 65535).round().astype(np.uint16),
    )


def _transform(pixels: Pixels, profile: bytes, space: ColorModel) -> Pixels:
    # The short cuts of Little CMS are exact for 8 bits, and up to 20 levels off for 16.
    flags = imagecodecs.CMS.FLAGS.NOOPTIMIZE if pixels.dtype == np.uint16 else None
    return imagecodecs.cms_transform(
        np.ascontiguousarray(pixels if space is not ColorModel.GREY else pixels[..., 0]),
        profile,
        srgb_profile(),
        colorspace=_WORDS[space],
        outcolorspace="rgb",
        outdtype="u1",
        intent=_PERCEPTUAL,
        flags=flags,
    )


def _lattice(model: ColorModel) -> NDArray[np.uint8]:
    """Make colours from all over the gamut, (1, n, channels)."""
    if model is ColorModel.GREY:
        return np.arange(256, dtype=np.uint8).reshape(1, -1, 1)
    steps = np.linspace(0, 255, 9 if model is ColorModel.RGB else 4).round().astype(np.uint8)
    channels = 3 if model is ColorModel.RGB else 4
    return np.stack(np.meshgrid(*[steps] * channels), axis=-1).reshape(1, -1, channels)


def _alike(one: Pixels, other: Pixels) -> bool:
    return int(np.abs(one.astype(np.int16) - other).max()) <= 1
