"""Square pieces of real smear fields at a wanted scale, with the boxes of their own cells."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from training.data import ChulaField, FieldBox, Split, TxlField, read_chula, read_txl
from training.images import read_bgr
from training.synthesis.elements import Elements
from training.synthesis.field_cells import label_field
from training.synthesis.flat_field import Field, FlatField, correct_flat_field, density_of
from training.workers import image_workers

T = TypeVar("T")
Tile = tuple[np.ndarray, list["Box"]]
"""Density (H, W, 3) and the boxes of its cells, in pixels."""

# Below this share of its area inside the piece, a cell is not worth a label.
VISIBLE_SHARE = 0.4
# Red-cell diameters in pixels, smallest, commonest and largest. A field of 2,592 px read at 960
# shows them 25 to 80 px wide at 1000x; TXL-PBC's are too few a field to be shown smaller than 26.
_CHULA_SCALE = (11.0, 36.0, 80.0)
_TXL_SCALE = (26.0, 50.0, 90.0)
_ONE_SCALE = 40.0
_SAME_SCALE = 0.1
# Green density above which nothing is a red cell, nor two.
_DENSE = 0.6
_CHULA_SHARE = 0.68
# TXL-PBC frames fields round their white cell: side by side, all of those would stand in rows. So
# many stay for each field that the tiles are of, and so many at most.
_OWN_WHITE_SHARE, _MOST_OWN_WHITE = 0.15, 0.6


@dataclass(frozen=True)
class Box:
    """A labelled cell: x1, y1, x2, y2 in pixels, and the file that it is from."""

    label: str
    x1: float
    y1: float
    x2: float
    y2: float
    source_file: str = ""

    @property
    def area(self) -> float:
        """Return the area in square pixels."""
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
    """A square of smear and the cells in it.

    Attributes:
        density: Optical density over plasma, float32 (H, W, 3), BGR.
        plasma: Colour that the plasma had, (3,) in 0..255, BGR.
        red_cell: Diameter of its red cells in pixels.
        boxes: Its cells.
    """

    density: np.ndarray
    plasma: np.ndarray
    red_cell: float
    boxes: tuple[Box, ...]


class Backgrounds:
    """Draw backgrounds from the fields of one split."""

    def __init__(self, data: Path, cache: Path, split: Split) -> None:
        """Read the sets below `data`; boxes of Chula fields are kept in `cache`."""
        chula = [field for field in read_chula(data) if field.split == split]
        boxes = _chula_boxes(chula, cache / f"chula-boxes-{split}.json")
        ready = [Field(f.path, f.red_cell, boxes[f.path.name], True) for f in chula]
        self._chula = [field for field in ready if not _has_arrow(field.path)]
        self._txl = _txl_by_look(read_txl(data, split))

    def draw(self, rng: np.random.Generator, side: int, elements: Elements) -> Piece:
        """Draw a piece of `side` x `side` pixels, its red cells of random size."""
        if rng.random() < _CHULA_SHARE:
            fields, scales = _neighbours(self._chula, rng), _CHULA_SCALE
        else:
            looks = _pick(self._txl, rng)
            fields, scales = [_pick(looks, rng) for _ in range(12)], _TXL_SCALE
        red_cell = float(np.exp(rng.triangular(*np.log(scales))))
        red_cell = red_cell if elements.scale_range else _ONE_SCALE
        return _piece(fields, red_cell, side, elements.whole_cells, rng)


def _neighbours(fields: list[Field], rng: np.random.Generator) -> list[Field]:
    """Pick fields that follow one another: they are mostly of one smear."""
    first = int(rng.integers(len(fields)))
    return fields[first : first + 3]


def _has_arrow(path: Path) -> bool:
    """Return whether somebody drew a yellow arrow into a field."""
    blue, green, red = cv2.split(read_bgr(path))
    yellow = (red > 150) & (green > 150) & (blue < 80)
    return int(yellow.sum()) > 30


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
    boxes = label_field(read_bgr(field.path), field.red_cell)
    return [(box.label, box.x1, box.y1, box.x2, box.y2) for box in boxes]


def _txl_by_look(fields: list[TxlField]) -> list[list[Field]]:
    """Group TXL fields by size, that is by microscope, so that a mosaic looks like one."""
    looks: dict[tuple[int, int], list[Field]] = {}
    for field in fields:
        height, width = read_bgr(field.path).shape[:2]
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


def _piece(
    fields: list[Field], red_cell: float, side: int, whole_cells: bool, rng: np.random.Generator
) -> Piece:
    """Scale fields to one red-cell size and depth of stain, and tile a square."""
    first = correct_flat_field(fields[0], whole_cells)
    like = [f for f in fields if abs(f.red_cell / fields[0].red_cell - 1) < _SAME_SCALE]
    pairs = [(correct_flat_field(field, whole_cells), field) for field in like]
    tiles = [_scaled(*pair, red_cell, first.depth) for pair in pairs if _alike(pair[0], first)]
    density, boxes = _tiled(tiles, side, red_cell if whole_cells else 0, rng)
    return Piece(density, first.plasma, red_cell, tuple(visible(boxes, side, side)))


def _alike(one: FlatField, other: FlatField) -> bool:
    """Return whether two fields may be of one smear, by plasma and red cells."""
    same_plasma = np.abs(one.plasma - other.plasma).max() < 30
    return bool(same_plasma and np.abs(one.depth - other.depth).max() < 0.06)


def _tiled(
    tiles: list[Tile], side: int, overlap: float, rng: np.random.Generator
) -> tuple[np.ndarray, list[Box]]:
    """Cover `side` x `side` with tiles drawn at random, mirrored at random.

    They overlap by so many pixels, where their edges are empty.
    """
    density = np.zeros((side, side, 3), np.float32)
    boxes: list[Box] = []
    share = min(_OWN_WHITE_SHARE * len(tiles), _MOST_OWN_WHITE)
    height, width = (min(tile.shape[axis] for tile, _ in tiles) for axis in (0, 1))
    down, right = max(int(height - overlap), 8), max(int(width - overlap), 8)
    for top in range(-int(rng.integers(down)), side, down):
        left = -int(rng.integers(right))
        while left < side:
            tile, cells = _mirrored(*_pick(tiles, rng), *(rng.random(2) < 0.5))
            tile, cells = _thinned(tile, cells, share, rng)
            _add(density, tile, left, top)
            boxes += [cell.moved(left, top) for cell in cells]
            left += max(int(tile.shape[1] - overlap), 8)
    return density, boxes


def _thinned(tile: np.ndarray, boxes: list[Box], share: float, rng: np.random.Generator) -> Tile:
    """Remove white cells, but for a share of them."""
    leaving = [b for b in boxes if b.label == "wbc" and rng.random() > share]
    tile = erased(tile, leaving) if leaving else tile
    return tile, [box for box in boxes if box not in leaving]


def erased(density: np.ndarray, boxes: Iterable[Box]) -> np.ndarray:
    """Return a density map (H, W, 3) with these cells replaced by plasma, softly."""
    gone = np.zeros(density.shape[:2], np.float32)
    for box in boxes:
        middle = round((box.x1 + box.x2) / 2), round((box.y1 + box.y2) / 2)
        axes = round((box.x2 - box.x1) * 0.57) + 1, round((box.y2 - box.y1) * 0.57) + 1
        cv2.ellipse(gone, middle, axes, 0, 0, 360, 1, cv2.FILLED)
    return density * (1 - cv2.GaussianBlur(gone, (0, 0), 1.5)[..., None])


def _add(density: np.ndarray, tile: np.ndarray, left: int, top: int) -> None:
    """Add a tile's density; a white cell hides what is under it."""
    side = density.shape[0]
    height, width = tile.shape[:2]
    y1, x1, y2, x2 = max(top, 0), max(left, 0), min(top + height, side), min(left + width, side)
    if y1 >= y2 or x1 >= x2:
        return
    under, over = density[y1:y2, x1:x2], tile[y1 - top : y2 - top, x1 - left : x2 - left]
    dense = np.maximum(under[..., 1:2], over[..., 1:2]) > _DENSE
    density[y1:y2, x1:x2] = np.where(dense, np.maximum(under, over), under + over)


def _scaled(corrected: FlatField, field: Field, red_cell: float, depth: np.ndarray) -> Tile:
    """Scale a field to a red-cell width (pixels) and density (3,)."""
    scale = red_cell / field.red_cell
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    image = cv2.resize(corrected.bgr, None, fx=scale, fy=scale, interpolation=method)
    h, w = image.shape[:2]
    name = field.path.name
    boxes = [Box(b.label, b.x1 * w, b.y1 * h, b.x2 * w, b.y2 * h, name) for b in corrected.boxes]
    return density_of(image) * np.clip(depth / corrected.depth, 0.5, 2).astype(np.float32), boxes


def _mirrored(tile: np.ndarray, boxes: list[Box], across: bool, down: bool) -> Tile:
    height, width = tile.shape[:2]
    if across:
        tile = tile[:, ::-1]
        boxes = [replace(b, x1=width - b.x2, x2=width - b.x1) for b in boxes]
    if down:
        tile = tile[::-1]
        boxes = [replace(b, y1=height - b.y2, y2=height - b.y1) for b in boxes]
    return tile, boxes


def visible(boxes: Iterable[Box], width: float, height: float) -> list[Box]:
    """Clip boxes to a frame (pixels); drop those of which too little is left."""
    pairs = ((box, box.clipped(width, height)) for box in boxes)
    return [part for box, part in pairs if part.area >= VISIBLE_SHARE * box.area > 0]


def _pick(items: Sequence[T], rng: np.random.Generator) -> T:
    return items[int(rng.integers(len(items)))]
