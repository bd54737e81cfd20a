"""Cytoplasm for nuclei cut out without it: an uneven rim, bays in the nucleus, vacuoles."""

import cv2
import numpy as np

from training.synthesis.patches import Patch, feathered

_BAY_SHARE, _VACUOLES_SHARE = 0.25, 0.2


def with_cytoplasm(
    patch: Patch, red_cell: float, width: float, stain: np.ndarray, rng: np.random.Generator
) -> Patch:
    """Add a rim of cytoplasm round a patch.

    Args:
        patch: A nucleus.
        red_cell: Diameter of the field's red cells in pixels.
        width: Mean width of the rim in red-cell diameters.
        stain: Optical density of the cytoplasm, (3,), BGR.
        rng: Draws the rim's shape, bays and vacuoles.
    """
    core = (patch.opacity > 0.5).astype(np.uint8)
    far = cv2.distanceTransform(1 - core, cv2.DIST_L2, 5)
    angle, side = _angles(core), rng.uniform(0, 2 * np.pi)
    rim = max(red_cell * width, 0.7) * _unevenness(angle, side, rng)
    nucleus = patch.opacity.copy()
    if rng.random() < _BAY_SHARE:
        nucleus *= 1 - _bay(core, patch.radius, side, rng)
    whole = feathered(far <= rim, red_cell * 0.02)
    depth = _grain(core.shape, red_cell, rng) * (1 + 0.35 * np.clip(far / (rim + 1), 0, 1))
    if rng.random() < _VACUOLES_SHARE:
        depth = depth * (1 - 0.8 * _vacuoles(whole, nucleus, red_cell, rng))
    pale = depth[..., None] * (stain * np.exp(rng.normal(0, 0.12))).astype(np.float32)
    density = nucleus[..., None] * patch.density + (1 - nucleus[..., None]) * pale
    return Patch(density.astype(np.float32), np.maximum(whole, patch.opacity))


def _angles(core: np.ndarray) -> np.ndarray:
    """Return each pixel's direction (radians) from the middle of a patch."""
    height, width = core.shape
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return np.arctan2(y - height / 2, x - width / 2)


def _unevenness(angle: np.ndarray, side: float, rng: np.random.Generator) -> np.ndarray:
    """Return the rim's relative width by direction, broad on one side (radians)."""
    waves = 1 + rng.uniform(0.2, 1.1) * np.cos(angle - side)
    for number in (2, 3, 5):
        waves += rng.normal(0, 0.5 / number) * np.cos(number * angle - rng.uniform(0, 2 * np.pi))
    return np.maximum(waves, 0)


def _bay(core: np.ndarray, radius: float, side: float, rng: np.random.Generator) -> np.ndarray:
    """Return a soft disc (0..1) at the nucleus' border, filled with cytoplasm."""
    depth = radius * rng.uniform(0.85, 1.1)
    middle = np.array(core.shape[::-1]) / 2 + depth * np.array((np.cos(side), np.sin(side)))
    axes = np.maximum(radius * rng.uniform(0.15, 0.4, 2), 1)
    bay = np.zeros(core.shape, np.float32)
    turn = float(rng.uniform(0, 180))
    cv2.ellipse(bay, middle.astype(int).tolist(), axes.astype(int).tolist(), turn, 0, 360, 1, -1)
    return cv2.GaussianBlur(bay, (0, 0), max(radius * 0.05, 0.5))


def _vacuoles(
    whole: np.ndarray, nucleus: np.ndarray, red_cell: float, rng: np.random.Generator
) -> np.ndarray:
    """Return soft holes (0..1) in the cytoplasm."""
    holes = np.zeros(whole.shape, np.float32)
    places = np.argwhere((whole > 0.9) & (nucleus < 0.3))
    for _ in range(int(rng.integers(1, 7)) if len(places) else 0):
        y, x = places[int(rng.integers(len(places)))].tolist()
        radius = max(red_cell * rng.uniform(0.02, 0.06), 0.8)
        cv2.circle(holes, (x, y), round(radius), 1, -1)
    return cv2.GaussianBlur(holes, (0, 0), max(red_cell * 0.01, 0.4))


def _grain(shape: tuple[int, ...], red_cell: float, rng: np.random.Generator) -> np.ndarray:
    """Return a fine uneven texture (H, W, float32) about 1."""
    noise = cv2.GaussianBlur(
        rng.normal(0, 1, shape).astype(np.float32), (0, 0), max(red_cell * 0.03, 0.7)
    )
    return np.clip(1 + 0.12 * noise / max(float(noise.std()), 1e-6), 0.5, 1.5)
