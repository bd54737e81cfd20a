"""Copies of an image for the screen: thumbnail, bounded display copy, sheet of cells."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from core.geometry import Box, square_around
from imaging.images import RgbImage, resize

THUMBNAIL_SIDE = 256
DISPLAY_SIDE = 4096
"""Longest side in pixels that browsers, also on phones, are sure to show."""

TILE_SIDE = 160
COLUMNS = 12
OUTSIDE = (196, 196, 196)
"""Colour of what lies outside a field: a neutral grey, which is no stain."""

MARGIN = 1.3
"""Side of a cut-out against the longer side of the cell's box."""


def thumbnail(rgb: RgbImage) -> bytes:
    """Make a JPEG of at most `THUMBNAIL_SIDE` px a side from uint8 RGB."""
    return encode_jpeg(_fit(rgb, THUMBNAIL_SIDE), quality=85)


def fit_for_display(rgb: RgbImage) -> RgbImage:
    """Shrink uint8 RGB to `DISPLAY_SIDE` px on its longer side; what is no larger stays itself."""
    return _fit(rgb, DISPLAY_SIDE)


def display_copy(rgb: RgbImage) -> bytes:
    """Make a JPEG fit for display from uint8 RGB."""
    return encode_jpeg(rgb, quality=92)


def encode_jpeg(rgb: RgbImage, quality: int) -> bytes:
    """Encode uint8 RGB pixels as JPEG, in full colour resolution, without metadata."""
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=quality, subsampling=0)
    return buffer.getvalue()


def cell_sheet(rgb: RgbImage, boxes: Sequence[Box]) -> RgbImage:
    """Cut the cells of a field and lay them out, `TILE_SIDE` px each, `COLUMNS` in a row."""
    rows = -(-len(boxes) // COLUMNS)
    sheet = np.zeros((rows * TILE_SIDE, COLUMNS * TILE_SIDE, 3), np.uint8)
    for index, box in enumerate(boxes):
        left, top = _place(index)
        sheet[top : top + TILE_SIDE, left : left + TILE_SIDE] = _cut(rgb, box)
    return sheet


def tile(sheet: RgbImage, index: int) -> RgbImage:
    """Return one cell of a sheet by `cell_sheet`, uint8 RGB of `TILE_SIDE` px."""
    left, top = _place(index)
    return sheet[top : top + TILE_SIDE, left : left + TILE_SIDE]


def _fit(rgb: RgbImage, side: int) -> RgbImage:
    height, width = rgb.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return rgb
    return resize(rgb, max(1, round(width * scale)), max(1, round(height * scale)))


def _place(index: int) -> tuple[int, int]:
    row, column = divmod(index, COLUMNS)
    return column * TILE_SIDE, row * TILE_SIDE


def _cut(rgb: RgbImage, box: Box) -> RgbImage:
    """Cut a square around a box, with a margin; what lies outside the field is grey."""
    frame = square_around(box, MARGIN, least=1)
    return np.asarray(_crop(rgb, tuple(round(edge) for edge in frame)))


def _crop(rgb: RgbImage, frame: tuple[int, ...]) -> Image.Image:
    left, top = max(frame[0], 0), max(frame[1], 0)
    inside = Image.fromarray(np.ascontiguousarray(rgb[top : frame[3], left : frame[2]]))
    square = Image.new("RGB", (frame[2] - frame[0], frame[3] - frame[1]), OUTSIDE)
    square.paste(inside, (left - frame[0], top - frame[1]))
    return square.resize((TILE_SIDE, TILE_SIDE), Image.Resampling.BILINEAR)
