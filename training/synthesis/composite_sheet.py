"""A sheet of composites beside real fields at one scale, to compare by eye."""

from collections.abc import Iterable, Iterator
from itertools import count, islice
from pathlib import Path

import cv2
import numpy as np

from training.data import FieldBox, read_chula, read_txl
from training.images import decode, read_bgr
from training.synthesis.backgrounds import Box
from training.synthesis.compositing import Compositor
from training.synthesis.optics import compressed

Picture = tuple[np.ndarray, list[Box]]
"""A uint8 BGR image and the boxes of its cells in its pixels."""

TILE, RED_CELL = 200, 48.0
"""A tile's side and a red cell's diameter in it, both in pixels."""

_COLUMNS, _GAP, _HEADING = 3, 8, 34
_CLOSE, _WHOLE = 5 * _COLUMNS, 2 * _COLUMNS
_QUALITY = 82
_FIRST, _REAL_STEP = 1000, 16


def save_sheet(compositor: Compositor, data: Path, path: Path) -> None:
    """Write a JPEG: composites on the left, real fields on the right.

    Five rows show white cells at one scale, beside them TXL-PBC's val fields; two rows show whole
    composites, beside them Chula's val fields.
    """
    made = _composites(compositor)
    left = [*islice(_tiles(made), _CLOSE), *(_shrunk(bgr) for bgr, _ in islice(made, _WHOLE))]
    right = [*islice(_tiles(_txl(data)), _CLOSE), *map(_shrunk, islice(_chula(data), _WHOLE))]
    halves = _half("Composites", left), _half("Real fields: TXL-PBC, below Chula", right)
    gap = np.full((halves[0].shape[0], 2 * _GAP, 3), 255, np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet = np.hstack((halves[0], gap, halves[1]))
    cv2.imwrite(str(path), sheet, (cv2.IMWRITE_JPEG_QUALITY, _QUALITY))


def tile(bgr: np.ndarray, boxes: list[Box]) -> np.ndarray | None:
    """Cut a tile (uint8, 200x200x3) round the first white cell.

    Red cells are then 48 px wide.

    None where there is no white cell, fewer than three red ones, or too little of a field.
    """
    white = next((box for box in boxes if box.label in ("blast", "wbc")), None)
    red = [box.area**0.5 for box in boxes if box.label == "rbc"]
    if white is None or len(red) < 3:
        return None
    scale = RED_CELL / float(np.median(red))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    image = cv2.resize(bgr, None, fx=scale, fy=scale, interpolation=method)
    if min(image.shape[:2]) < TILE:
        return None
    left, top = (
        int(np.clip(middle * scale - TILE / 2, 0, size - TILE))
        for middle, size in (
            ((white.x1 + white.x2) / 2, image.shape[1]),
            ((white.y1 + white.y2) / 2, image.shape[0]),
        )
    )
    return image[top : top + TILE, left : left + TILE]


def _composites(compositor: Compositor) -> Iterator[Picture]:
    """Make composites without end, as their files hold them; placed cells come first."""
    for number in count(_FIRST):
        image, boxes, _, rng = compositor.compose(number)
        yield decode(compressed(image, compositor.elements, rng)), boxes[::-1]


def _tiles(pictures: Iterable[Picture]) -> Iterator[np.ndarray]:
    parts = (tile(bgr, boxes) for bgr, boxes in pictures)
    return (part for part in parts if part is not None)


def _txl(data: Path) -> Iterator[Picture]:
    fields = read_txl(data, "val")
    for field in (one for start in range(_REAL_STEP) for one in fields[start::_REAL_STEP]):
        bgr = read_bgr(field.path)
        yield bgr, [_in_pixels(box, bgr) for box in field.boxes]


def _chula(data: Path) -> Iterator[np.ndarray]:
    fields = [field for field in read_chula(data) if field.split == "val"]
    step = max(len(fields) // _WHOLE, 1)
    return (read_bgr(field.path) for field in fields[::step])


def _shrunk(bgr: np.ndarray) -> np.ndarray:
    """Return the upper left square of a picture, as a tile."""
    side = min(bgr.shape[:2])
    return cv2.resize(bgr[:side, :side], (TILE, TILE), interpolation=cv2.INTER_AREA)


def _in_pixels(box: FieldBox, bgr: np.ndarray) -> Box:
    height, width = bgr.shape[:2]
    return Box(box.label, box.x1 * width, box.y1 * height, box.x2 * width, box.y2 * height)


def _half(title: str, tiles: list[np.ndarray]) -> np.ndarray:
    """Arrange tiles in rows under a heading; missing ones are white."""
    blank = np.full((TILE, TILE, 3), 255, np.uint8)
    tiles = tiles + [blank] * (_CLOSE + _WHOLE - len(tiles))
    framed = [cv2.copyMakeBorder(one, 0, 4, 0, 4, 0, value=(255, 255, 255)) for one in tiles]
    starts = range(0, len(framed), _COLUMNS)
    rows = np.vstack([np.hstack(framed[start : start + _COLUMNS]) for start in starts])
    heading = np.full((_HEADING, rows.shape[1], 3), 255, np.uint8)
    font = cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(heading, title, (2, 24), font, 0.7, (40, 40, 40), 1, cv2.LINE_AA)
    return np.vstack((heading, rows))
