"""Square pieces of real smear fields at a wanted scale, with the boxes of their own cells."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from training.data import ChulaField, FieldBox, Split, TxlField, read_chula, read_txl
from training.field_cells import label_field
from training.workers import image_workers

T = TypeVar("T")

# Below this share of its area inside the piece, a cell is not worth a label.
VISIBLE_SHARE = 0.4
_CHULA_SCALE = (11.0, 72.0)
_TXL_SCALE = (26.0, 90.0)
_CHULA_SHARE = 0.62


@dataclass(frozen=True)
class Field:
    """One background field: its file, red-cell diameter (pixels) and the boxes of its cells."""

    path: Path
    red_cell: float
    boxes: tuple[FieldBox, ...]


@dataclass(frozen=True)
class Box:
    """One labelled cell: x1, y1, x2, y2 in pixels, and the name of the file that it is from."""

    label: str
    x1: float
    y1: float
    x2: float
    y2: float
    source_file: str = ""

    @property
    def area(self) -> float:
        """Square pixels."""
        return max(self.x2 - self.x1, 0) * max(self.y2 - self.y1, 0)

    def moved(self, right: float, down: float) -> "Box":
        """Return the box shifted by so many pixels."""
        return replace(
            self,
            x1=self.x1 + right,
            x2=self.x2 + right,
            y1=self.y1 + down,
            y2=self.y2 + down,
        )

    def clipped(self, width: float, height: float) -> "Box":
        """Return the part inside a frame (of area 0 where there is none)."""
        return replace(
            self,
            x1=max(self.x1, 0),
            y1=max(self.y1, 0),
            x2=min(self.x2, width),
            y2=min(self.y2, height),
        )


@dataclass(frozen=True)
class Piece:
    """A square uint8 BGR image, its red-cell diameter in pixels and its labelled cells."""

    bgr: np.ndarray
    red_cell: float
    boxes: tuple[Box, ...]


class Backgrounds:
    """All background fields of one split."""

    def __init__(self, data: Path, cache: Path, split: Split) -> None:
        """Read the sets below `data`; boxes of Chula fields are kept in `cache`."""
        chula = [field for field in read_chula(data) if field.split == split]
        boxes = _chula_boxes(chula, cache / f"chula-boxes-{split}.json")
        self._chula = [Field(f.path, f.red_cell, boxes[f.path.name]) for f in chula]
        self._txl = _txl_by_look(read_txl(data, split))

    def draw(self, rng: np.random.Generator, side: int) -> Piece:
        """Draw one piece of `side` x `side` pixels, red cells log-uniform in size."""
        if rng.random() < _CHULA_SHARE:
            fields, scales = [_pick(self._chula, rng)], _CHULA_SCALE
        else:
            looks = _pick(self._txl, rng)
            fields, scales = [_pick(looks, rng) for _ in range(4)], _TXL_SCALE
        red_cell = float(np.exp(rng.uniform(*np.log(scales))))
        return _piece(fields, red_cell, side, rng)


def _chula_boxes(fields: list[ChulaField], cache: Path) -> dict[str, tuple[FieldBox, ...]]:
    """Segment the fields once; return their boxes by file name."""
    if not cache.exists():
        names = [field.path.name for field in fields]
        cache.parent.mkdir(parents=True, exist_ok=True)
        with image_workers(2) as pool:
            found = dict(zip(names, pool.map(_segmented, fields), strict=True))
        cache.write_text(json.dumps(found))
    found = json.loads(cache.read_text())
    return {name: tuple(FieldBox(*box) for box in boxes) for name, boxes in found.items()}


def _segmented(field: ChulaField) -> list[tuple[str, float, float, float, float]]:
    boxes = label_field(cv2.imread(str(field.path)), field.red_cell)
    return [(box.label, box.x1, box.y1, box.x2, box.y2) for box in boxes]


def _txl_by_look(fields: list[TxlField]) -> list[list[Field]]:
    """Group TXL fields by size: one size is one microscope, so that a mosaic looks like one."""
    looks: dict[tuple[int, int], list[Field]] = {}
    for field in fields:
        height, width = cv2.imread(str(field.path)).shape[:2]
        red_cell = _red_cell(field.boxes, width, height)
        if red_cell is not None:
            ready = Field(field.path, red_cell, field.boxes)
            looks.setdefault((width, height), []).append(ready)
    return [group for group in looks.values() if len(group) >= 8]


def _red_cell(boxes: tuple[FieldBox, ...], width: int, height: int) -> float | None:
    """Return the median red-cell diameter in pixels, or None where fewer than 3 are whole."""
    whole = [box for box in boxes if box.label == "rbc" and _clear_of_edges(box)]
    sizes = [((b.x2 - b.x1) * width * (b.y2 - b.y1) * height) ** 0.5 for b in whole]
    return float(np.median(sizes)) if len(sizes) >= 3 else None


def _clear_of_edges(box: FieldBox) -> bool:
    return min(box.x1, box.y1) > 0.01 and max(box.x2, box.y2) < 0.99


def _piece(fields: list[Field], red_cell: float, side: int, rng: np.random.Generator) -> Piece:
    """Scale fields to one red-cell size, lay them out mirrored, cut a square at random."""
    canvas, boxes = _mosaic([_scaled(field, red_cell) for field in fields], side, rng)
    left = int(rng.integers(canvas.shape[1] - side + 1))
    top = int(rng.integers(canvas.shape[0] - side + 1))
    cut = canvas[top : top + side, left : left + side].copy()
    moved = (box.moved(-left, -top) for box in boxes)
    return Piece(cut, red_cell, tuple(visible(moved, side, side)))


def _mosaic(
    tiles: list[tuple[np.ndarray, list[Box]]], side: int, rng: np.random.Generator
) -> tuple[np.ndarray, list[Box]]:
    """Fill more than `side` x `side` with tiles drawn at random, every second one mirrored."""
    height = min(image.shape[0] for image, _ in tiles)
    width = min(image.shape[1] for image, _ in tiles)
    rows, columns = -(-side // height) + 1, -(-side // width) + 1
    canvas = np.empty((rows * height, columns * width, 3), np.uint8)
    boxes: list[Box] = []
    for row, column in np.ndindex(rows, columns):
        image, cells = _mirrored(*_pick(tiles, rng), column % 2 == 1, row % 2 == 1)
        top, left = row * height, column * width
        canvas[top : top + height, left : left + width] = image[:height, :width]
        boxes += [cell.moved(left, top) for cell in visible(cells, width, height)]
    return canvas, boxes


def _scaled(field: Field, red_cell: float) -> tuple[np.ndarray, list[Box]]:
    image = _decoded(str(field.path))
    scale = red_cell / field.red_cell
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=method)
    h, w = image.shape[:2]
    name = field.path.name
    boxes = [Box(b.label, b.x1 * w, b.y1 * h, b.x2 * w, b.y2 * h, name) for b in field.boxes]
    return image, boxes


@lru_cache(maxsize=1500)
def _decoded(path: str) -> np.ndarray:
    """Read an image once a process: fields are few, drawn often, and decoding costs the most."""
    return cv2.imread(path)


def _mirrored(
    image: np.ndarray, boxes: list[Box], across: bool, down: bool
) -> tuple[np.ndarray, list[Box]]:
    height, width = image.shape[:2]
    if across:
        image = image[:, ::-1]
        boxes = [replace(b, x1=width - b.x2, x2=width - b.x1) for b in boxes]
    if down:
        image = image[::-1]
        boxes = [replace(b, y1=height - b.y2, y2=height - b.y1) for b in boxes]
    return image, boxes


def visible(boxes: Iterable[Box], width: float, height: float) -> list[Box]:
    """Clip boxes to a frame (pixels); drop those of which too little is left."""
    pairs = ((box, box.clipped(width, height)) for box in boxes)
    return [part for box, part in pairs if part.area >= VISIBLE_SHARE * box.area > 0]


def _pick(items: Sequence[T], rng: np.random.Generator) -> T:
    return items[int(rng.integers(len(items)))]
