"""How a cell image is varied before the classifier sees it.

The paper's steps (rescale, shear, zoom, horizontal flip after Keras' ImageDataGenerator) and those
that a smear needs: any rotation, another stain, light, focus, noise, compression. Each can be
switched off.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import cv2
import numpy as np

from models.classifier.cell_views import BLACK, Window
from training.synthesis.stain import optical_density, random_stain, restain, transmitted, vary_field

_SHRINK_FROM = 1.5


@dataclass(frozen=True)
class Augmentation:
    """Strengths, 0 switches one off: angles in degrees, shear and zoom as fractions, the others as
    probabilities that an image is flipped, restained, varied in light and focus, made grey, or
    compressed.
    """

    rotate: float = 180.0
    flip: float = 0.5
    shear: float = 0.06
    zoom: float = 0.06
    restain: float = 1.0
    vary: float = 0.9
    grey: float = 0.3
    compress: float = 0.3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare one option per strength."""
    group = parser.add_argument_group("augmentation (0 switches one off)")
    for name, value in vars(Augmentation()).items():
        group.add_argument(f"--{name}", type=float, default=value, help="(%(default)s)")


def from_arguments(args: argparse.Namespace) -> Augmentation:
    """Collect the strengths from parsed options."""
    return Augmentation(**{name: getattr(args, name) for name in vars(Augmentation())})


def random_view(
    bgr: np.ndarray,
    window: Window,
    size: int,
    rng: np.random.Generator,
    strength: Augmentation,
    border: int = cv2.BORDER_REFLECT_101,
) -> np.ndarray:
    """Cut `window` out of a uint8 image, turned, sheared, zoomed, flipped: uint8 (size, size, 3).

    What lies outside the image is filled by OpenCV's `border` rule.
    """
    part, window = _near(bgr, window, size)
    change = _shape_change(rng, strength) * (window.side / size)
    centre = np.array((window.x, window.y)) - change @ np.full(2, (size - 1) / 2)
    matrix = np.column_stack((change, centre)).astype(np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(part, matrix, (size, size), flags=flags, borderMode=border)


def restain_on_black(bgr: np.ndarray, rng: np.random.Generator, share: float) -> np.ndarray:
    """Give the cut-out cell on black another stain in a `share` of calls, uint8 as given."""
    inside = bgr.max(axis=2) > BLACK
    if rng.random() >= share or not inside.any():
        return bgr
    density = optical_density(bgr)
    stained = transmitted(restain(density, inside, random_stain(rng)), np.float32(256.0)) - 1
    return np.where(inside[..., None], np.clip(stained, 0, 255), 0).astype(np.uint8)


def vary(bgr: np.ndarray, rng: np.random.Generator, strength: Augmentation) -> np.ndarray:
    """Vary colour, light, focus, noise and compression of a uint8 image, or take its colour."""
    if rng.random() < strength.vary:
        bgr = vary_field(bgr, rng)
    if rng.random() < strength.grey:
        bgr = cv2.cvtColor(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    if rng.random() < strength.compress:
        quality = int(rng.integers(40, 95))
        _, data = cv2.imencode(".jpg", bgr, (cv2.IMWRITE_JPEG_QUALITY, quality))
        bgr = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return bgr


def _near(bgr: np.ndarray, window: Window, size: int) -> tuple[np.ndarray, Window]:
    """Cut the surroundings out, and shrink by area where sampling alone would alias."""
    reach = int(window.side) + 2
    left, top = max(0, int(window.x) - reach), max(0, int(window.y) - reach)
    part = bgr[top : int(window.y) + reach, left : int(window.x) + reach]
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
