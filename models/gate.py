"""Is this usable? What is asked of a cell image before the classifier answers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.cells import BLACK
from models.images import RgbImage, centre_square, resize

MIN_CELL_SIDE = 32
WORKING_SIDE = 128
MIN_CONTRAST = 4.0
"""Standard deviation of grey levels (0..255) under which an image shows nothing."""

MIN_COLOUR = 3.0
"""Mean spread between a pixel's channels (0..255) under which an image is grey."""

MIN_NUCLEUS_SHARE = 0.01
"""Smallest share of the image that a stained nucleus fills: less than real cells show, more than
red cells do (tests/models/test_gate.py; rates of real cells in docs/validation.md)."""


def reason_not_usable(rgb: RgbImage) -> str | None:
    """Tell in a sentence why uint8 RGB pixels are no readable cell image, or None if they are."""
    height, width = rgb.shape[:2]
    if min(height, width) < MIN_CELL_SIDE:
        return (
            f"The image is only {width} × {height} pixels. Crop the cell from a larger original: "
            f"at least {MIN_CELL_SIDE} pixels a side."
        )
    pixels = resize(centre_square(rgb), WORKING_SIDE, WORKING_SIDE)
    return _reason_from_light(pixels) or _reason_from_stain(pixels)


def nucleus_share(rgb: RgbImage) -> float:
    """Share (0..1) of a uint8 RGB image that its largest stained nucleus fills.

    Romanowsky-stained chromatin absorbs green and red light but lets blue pass (optical density
    after Beer and Lambert, against the image's own background); red cells absorb blue as well.
    """
    foreground = rgb.max(axis=2) > BLACK
    density = _optical_density(rgb, foreground)
    red, green, blue = np.moveaxis(density, 2, 0)
    stained = foreground & (green > 0.25) & (red > 0.12) & (blue < 0.75 * green)
    regions, count = ndimage.label(ndimage.binary_opening(stained, iterations=2))
    return float(np.bincount(regions.ravel())[1:].max() / regions.size) if count else 0.0


def _reason_from_light(pixels: RgbImage) -> str | None:
    grey = pixels.mean(axis=2)
    if grey.std() < MIN_CONTRAST:
        return "The image is blank. Choose one that shows a single stained white cell."
    if np.quantile(grey, 0.01) > 245:
        return "The image is over-exposed. Take it again with less light."
    if np.quantile(grey, 0.99) < 40:
        return "The image is too dark. Take it again with more light."
    return None


def _reason_from_stain(pixels: RgbImage) -> str | None:
    if np.ptp(pixels, axis=2).mean() < MIN_COLOUR:
        return "The image has no colour. The stain's colours are needed: take it in colour."
    if nucleus_share(pixels) < MIN_NUCLEUS_SHARE:
        return (
            "No stained nucleus was found, so this does not look like a white cell. Use a sharp "
            "crop of one cell from a Romanowsky-stained smear; for a whole field use Detect."
        )
    return None


def _optical_density(rgb: RgbImage, foreground: NDArray[np.bool_]) -> NDArray[np.float32]:
    pixels = rgb.astype(np.float32) + 1
    return -np.log10(pixels / (_background(rgb, foreground) + 1))


def _background(rgb: RgbImage, foreground: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Colour of the empty slide: the brightest of the image, or a usual one for cut-out cells."""
    if foreground.mean() < 0.8:
        return np.array([235, 225, 235], np.float32)
    brightest = np.percentile(rgb[foreground], 95, axis=0)
    return np.maximum(brightest, 60).astype(np.float32)
