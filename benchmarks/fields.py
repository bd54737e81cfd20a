"""Fields to measure with: real cells wherever images are at hand."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from imaging.images import RgbImage, read_image
from training.data import DEFAULT_DATA, PROJECT

CAMERA = (1944, 2592)
"""Height and width in pixels of a camera's whole field."""

_TILE = (480, 640)
_REAL = DEFAULT_DATA / "txl_pbc" / "images" / "test"
_COMPOSITES = PROJECT / "datasets" / "composites" / "test" / "images"


def real_fields() -> list[RgbImage]:
    """Read the real fields of 640x480, composites where there are none, uint8 RGB.

    Raises:
        FileNotFoundError: Neither is here.
    """
    files = sorted(_REAL.glob("*.jpg")) or sorted(_COMPOSITES.glob("*.jpg"))
    fields = [_read(file) for file in files]
    fitting = [field[: _TILE[0], : _TILE[1]] for field in fields if _is_large_enough(field)]
    if not fitting:
        raise FileNotFoundError(f"No fields in {_REAL} and no composites in {_COMPOSITES}.")
    return fitting


@cache
def camera_field() -> RgbImage:
    """Lay real fields beside each other to a camera's whole field, uint8 RGB."""
    return mosaic(*CAMERA)


def empty_field() -> RgbImage:
    """Draw the grain of a camera's field in which nothing lies, uint8 RGB."""
    grain = np.random.default_rng(0).normal(225, 6, (*CAMERA, 3))
    return grain.clip(0, 255).astype(np.uint8)


def mosaic(height: int, width: int) -> RgbImage:
    """Lay real fields beside each other, over and over: uint8 RGB (height, width, 3)."""
    fields = real_fields()
    down, across = -(-height // _TILE[0]), -(-width // _TILE[1])
    rows = [
        np.concatenate([fields[(row + column) % len(fields)] for column in range(across)], axis=1)
        for row in range(down)
    ]
    return np.concatenate(rows)[:height, :width]


def _read(file: Path) -> RgbImage:
    return read_image(file.read_bytes()).rgb


def _is_large_enough(field: RgbImage) -> bool:
    return field.shape[0] >= _TILE[0] and field.shape[1] >= _TILE[1]
