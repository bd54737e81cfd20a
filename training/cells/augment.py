"""Random variation of a cell, and compositing on other backgrounds."""

from __future__ import annotations

import cv2
import numpy as np

from training.cells.pack import CONTEXT_FACTOR, SIZE
from training.images import decode, encode_jpeg

_GAIN, _COMMON, _OFFSET = 0.18, 0.15, 0.06
_GREY_SHARE = 0.3
_ZOOM = 0.92, 1.08
_BLUR_SHARE, _BLUR = 0.3, 1.0
_CONTEXT_ZOOM = 0.85, 1.15
_SHRINK_SHARE, _SHRINK = 0.5, (0.25, 0.9)
_JPEG_SHARE, _JPEG = 0.3, (50, 95)
_FEATHER = 1.2
_BRIGHTEST = 256.0
CNMC_PLASMA = np.array((107.0, 193.5, 160.4), np.float32)
"""Plasma (BGR) assumed round C-NMC's cells, of which nothing is stored: over it their median
density is the mean of LMU's blasts' and PBC's lymphocytes'. SN-AM, kept for checking, has no part.
"""


def vary_on_black(bgr: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Vary colour, place and focus of a cell on black, uint8 (SIZE, SIZE, 3)."""
    turned = turn(bgr, SIZE, _ZOOM, rng, cv2.BORDER_CONSTANT)
    inside = turned.max(axis=2) > 0
    stained = restain(turned, rng)
    return _soften(np.where(inside[..., None], stained, 0).astype(np.uint8), rng)


def vary_context(bgr: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Vary a cell with its surroundings: uint8, square, to (SIZE, SIZE, 3).

    Sharpness, resolution and compression are drawn at random too, so that they give no scanner
    away.
    """
    picture = restain(turn(bgr, SIZE, _CONTEXT_ZOOM, rng, cv2.BORDER_REFLECT_101), rng)
    if rng.random() < _SHRINK_SHARE:
        side = round(SIZE * rng.uniform(*_SHRINK))
        small = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
        picture = cv2.resize(small, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)
    picture = _soften(picture, rng)
    if rng.random() < _JPEG_SHARE:
        quality = int(rng.integers(*_JPEG))
        picture = decode(encode_jpeg(picture, quality))
    return picture


def composite(
    cell: np.ndarray,
    mask: np.ndarray,
    background: np.ndarray,
    covered: np.ndarray,
    *,
    on_black: bool,
) -> np.ndarray:
    """Composite a cell on another background, whose own cell is removed first.

    Args:
        cell: The cell's picture, uint8 BGR, square.
        mask: Where the cell is in it, boolean.
        background: Picture to composite it on, uint8, square.
        covered: Where the background has a cell of its own, boolean.
        on_black: The cell was stored on black, so its plasma is not in its picture.

    Returns:
        A picture of the background's size; its plasma keeps the background's colour.
    """
    field = without_cell(background, covered)
    plasma = CNMC_PLASMA if on_black else plasma_of(cell, mask)
    density = density_of(cell) - density_of(plasma) + density_of(plasma_of(field, covered))
    scaled, opacity = _to_middle(transmitted(density), mask, field.shape[0])
    blended = opacity * scaled + (1 - opacity) * field
    return np.clip(blended, 0, 255).astype(np.uint8)


def restain(bgr: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Scale and shift optical densities by channel; sometimes reduce the colour."""
    density = density_of(bgr)
    gain = np.exp(rng.normal(0, _COMMON) + rng.normal(0, _GAIN, 3))
    density = density * gain.astype(np.float32) + rng.normal(0, _OFFSET, 3).astype(np.float32)
    if rng.random() < _GREY_SHARE:
        share = np.float32(rng.uniform(0.3, 1))
        density += share * (density.mean(axis=2, keepdims=True) - density)
    return np.clip(transmitted(density), 0, 255).astype(np.uint8)


def turn(
    bgr: np.ndarray, size: int, zoom: tuple[float, float], rng: np.random.Generator, border: int
) -> np.ndarray:
    """Rotate, flip and scale the middle of a square picture.

    Args:
        bgr: uint8, square.
        size: Side of the result in pixels.
        zoom: Smallest and largest factor.
        rng: Draws the variation.
        border: OpenCV's rule for what lies outside the picture.
    """
    side = bgr.shape[0]
    matrix = cv2.getRotationMatrix2D(
        ((side - 1) / 2, (side - 1) / 2), rng.uniform(0, 360), rng.uniform(*zoom)
    )
    matrix[:, 2] += (size - side) / 2
    turned = cv2.warpAffine(bgr, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=border)
    return turned[:, ::-1].copy() if rng.random() < 0.5 else turned


def _soften(bgr: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if rng.random() >= _BLUR_SHARE:
        return bgr
    return cv2.GaussianBlur(bgr, (0, 0), rng.uniform(0.2, _BLUR))


def density_of(bgr: np.ndarray) -> np.ndarray:
    """Return the optical density of each value, float32."""
    return -np.log((bgr.astype(np.float32) + 1) / _BRIGHTEST)


def transmitted(density: np.ndarray) -> np.ndarray:
    """Return the values 0..255 of optical densities, float32, not clipped."""
    return _BRIGHTEST * np.exp(-density) - 1


def plasma_of(bgr: np.ndarray, covered: np.ndarray) -> np.ndarray:
    """Return the colour (3,) of what is brightest outside of the cell."""
    outside = bgr[~covered]
    if not len(outside):
        outside = bgr.reshape(-1, 3)
    bright = outside[:, 1] >= np.percentile(outside[:, 1], 75)
    return np.median(outside[bright], axis=0).astype(np.float32)


def without_cell(background: np.ndarray, covered: np.ndarray) -> np.ndarray:
    """Fill a background's own cell with its plasma, with a soft edge and its grain."""
    field = background.astype(np.float32)
    if not covered.any():
        return field
    grown = cv2.dilate(covered.astype(np.uint8), np.ones((9, 9), np.uint8)).astype(np.float32)
    soft = cv2.GaussianBlur(grown, (0, 0), 2)[..., None]
    return soft * plasma_of(background, covered) + (1 - soft) * field


def _to_middle(picture: np.ndarray, mask: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Scale a cell to the share of the side that a context gives its box, and feather it."""
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    longest = max(width, height, 1)
    scale = size / (CONTEXT_FACTOR * longest)
    shift = size / 2 - scale * np.array((x + width / 2, y + height / 2))
    matrix = np.array(((scale, 0, shift[0]), (0, scale, shift[1])), np.float32)
    moved = cv2.warpAffine(picture, matrix, (size, size), borderMode=cv2.BORDER_REFLECT_101)
    opacity = cv2.warpAffine(mask.astype(np.float32), matrix, (size, size))
    return moved, cv2.GaussianBlur(opacity, (0, 0), _FEATHER)[..., None]
