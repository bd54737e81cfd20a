"""Debris on a smear: platelets, and precipitated stain."""

import cv2
import numpy as np

from training.synthesis.backgrounds import Box
from training.synthesis.blending import blend, extent
from training.synthesis.patches import Patch, feathered


def scatter_platelets(
    density: np.ndarray, red_cell: float, stain: np.ndarray, rng: np.random.Generator
) -> list[Box]:
    """Blend some platelets into a density map in place; return their boxes."""
    boxes = []
    for _ in range(int(rng.integers(1, 10))):
        patch = _platelet(red_cell, stain, rng)
        centre = _anywhere(density, rng)
        blend(density, patch, centre)
        boxes.append(Box("platelet", *extent(patch, centre)))
    return boxes


def scatter_precipitate(
    density: np.ndarray, red_cell: float, stain: np.ndarray, rng: np.random.Generator
) -> None:
    """Blend dark specks and threads into a density map in place, without boxes."""
    places = [_anywhere(density, rng) for _ in range(int(rng.integers(1, 4)))]
    for _ in range(int(np.exp(rng.uniform(0, np.log(40))))):
        x, y = places[int(rng.integers(len(places)))]
        centre = (x + rng.normal(0, 2.5 * red_cell), y + rng.normal(0, 2.5 * red_cell))
        thread = rng.random() < 0.2
        mask = _thread(red_cell, rng) if thread else _speck(red_cell, rng)
        depth = stain * rng.uniform(0.5, 1.4) * np.exp(rng.normal(0, 0.15, 3))
        blend(density, _flat(mask, depth, rng.uniform(0.4, 1)), centre)


def _anywhere(density: np.ndarray, rng: np.random.Generator) -> tuple[float, float]:
    return float(rng.uniform(0, density.shape[1])), float(rng.uniform(0, density.shape[0]))


def _platelet(red_cell: float, stain: np.ndarray, rng: np.random.Generator) -> Patch:
    """Draw a granular lilac body, a seventh to two fifths of a red cell wide."""
    mask = _blob(red_cell * rng.uniform(0.14, 0.4), 0.25, rng)
    grain = cv2.GaussianBlur(rng.random(mask.shape), (0, 0), max(red_cell * 0.025, 0.6))
    grain = (grain - grain.min()) / max(float(np.ptp(grain)), 1e-6)
    depth = (0.25 + 0.9 * grain) * rng.uniform(0.3, 0.8)
    pale = (depth[..., None] * stain).astype(np.float32)
    return Patch(pale, feathered(mask, red_cell * 0.025))


def _speck(red_cell: float, rng: np.random.Generator) -> np.ndarray:
    diameter = red_cell * float(np.exp(rng.uniform(np.log(0.04), np.log(0.3))))
    return _blob(max(diameter, 1.2), 0.7, rng)


def _blob(diameter: float, roughness: float, rng: np.random.Generator) -> np.ndarray:
    """Return the mask (bool) of an irregular body about so many pixels wide."""
    side = int(diameter * 2.2) + 7
    y, x = np.mgrid[:side, :side].astype(np.float32) - side / 2
    turn, longer = rng.uniform(0, np.pi), float(np.exp(rng.normal(0, 0.2)))
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    angle = np.arctan2(y, x)
    edge = np.full(x.shape, diameter / 2)
    for number in (2, 3, 5):
        wave = np.cos(number * angle - rng.uniform(0, 2 * np.pi))
        edge *= 1 + rng.uniform(0, roughness) / number * wave
    return np.hypot(along * longer, across / longer) < edge


def _thread(red_cell: float, rng: np.random.Generator) -> np.ndarray:
    """Return the mask (bool) of a thin wandering line, one to four red cells long."""
    steps = 12
    turns = np.cumsum(rng.normal(0, 0.35, steps)) + rng.uniform(0, 2 * np.pi)
    stride = red_cell * rng.uniform(1, 4) / steps
    path = np.cumsum(np.stack((np.cos(turns), np.sin(turns)), axis=1) * stride, axis=0)
    path -= path.min(axis=0) - 4
    width, height = (path.max(axis=0) + 5).astype(int)
    mask = np.zeros((height, width), np.uint8)
    thickness = max(round(red_cell * rng.uniform(0.02, 0.07)), 1)
    cv2.polylines(mask, [path.astype(np.int32)], False, 1, thickness)
    return mask > 0


def _flat(mask: np.ndarray, depth: np.ndarray, opacity: float) -> Patch:
    density = np.broadcast_to(depth.astype(np.float32), (*mask.shape, 3))
    return Patch(density, feathered(mask, 0.6) * np.float32(opacity))
