"""SHAP values as a picture that explains itself: the cell, its regions, a scale, what it is not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from imaging.images import RgbImage, encode_png
from models.explanation.attribution import EVALUATIONS, ShapValues, overlay
from services.analyses.annotation import INK, NOTICE, PAPER

PANEL = 480
"""Side in pixels of each of the two pictures."""

MARGIN = 24
FONT, STEP = 17, 26
SCALE_HEIGHT = 18

LEAST_LIMIT = 0.1
"""Percentage points for 1% of the picture at which a region has its full colour at the least: where
nothing adds anything, rounding must not look like a finding."""

WHAT_IT_IS = "Where the network’s answer comes from, not where disease is."


def shap_picture(rgb: RgbImage, shap: ShapValues, version: str) -> bytes:
    """Draw a square uint8 RGB window beside its SHAP values; return a PNG."""
    density = points_per_percent_of_area(shap.values)
    limit = max(float(np.abs(density).max()), LEAST_LIMIT)
    lines = _lines(shap, version)
    below = PANEL + 2 * MARGIN
    height = round(below + 2.5 * STEP + len(lines) * STEP + MARGIN)
    picture = Image.new("RGB", (2 * PANEL + 3 * MARGIN, height), PAPER)
    picture.paste(_panel(rgb, Image.Resampling.BICUBIC), (MARGIN, MARGIN))
    regions = overlay(rgb, density, limit)
    picture.paste(_panel(regions, Image.Resampling.NEAREST), (PANEL + 2 * MARGIN, MARGIN))
    _draw_scale(picture, below, limit)
    _draw_lines(picture, below + round(2.5 * STEP), lines)
    return encode_png(np.asarray(picture))


def points_per_percent_of_area(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """SHAP values of pixels, in probability, as percentage points for each 1% of the picture.

    So a large region is not coloured more strongly than a small one that adds as much for its size.
    """
    return values * values.size


def _panel(rgb: RgbImage, resampling: Image.Resampling) -> Image.Image:
    return Image.fromarray(rgb).resize((PANEL, PANEL), resampling)


def _lines(shap: ShapValues, version: str) -> list[str]:
    difference = 100 * (shap.probability - shap.base)
    return [
        f"Probability of ALL blast: {shap.probability:.1%} of the cell as it is, {shap.base:.1%} "
        f"when it is blurred all over.",
        f"The regions on the right share the difference of {difference:+.1f} percentage points.",
        WHAT_IT_IS,
        f"SHAP, partition explainer, {EVALUATIONS} masked images. Classifier {version}. {NOTICE}",
    ]


def _draw_scale(picture: Image.Image, top: int, limit: float) -> None:
    """From what speaks for normal to what speaks for a blast, and what the ends stand for."""
    width = picture.width - 2 * MARGIN
    ramp = np.broadcast_to(np.linspace(-1, 1, width), (SCALE_HEIGHT, width))
    picture.paste(Image.fromarray(overlay(_white(ramp.shape), ramp, 1)), (MARGIN, top))
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(FONT)
    middle, under = picture.width / 2, top + SCALE_HEIGHT + STEP / 2
    pen.text((MARGIN, under), f"-{limit:.2g} for normal", INK, font, "lm")
    unit = "0: percentage points for each 1% of the picture"
    pen.text((middle, under), unit, INK, font, "mm")
    pen.text((picture.width - MARGIN, under), f"for ALL blast +{limit:.2g}", INK, font, "rm")


def _white(shape: tuple[int, ...]) -> RgbImage:
    return np.full((*shape, 3), 255, np.uint8)


def _draw_lines(picture: Image.Image, top: int, lines: list[str]) -> None:
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(FONT)
    for number, line in enumerate(lines):
        pen.text((MARGIN, top + (number + 0.5) * STEP), line, INK, font, "lm")
