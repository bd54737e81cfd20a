"""Why an answer: what each place of a cell image adds to it, and that as a picture.

The activation map comes with the network's answer (class activation mapping, Zhou et al. 2016).
SHAP values (Lundberg and Lee 2017) ask the classifier again and again, parts of the image hidden.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from imaging.images import RgbImage, resize
from models.explanation.owen import owen_values

Colour = tuple[int, int, int]

FOR_BLAST: Colour = (213, 94, 0)
FOR_NORMAL: Colour = (0, 114, 178)
"""Vermilion and blue of Okabe and Ito: told apart with any kind of colour vision."""

ZERO = 127


def _palette() -> NDArray[np.uint8]:
    colours = np.repeat([FOR_NORMAL, FOR_BLAST], [ZERO, ZERO + 1], axis=0)
    alpha = np.rint(255 * np.abs(np.arange(-ZERO, ZERO + 1)) / ZERO)
    return np.column_stack([colours, alpha]).astype(np.uint8)


PALETTE = _palette()
"""RGBA, uint8 (255, 4), from what speaks for normal, opaque, over transparent to a blast."""

MAP_LIMIT = 4.0
"""Log-odds at which a place of the activation map has its full colour. The same for every image, so
that pictures can be compared; the strongest places of C-NMC cells lie between 1 and 9."""

EVALUATIONS = 300
"""Masked images that one explanation asks about: enough for some 150 regions."""

BATCH = 10
BLURRED_SHARE = 1 / 8
"""Radius of the blur that hides a region, as a share of the image's side."""

Classify = Callable[[list[RgbImage]], NDArray[np.float64]]
"""P(ALL blast) in 0..1 of each uint8 RGB image."""


@dataclass(frozen=True)
class ShapValues:
    """What each pixel adds to P(ALL blast).

    Attributes:
        values: float64 (h, w), in probability.
        base: P(ALL blast) of the image blurred all over.
        probability: Of the image: `base` plus all values.
    """

    values: NDArray[np.float64]
    base: float
    probability: float


def shap_values(
    classify: Classify,
    rgb: RgbImage,
    progress: Callable[[int, int], None],
    evaluations: int = EVALUATIONS,
) -> ShapValues:
    """Divide P(ALL blast) of an image among its regions.

    SHAP values of a partition of the image (`models.explanation.owen`); hidden regions are blurred.

    Args:
        classify: P(ALL blast) of each image.
        rgb: uint8 (h, w, 3) RGB.
        progress: Hears how many masked images were asked about, before each batch; what it raises
            ends the work.
        evaluations: About how many masked images are asked about.
    """
    asked = 0

    def ask(batch: list[RgbImage]) -> NDArray[np.float64]:
        nonlocal asked
        progress(min(asked, evaluations), evaluations)
        asked += len(batch)
        return classify(batch)

    values, base = owen_values(ask, rgb, blurred(rgb), evaluations, BATCH)
    return ShapValues(values, base, base + float(values.sum()))


def blurred(rgb: RgbImage) -> RgbImage:
    """Blur uint8 (h, w, 3) RGB until a cell has no details left."""
    radius = BLURRED_SHARE * min(rgb.shape[:2])
    return np.asarray(Image.fromarray(rgb).filter(ImageFilter.BoxBlur(radius)))


def enlarged(values: NDArray[Any], side: int) -> NDArray[np.float32]:
    """Enlarge a map (height, width) smoothly to float32 (side, side)."""
    image = Image.fromarray(np.asarray(values, np.float32))
    return np.asarray(image.resize((side, side), Image.Resampling.BICUBIC))


def levels(values: NDArray[Any], limit: float) -> NDArray[np.uint8]:
    """Find places in `PALETTE` for a map (h, w), its ends from `limit` on."""
    return np.rint(ZERO + ZERO * np.clip(np.asarray(values) / limit, -1, 1)).astype(np.uint8)


def map_png(values: NDArray[Any], limit: float) -> bytes:
    """Encode a map (h, w) as PNG to be laid over an image.

    By palette: a quarter of the bytes of RGBA to compress, in a fifth of the time.
    """
    picture = Image.fromarray(levels(values, limit))
    picture.putpalette(PALETTE[:, :3].tobytes())
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1, transparency=PALETTE[:, 3].tobytes())
    return buffer.getvalue()


def overlay(rgb: RgbImage, values: NDArray[Any], limit: float) -> RgbImage:
    """Lay a coloured map (h, w) over the grey of an image, uint8 (h, w, 3)."""
    grey = Image.fromarray(rgb).convert("L").convert("RGBA")
    laid = Image.alpha_composite(grey, Image.fromarray(PALETTE[levels(values, limit)]))
    return np.asarray(laid.convert("RGB"))


def shown_window(rgb: RgbImage, side: int) -> RgbImage:
    """Shrink a square window, uint8 RGB, to at most `side` pixels."""
    side = min(side, len(rgb))
    return resize(rgb, side, side)
