"""A sheet of composites beside real fields at one scale, for the eyes of whoever judges them."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from training.backgrounds import Box
from training.data import FieldBox, read_txl
from training.optics import compressed
from training.painting import Painter

TILE, RED_CELL = 200, 48.0
"""A tile's side and a red cell's diameter in it, both in pixels."""

_ROWS, _COLUMNS, _GAP, _HEADING = 6, 3, 8, 34
_QUALITY = 82
_FIRST, _REAL_STEP = 1000, 16


def save_sheet(painter: Painter, data: Path, path: Path) -> None:
    """Write a JPEG: composites by `painter` on the left, TXL-PBC's val fields on the right."""
    count = _ROWS * _COLUMNS
    halves = (("Composites", _composites(painter)), ("Real fields (TXL-PBC)", _real(data)))
    parts = [_half(title, list(islice(tiles, count))) for title, tiles in halves]
    path.parent.mkdir(parents=True, exist_ok=True)
    gap = np.full((parts[0].shape[0], 2 * _GAP, 3), 255, np.uint8)
    sheet = np.hstack((parts[0], gap, parts[1]))
    cv2.imwrite(str(path), sheet, (cv2.IMWRITE_JPEG_QUALITY, _QUALITY))


def tile(bgr: np.ndarray, boxes: list[Box]) -> np.ndarray | None:
    """Cut a tile (uint8, 200x200x3) round the first white cell, red cells 48 px wide.

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


def _composites(painter: Painter) -> Iterator[np.ndarray]:
    number = _FIRST
    while True:
        image, boxes, _, rng = painter.paint(number)
        data = np.frombuffer(compressed(image, painter.realism, rng), np.uint8)
        part = tile(cv2.imdecode(data, cv2.IMREAD_COLOR), boxes[::-1])
        number += 1
        if part is not None:
            yield part


def _real(data: Path) -> Iterator[np.ndarray]:
    fields = read_txl(data, "val")
    for start in range(_REAL_STEP):
        for field in fields[start::_REAL_STEP]:
            bgr = cv2.imread(str(field.path))
            part = tile(bgr, [_in_pixels(box, bgr) for box in field.boxes])
            if part is not None:
                yield part


def _in_pixels(box: FieldBox, bgr: np.ndarray) -> Box:
    height, width = bgr.shape[:2]
    return Box(box.label, box.x1 * width, box.y1 * height, box.x2 * width, box.y2 * height)


def _half(title: str, tiles: list[np.ndarray]) -> np.ndarray:
    """Lay tiles out in rows under a heading; where there are too few, the rest is white."""
    blank = np.full((TILE, TILE, 3), 255, np.uint8)
    tiles = tiles + [blank] * (_ROWS * _COLUMNS - len(tiles))
    framed = [cv2.copyMakeBorder(one, 0, 4, 0, 4, 0, value=(255, 255, 255)) for one in tiles]
    starts = range(0, len(framed), _COLUMNS)
    rows = np.vstack([np.hstack(framed[start : start + _COLUMNS]) for start in starts])
    heading = np.full((_HEADING, rows.shape[1], 3), 255, np.uint8)
    font = cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(heading, title, (2, 24), font, 0.7, (40, 40, 40), 1, cv2.LINE_AA)
    return np.vstack((heading, rows))
