"""Fields that quality control is tested on: good ones, degraded copies, and what is no field.

All are chosen and made with one seed, so that every run tests the same ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from imaging.images import RgbImage, resize
from training.cells.data import read_snam_cells
from training.cells.fields import ENLARGED
from training.data import SPLITS, read_chula, read_cnmc, read_txl
from training.images import decode, read_rgb
from training.quality_control.images import drawings, noises, photographs, texts

T = TypeVar("T")

SEED = 41

Degrade = Callable[[RgbImage, float], RgbImage]
"""Makes a degraded copy of uint8 RGB whose red cells are so many pixels wide."""


@dataclass(frozen=True)
class FieldSet:
    """Fields of one source: how to read each."""

    title: str
    paths: tuple[Path, ...]
    enlarged: int = 1

    def images(self) -> Iterator[RgbImage]:
        """Read the fields, uint8 RGB."""
        for path in self.paths:
            rgb = read_rgb(path)
            height, width = rgb.shape[:2]
            yield resize(rgb, self.enlarged * width, self.enlarged * height)


def good_fields(data: Path, limit: int) -> list[FieldSet]:
    """Return fields that people would count, at most `limit` of each source.

    Raises:
        DataError: An image set is missing.
    """
    txl = [field.path for split in SPLITS for field in read_txl(data, split)]
    snam = sorted({cell.path for cell in read_snam_cells(data)})
    chula = [field.path for field in read_chula(data)]
    return [
        FieldSet("TXL-PBC", chosen(txl, limit)),
        FieldSet(f"SN-AM, enlarged {ENLARGED} times", chosen(snam, limit), ENLARGED),
        FieldSet("Chula", chosen(chula, limit)),
    ]


def no_fields(data: Path, limit: int) -> dict[str, Callable[[], Iterator[RgbImage]]]:
    """Return images that show no field: at most `limit` of each kind, by title."""
    cells = chosen([cell.path for cell in read_cnmc(data)], limit)
    return {
        "cells cut out on black": lambda: map(read_rgb, cells),
        "the same on white": lambda: map(_on_white, map(read_rgb, cells)),
        "blank": partial(_blank, limit),
        "grey noise": partial(_grey_noise, limit),
        "coloured noise": partial(_first, noises, limit),
        "text": partial(_first, texts, limit),
        "drawings": partial(_first, drawings, limit),
        "photographs": partial(_first, photographs, limit),
    }


def chosen(items: Sequence[T], limit: int) -> tuple[T, ...]:
    """Choose at most `limit` of the items at random, in their order."""
    rows = np.random.default_rng(SEED).permutation(len(items))[:limit]
    return tuple(items[row] for row in sorted(rows))


def light(factor: float) -> Degrade:
    """Multiply the light; what is brighter than white is lost."""
    return lambda rgb, red_cell: _clipped(rgb.astype(np.float32) * factor)


def defocused(share: float) -> Degrade:
    """Blur with a standard deviation of so many red-cell diameters."""
    return lambda rgb, red_cell: cv2.GaussianBlur(rgb, (0, 0), share * red_cell).astype(np.uint8)


def tinted(red: float, green: float, blue: float) -> Degrade:
    """Multiply each channel."""
    return lambda rgb, red_cell: _clipped(rgb * np.array([red, green, blue], np.float32))


def faded(share: float) -> Degrade:
    """Mix the image with the colour of the empty slide."""

    def fade(rgb: RgbImage, red_cell: float) -> RgbImage:
        slide = np.percentile(rgb, 95, axis=(0, 1))
        return _clipped(slide + (rgb - slide) * (1 - share))

    return fade


def compressed(quality: int) -> Degrade:
    """Encode as JPEG and back."""

    def compress(rgb: RgbImage, red_cell: float) -> RgbImage:
        bgr = np.ascontiguousarray(rgb[..., ::-1])
        _, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
        return np.ascontiguousarray(decode(encoded)[..., ::-1], np.uint8)

    return compress


def reduced(pixels: float) -> Degrade:
    """Reduce until a red cell is so many pixels wide."""

    def reduce(rgb: RgbImage, red_cell: float) -> RgbImage:
        scale = min(1.0, pixels / red_cell)
        height, width = rgb.shape[:2]
        return resize(rgb, max(1, round(scale * width)), max(1, round(scale * height)))

    return reduce


def with_boxes(rgb: RgbImage, red_cell: float) -> RgbImage:
    """Draw three boxes in red, as annotation tools do."""
    drawn = rgb.copy()
    height, width = rgb.shape[:2]
    for x, y, side in ((0.15, 0.2, 0.2), (0.5, 0.5, 0.25), (0.7, 0.1, 0.15)):
        corner = round(x * width), round(y * height)
        other = round((x + side) * width), round((y + side) * height)
        cv2.rectangle(drawn, corner, other, (255, 0, 0), max(2, width // 300))
    return drawn


def with_scale_bar(rgb: RgbImage, red_cell: float) -> RgbImage:
    """Draw a black scale bar with its length, as microscope software does."""
    drawn = rgb.copy()
    height, width = rgb.shape[:2]
    left, right, y = round(0.7 * width), round(0.95 * width), round(0.93 * height)
    cv2.rectangle(drawn, (left, y), (right, y + max(3, height // 80)), (0, 0, 0), -1)
    cv2.putText(
        drawn,
        "20 um",
        (left, y - 6),
        cv2.FONT_HERSHEY_SIMPLEX,
        height / 700,
        (0, 0, 0),
        max(1, height // 300),
        cv2.LINE_AA,
    )
    return drawn


DEGRADED: dict[str, Degrade] = {
    "light × 0.25": light(0.25),
    "light × 0.5": light(0.5),
    "light × 1.6": light(1.6),
    "light × 2.5": light(2.5),
    "blurred, 4% of a red cell": defocused(0.04),
    "blurred, 8%": defocused(0.08),
    "blurred, 16%": defocused(0.16),
    "blurred, 30%": defocused(0.3),
    "yellow cast": tinted(1, 0.92, 0.6),
    "blue cast": tinted(0.6, 0.75, 1),
    "stain faded by 75%": faded(0.75),
    "JPEG of quality 10": compressed(10),
    "red cells of 16 px": reduced(16),
    "red cells of 8 px": reduced(8),
    "boxes burnt in": with_boxes,
    "scale bar burnt in": with_scale_bar,
}
"""Degradations that should be noticed, by title."""


def _clipped(levels: np.ndarray) -> RgbImage:
    return np.clip(levels, 0, 255).astype(np.uint8)


def _on_white(cell: RgbImage) -> RgbImage:
    return np.where(cell.max(axis=2, keepdims=True) > 0, cell, np.uint8(255))


def _blank(limit: int) -> Iterator[RgbImage]:
    rng = np.random.default_rng(SEED)
    for _ in range(limit):
        slide = rng.uniform(120, 250, 3)
        yield _clipped(slide + rng.normal(scale=1.5, size=(480, 640, 3)))


def _grey_noise(limit: int) -> Iterator[RgbImage]:
    rng = np.random.default_rng(SEED)
    for _ in range(limit):
        noise = rng.normal(128, rng.uniform(15, 60), (480, 640, 1))
        yield np.repeat(_clipped(noise), 3, axis=2)


def _first(make: Callable[[], Iterator[RgbImage]], limit: int) -> Iterator[RgbImage]:
    for _, rgb in zip(range(limit), make(), strict=False):
        yield rgb
