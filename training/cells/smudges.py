"""Smudge cells made of intact ones: no set for training has any.

A smudge is what is left of a cell that burst when the smear was made: bare chromatin, pale, spread
and drawn out, without cytoplasm and without a rim.
"""

from __future__ import annotations

import cv2
import numpy as np

from training.cells.augment import CNMC_PLASMA, density_of, plasma_of, transmitted, without_cell

_SPREAD = 1.0, 1.8
_PALER = 0.25, 0.7
_PINKER = 0.35, 1.0
_WARP = 0.05, 0.16
_DRAWN_OUT = 0.0, 0.3
_SOFT = 0.006, 0.02
"""Ranges: growth of the nucleus in width, its density and that of red light, and shifts, streaks
and blur in sides."""

_WIDTH = 0.45
"""Of a cell before it bursts, in sides."""

_STRANDS = 0.45
_NUCLEUS_SHARE = 0.55
_GREATEST_TURN = 360


def smudge(
    cell: np.ndarray,
    mask: np.ndarray,
    background: np.ndarray,
    rng: np.random.Generator,
    *,
    on_black: bool,
) -> np.ndarray:
    """Burst a cell on a background, whose own cell is removed first.

    Args:
        cell: A cell's picture, uint8 BGR, square.
        mask: Where the cell is in it, boolean.
        background: uint8 BGR, square, without a cell in its middle.
        rng: Draws the form.
        on_black: The cell was stored on black, so its plasma is not in its picture.

    Returns:
        A picture of the background's size, uint8 BGR.
    """
    size = background.shape[0]
    plasma = CNMC_PLASMA if on_black else plasma_of(cell, mask)
    chromatin = _spread(_chromatin(cell, mask, plasma), mask, size, rng)
    chromatin = _draw_out(_warp(chromatin, rng), rng)
    soft = cv2.GaussianBlur(chromatin, (0, 0), size * rng.uniform(*_SOFT))
    uneven = np.clip(1 + _STRANDS * _strands(size, rng), 0.2, 2)[..., None]
    soft[..., 2] *= rng.uniform(*_PINKER)
    density = density_of(background) + soft * rng.uniform(*_PALER) * uneven
    return np.clip(transmitted(density), 0, 255).astype(np.uint8)


def emptied(background: np.ndarray, covered: np.ndarray) -> np.ndarray:
    """Return a background with its own cell removed, uint8 BGR."""
    return np.clip(without_cell(background, covered), 0, 255).astype(np.uint8)


def _strands(size: int, rng: np.random.Generator) -> np.ndarray:
    """Return fine noise of mean 0 and deviation 1 before it is drawn out, float32."""
    noise = cv2.GaussianBlur(rng.normal(0, 1, (size, size)), (0, 0), size * rng.uniform(0.01, 0.03))
    return _draw_out((noise / noise.std()).astype(np.float32), rng)


def _chromatin(cell: np.ndarray, mask: np.ndarray, plasma: np.ndarray) -> np.ndarray:
    """Return the optical density of the nucleus over its plasma, 0 elsewhere: float32 (h, w, 3)."""
    density = np.maximum(density_of(cell) - density_of(plasma), 0)
    depth = density.sum(axis=2)
    inside = depth[mask]
    if not inside.size:
        return np.zeros_like(density)
    nucleus = mask & (depth >= np.quantile(inside, 1 - _NUCLEUS_SHARE))
    soft = cv2.GaussianBlur(nucleus.astype(np.float32), (0, 0), max(cell.shape[0] * 0.01, 0.8))
    return density * soft[..., None]


def _spread(
    density: np.ndarray, mask: np.ndarray, size: int, rng: np.random.Generator
) -> np.ndarray:
    """Move the cell to the middle, turn it, and stretch it unevenly to half of the side."""
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    scale = _WIDTH * size / max(width, height, 1) * rng.uniform(*_SPREAD)
    longer = np.exp(rng.normal(0, 0.25))
    turn, back = np.deg2rad(rng.uniform(0, _GREATEST_TURN, 2))
    matrix = _rotation(back) @ np.diag((scale * longer, scale / longer)) @ _rotation(turn)
    shift = size / 2 - matrix @ np.array((x + width / 2, y + height / 2))
    return cv2.warpAffine(density, np.column_stack((matrix, shift)), (size, size))


def _rotation(angle: float) -> np.ndarray:
    return np.array(((np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))))


def _warp(density: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Shift places by smooth noise of two scales."""
    size = density.shape[0]
    y, x = np.mgrid[:size, :size].astype(np.float32)
    for sigma, share in ((0.12, 1.0), (0.04, 0.4)):
        strength = share * size * rng.uniform(*_WARP)
        for axis in (x, y):
            noise = cv2.GaussianBlur(rng.normal(0, 1, (size, size)), (0, 0), sigma * size)
            axis += (strength * noise / (np.abs(noise).max() + 1e-6)).astype(np.float32)
    return cv2.remap(density, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _draw_out(density: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Blur along a line, as the smear was drawn."""
    size = density.shape[0]
    length = max(3, int(size * rng.uniform(*_DRAWN_OUT)) | 1)
    line = np.zeros((length, length), np.float32)
    line[length // 2] = np.hanning(length + 2)[1:-1]
    middle = (length - 1) / 2, (length - 1) / 2
    turned = cv2.warpAffine(
        line, cv2.getRotationMatrix2D(middle, rng.uniform(0, 180), 1), (length, length)
    )
    even = np.asarray(turned / max(float(turned.sum()), 1e-6), np.float32)
    return cv2.filter2D(density, -1, even)
