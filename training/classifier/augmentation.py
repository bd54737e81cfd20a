"""Random variation of cell images for the classifier.

The paper's steps (rescale, shear, zoom, horizontal flip after Keras' ImageDataGenerator) and those
that a smear needs: any rotation, another stain, light, focus, noise, compression. Each can be
switched off.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from models.classifier.cell_views import BLACK, Window
from training.commands import option
from training.images import decode, encode_jpeg
from training.synthesis.stain import optical_density, random_stain, restain, transmitted, vary_field

_SHRINK_FROM = 1.5


@dataclass(frozen=True)
class Augmentation:
    """How much images are varied; 0 switches a variation off."""

    rotate: float = option(180.0, "by up to so many degrees")
    flip: float = option(0.5, "probability of each axis")
    shear: float = option(0.06, "by up to this share")
    zoom: float = option(0.06, "logarithm of the factor, at most")
    restain: float = option(1.0, "probability of another stain, on black")
    vary: float = option(0.9, "probability of another light and focus")
    grey: float = option(0.3, "probability of an image without colour")
    compress: float = option(0.3, "probability of a compressed image")


def random_view(
    bgr: np.ndarray,
    window: Window,
    size: int,
    rng: np.random.Generator,
    strength: Augmentation,
    border: int = cv2.BORDER_REFLECT_101,
) -> np.ndarray:
    """Cut a window out of an image, turned, sheared, zoomed and flipped.

    Args:
        bgr: uint8 (H, W, 3), BGR.
        window: What to show.
        size: Side of the result in pixels.
        rng: Draws the variation.
        strength: How much it varies.
        border: OpenCV's rule for what lies outside the image.

    Returns:
        uint8 (size, size, 3), BGR.
    """
    part, window = _surroundings(bgr, window, size)
    change = _shape_change(rng, strength) * (window.side / size)
    centre = np.array((window.x, window.y)) - change @ np.full(2, (size - 1) / 2)
    matrix = np.column_stack((change, centre)).astype(np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(part, matrix, (size, size), flags=flags, borderMode=border)


def restain_on_black(bgr: np.ndarray, rng: np.random.Generator, share: float) -> np.ndarray:
    """Restain a cut-out cell on black (uint8 BGR) in a share of calls."""
    inside = bgr.max(axis=2) > BLACK
    if rng.random() >= share or not inside.any():
        return bgr
    density = optical_density(bgr)
    stained = transmitted(restain(density, inside, random_stain(rng)), np.float32(256.0)) - 1
    return np.where(inside[..., None], np.clip(stained, 0, 255), 0).astype(np.uint8)


def vary(bgr: np.ndarray, rng: np.random.Generator, strength: Augmentation) -> np.ndarray:
    """Vary colour, light, focus, noise and compression of a uint8 BGR image."""
    if rng.random() < strength.vary:
        bgr = vary_field(bgr, rng)
    if rng.random() < strength.grey:
        bgr = cv2.cvtColor(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    if rng.random() < strength.compress:
        quality = int(rng.integers(40, 95))
        bgr = decode(encode_jpeg(bgr, quality))
    return bgr


def _surroundings(bgr: np.ndarray, window: Window, size: int) -> tuple[np.ndarray, Window]:
    """Cut a window's surroundings out, shrunk by area where sampling would alias."""
    margin = int(window.side) + 2
    left, top = max(0, int(window.x) - margin), max(0, int(window.y) - margin)
    part = bgr[top : int(window.y) + margin, left : int(window.x) + margin]
    scale = min(1.0, _SHRINK_FROM * size / window.side)
    moved = Window((window.x - left) * scale, (window.y - top) * scale, window.side * scale)
    if scale == 1.0:
        return part, moved
    return cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), moved


def _shape_change(rng: np.random.Generator, strength: Augmentation) -> np.ndarray:
    """Return a 2x2 matrix: rotation, shear, zoom and flips."""
    angle = np.radians(rng.uniform(-strength.rotate, strength.rotate))
    turn = np.array(((np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))))
    shear = np.array(((1, rng.uniform(-strength.shear, strength.shear)), (0, 1)))
    zoom = np.exp(rng.uniform(-strength.zoom, strength.zoom))
    flips = np.diag(np.where(rng.random(2) < strength.flip, -1.0, 1.0))
    return turn @ shear @ flips * zoom
