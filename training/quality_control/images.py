"""The images that quality control is tested on: cells of test splits, and other uploads.

All are made anew from the image sets, from packages' own pictures and from a fixed seed, so that
every run tests the same ones.
"""

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
import skimage.data
from PIL import Image
from sklearn.datasets import load_sample_images

from core.geometry import Box
from imaging.images import RgbImage, resize
from models.classifier.cell_views import Window
from training.data import (
    ChulaField,
    TxlField,
    read_chula,
    read_cnmc,
    read_pbc,
    read_txl,
    row_box,
)
from training.images import read_rgb

T = TypeVar("T")

CELL, NO_CELL, SEVERAL, BLURRED, CUT_OFF = "cell", "no_cell", "several_cells", "blurred", "cut_off"

CROP_FACTORS = 1.2, 1.5, 2.0
"""Sides of the crops that people make of a cell, in units of the longer side of its box."""

_USUAL_CROP = 1.5
_MIN_CELL = 24.0
_DEFOCUS = 0.08
_DRAWINGS = 150
_PARTS = 10
_COLOURED = 3.0
_PLASMA, _CHROMATIN = (238, 228, 236), (88, 42, 128)
_TEXTS = ("Blood smear", "ALL blast 98%", "Patient 0017", "Wright-Giemsa", "100x, oil", "No result")


@dataclass(frozen=True)
class ImageSet:
    """Images of one kind.

    Attributes:
        title: Of the set.
        expected: Code that they should get; `CELL` where they should be accepted.
        images: Makes them, uint8 RGB of any size.
    """

    title: str
    expected: str
    images: Callable[[], Iterator[RgbImage]]


@dataclass(frozen=True)
class WhiteCell:
    """One labelled white cell: its image, and the square around its box."""

    path: Path
    window: Window

    def widened(self, factor: float) -> Window:
        """Return the square around the same cell, `factor` times as wide."""
        return replace(self.window, side=factor * self.window.side)


def image_sets(data: Path, composites: Path, limit: int) -> list[ImageSet]:
    """Return all sets, each with at most `limit` files or cells, spread evenly.

    Raises:
        DataError: An image set is missing.
    """
    return [*_of_cells(data, composites, limit), *_of_others(data, composites, limit)]


def evenly(items: Sequence[T], limit: int) -> list[T]:
    """Choose at most `limit` of the items, at equal distances."""
    return list(items[:: max(1, -(-len(items) // limit))])


def crop(rgb: RgbImage, window: Window) -> RgbImage:
    """Cut a window out, clipped at the image's edges, as a person would crop a cell."""
    left, top, right, bottom = (max(0, round(edge)) for edge in window.box)
    return rgb[top:bottom, left:right]


def lone_cells(cells: Sequence[WhiteCell], factor: float) -> list[WhiteCell]:
    """Choose the cells without another white cell's centre in their crop."""
    by_image: dict[Path, list[Window]] = {}
    for cell in cells:
        by_image.setdefault(cell.path, []).append(cell.window)
    return [
        cell
        for cell in cells
        if sum(_holds(cell.widened(factor), each) for each in by_image[cell.path]) == 1
    ]


def crops(cells: Iterable[WhiteCell], factor: float) -> Iterator[RgbImage]:
    """Crop the cells that their image's edge does not cut."""
    for cell in cells:
        rgb = read_rgb(cell.path)
        if crop(rgb, cell.window).shape[:2] == (round(cell.window.side),) * 2:
            yield crop(rgb, cell.widened(factor))


def _of_cells(data: Path, composites: Path, limit: int) -> Iterator[ImageSet]:
    stored = [cell.path for cell in read_cnmc(data) if cell.split == "test"]
    tiles = [tile for tile in read_pbc(data) if tile.split == "test"]
    tile_paths = [tile.path for tile in tiles]
    sources = {
        "composites": _composite_cells(composites),
        "PBC tiles": [_white_cell(tile.path, tile.box) for tile in tiles],
        "TXL-PBC fields": _txl_cells(data),
    }
    yield ImageSet("C-NMC cells on black", CELL, lambda: map(read_rgb, evenly(stored, limit)))
    yield ImageSet("PBC tiles, whole", CELL, lambda: map(read_rgb, evenly(tile_paths, limit)))
    for name, cells in sources.items():
        for factor in CROP_FACTORS:
            few = evenly(lone_cells(cells, factor), limit)
            title = f"Crops of {name}, {factor:g} times the box"
            yield ImageSet(title, CELL, partial(crops, few, factor))
    few = evenly(tile_paths, limit)
    yield ImageSet("PBC tiles through an eyepiece", CELL, partial(_through_eyepiece, few))
    for name in ("PBC tiles", "TXL-PBC fields"):
        few = evenly(lone_cells(sources[name], _USUAL_CROP), limit)
        yield ImageSet(f"Crops of {name}, defocused", BLURRED, partial(_defocused, few))
        yield ImageSet(f"Crops of {name}, cut through the middle", CUT_OFF, partial(_halves, few))


def _of_others(data: Path, composites: Path, limit: int) -> Iterator[ImageSet]:
    fields = [field for field in read_chula(data) if field.split == "test"]
    paths = [field.path for field in fields]
    yield ImageSet("Drawings", NO_CELL, drawings)
    yield ImageSet("Drawings on black", NO_CELL, partial(drawings, on_black=True))
    yield ImageSet("Text", NO_CELL, texts)
    yield ImageSet("Noise", NO_CELL, noises)
    yield ImageSet("Colour photographs of scikit-image and scikit-learn", NO_CELL, photographs)
    yield ImageSet("Parts of these photographs", NO_CELL, _parts_of_photographs)
    yield ImageSet("Discs of these photographs on black", NO_CELL, _photographs_on_black)
    yield ImageSet("Fields of red cells", NO_CELL, lambda: map(read_rgb, evenly(paths, limit)))
    yield ImageSet("Parts of fields of red cells", NO_CELL, partial(_parts_of_fields, fields))
    crowded = [field.path for field in read_txl(data, "test") if _count_white(field) > 1]
    yield ImageSet("TXL-PBC fields", SEVERAL, lambda: map(read_rgb, evenly(crowded, limit)))
    rows = Counter(cell.path for cell in _composite_cells(composites))
    composite_paths = sorted(path for path, count in rows.items() if count > 1)
    yield ImageSet(
        "Composite fields", SEVERAL, lambda: map(read_rgb, evenly(composite_paths, limit))
    )


def _composite_cells(folder: Path) -> list[WhiteCell]:
    with (folder / "cells.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    cells = [_white_cell(folder / "images" / row["image"], row_box(row)) for row in rows]
    return [cell for cell in cells if cell.window.side >= _MIN_CELL]


def _txl_cells(data: Path) -> list[WhiteCell]:
    cells = []
    for field in read_txl(data, "test"):
        with Image.open(field.path) as image:
            width, height = image.size
        cells += [
            _white_cell(field.path, (b.x1 * width, b.y1 * height, b.x2 * width, b.y2 * height))
            for b in field.boxes
            if b.label == "wbc"
        ]
    return cells


def _count_white(field: TxlField) -> int:
    return sum(box.label == "wbc" for box in field.boxes)


def _white_cell(path: Path, box: Box) -> WhiteCell:
    return WhiteCell(path, Window.around(box))


def _holds(window: Window, other: Window) -> bool:
    return max(abs(window.x - other.x), abs(window.y - other.y)) < window.side / 2


def _defocused(cells: Sequence[WhiteCell]) -> Iterator[RgbImage]:
    """Blur crops with a standard deviation of `_DEFOCUS` of the cell's side."""
    for rgb in crops(cells, _USUAL_CROP):
        blurred = cv2.GaussianBlur(rgb, (0, 0), _DEFOCUS * max(rgb.shape[:2]) / _USUAL_CROP)
        yield blurred.astype(np.uint8)


def _halves(cells: Sequence[WhiteCell]) -> Iterator[RgbImage]:
    """Cut crops through the middle of the cell."""
    for rgb in crops(cells, _USUAL_CROP):
        yield rgb[:, rgb.shape[1] // 2 :]


def through_eyepiece(rgb: RgbImage) -> RgbImage:
    """Keep the middle circle, in a dark surround with some stray light."""
    height, width = rgb.shape[:2]
    rows, columns = np.ogrid[:height, :width]
    away = np.hypot(columns - width / 2, rows - height / 2) / (0.47 * min(height, width))
    # The edge of the stop is a little soft.
    shown = np.clip((1.01 - away) / 0.02, 0, 1)[..., None]
    seen = rgb * shown + np.array([9, 7, 6]) * (1 - shown)
    return np.clip(seen, 0, 255).astype(np.uint8)


def _through_eyepiece(paths: Sequence[Path]) -> Iterator[RgbImage]:
    return (through_eyepiece(read_rgb(path)) for path in paths)


def drawings(on_black: bool = False) -> Iterator[RgbImage]:
    """Draw discs, rectangles and lines in any colour, also of stained cells."""
    rng = np.random.default_rng(1)
    for number in range(_DRAWINGS):
        side = int(rng.integers(80, 500))
        ground = (0, 0, 0) if on_black else _PLASMA if number % 3 else _any_colour(rng)
        image = np.full((side, side, 3), ground, np.uint8)
        for _ in range(rng.integers(1, 6)):
            _draw_shape(image, rng)
        yield image


def _draw_shape(image: RgbImage, rng: np.random.Generator) -> None:
    side = len(image)
    one, other = (tuple(int(v) for v in rng.integers(side // 4, 3 * side // 4, 2)) for _ in "ab")
    colour = _any_colour(rng) if rng.random() < 0.7 else _CHROMATIN
    match rng.integers(3):
        case 0:
            cv2.circle(
                image, one, int(rng.integers(side // 12, side // 4)), colour, -1, cv2.LINE_AA
            )
        case 1:
            cv2.rectangle(image, one, other, colour, -1)
        case 2:
            cv2.line(image, one, other, colour, int(rng.integers(1, 12)), cv2.LINE_AA)


def texts() -> Iterator[RgbImage]:
    """Write lines of text, dark on bright and bright on dark, in colour."""
    rng = np.random.default_rng(2)
    for _ in range(_DRAWINGS):
        side = int(rng.integers(120, 500))
        ground, ink = _any_colour(rng), _any_colour(rng)
        image = np.full((side, side, 3), ground, np.uint8)
        for y in range(30, side, 30):
            text = _TEXTS[rng.integers(len(_TEXTS))]
            cv2.putText(image, text, (5, y), cv2.FONT_HERSHEY_SIMPLEX, 0.8, ink, 2, cv2.LINE_AA)
        yield image


def noises() -> Iterator[RgbImage]:
    """Make coloured noise, from single pixels to large clouds."""
    rng = np.random.default_rng(3)
    for number in range(_DRAWINGS):
        side = int(rng.integers(60, 400))
        noise = rng.normal(size=(side, side, 3))
        if number % 4:
            noise = cv2.GaussianBlur(noise, (0, 0), side / rng.uniform(6, 60))
        scaled = noise / noise.std() * rng.uniform(15, 60) + rng.uniform(60, 200, 3)
        yield np.clip(scaled, 0, 255).astype(np.uint8)


def photographs() -> Iterator[RgbImage]:
    """Read the colour pictures of the packages; grey ones would be refused unseen."""
    shipped = sorted(Path(skimage.data.__file__).parent.glob("*.*g"))
    for rgb in (*map(read_rgb, shipped), *load_sample_images().images):
        if np.ptp(rgb, axis=2).mean() > _COLOURED:
            yield rgb


def _parts_of_photographs() -> Iterator[RgbImage]:
    rng = np.random.default_rng(4)
    for rgb in photographs():
        for _ in range(_PARTS):
            yield _part(rgb, int(rng.integers(48, min(rgb.shape[:2]))), rng)


def _photographs_on_black() -> Iterator[RgbImage]:
    """Cut discs out of photographs and put them on black, as C-NMC's cells."""
    rng = np.random.default_rng(5)
    disc = cv2.circle(np.zeros((200, 200, 1), np.uint8), (100, 100), 95, 1, -1)
    for rgb in photographs():
        for _ in range(_PARTS):
            part = _part(rgb, int(rng.integers(48, min(rgb.shape[:2]))), rng)
            on_black = np.pad(resize(part, 200, 200) * disc, ((125, 125), (125, 125), (0, 0)))
            yield on_black.astype(np.uint8)


def _parts_of_fields(fields: Sequence[ChulaField]) -> Iterator[RgbImage]:
    rng = np.random.default_rng(6)
    for field in fields:
        rgb = read_rgb(field.path)
        for _ in range(_PARTS):
            yield _part(rgb, int(field.red_cell * rng.uniform(1.5, 5)), rng)


def _part(rgb: RgbImage, side: int, rng: np.random.Generator) -> RgbImage:
    side = min(side, *rgb.shape[:2])
    top, left = (int(rng.integers(length - side + 1)) for length in rgb.shape[:2])
    return rgb[top : top + side, left : left + side]


def _any_colour(rng: np.random.Generator) -> tuple[int, ...]:
    return tuple(int(value) for value in rng.integers(0, 256, 3))
