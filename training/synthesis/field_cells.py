"""Segment red cells and platelets of a field without white cells.

Chula fields carry no boxes. Their cells stand apart on an even ground, so that a threshold and the
peaks of the distance transform find nearly all: cheaper than a network trained for it, and what is
left unlabelled is mostly doublets.
"""

import cv2
import numpy as np

from training.data import FieldBox

# Sizes against the field's red-cell diameter (sides) or a red cell's area.
_RED_CELL_AREA = (0.3, 1.5)
_PLATELET_AREA = (0.02, 0.25)
_LONGEST_SIDE = 1.6


def label_field(bgr: np.ndarray, red_cell: float) -> tuple[FieldBox, ...]:
    """Return the boxes of the red cells and platelets of a field.

    Args:
        bgr: uint8 (H, W, 3), BGR.
        red_cell: Its median red-cell diameter in pixels.
    """
    density = _density(bgr[..., 1], red_cell)
    _, mask = cv2.threshold(density, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    cells = _split_touching(_filled(mask, red_cell), red_cell)
    boxes = (_box(cells, bgr, number, red_cell) for number in range(1, int(cells.max()) + 1))
    return tuple(box for box in boxes if box is not None)


def _density(green: np.ndarray, red_cell: float) -> np.ndarray:
    """Return how much darker each pixel is than the plasma around it (uint8)."""
    small = cv2.resize(green, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    side = round(red_cell / 4 * 2.2)
    plasma = cv2.GaussianBlur(cv2.dilate(small, np.ones((side, side))), (0, 0), red_cell / 3)
    plasma = cv2.resize(plasma, green.shape[::-1])
    return cv2.GaussianBlur(cv2.subtract(plasma, green), (0, 0), 1)


def _filled(mask: np.ndarray, red_cell: float) -> np.ndarray:
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    large = [line for line in outlines if cv2.contourArea(line) > 0.01 * red_cell**2]
    return cv2.drawContours(np.zeros_like(mask), large, -1, 1, cv2.FILLED)


def _split_touching(mask: np.ndarray, red_cell: float) -> np.ndarray:
    """Label the cells of a mask (int32, 0 is ground) by their nearest centre."""
    depth = cv2.GaussianBlur(cv2.distanceTransform(mask, cv2.DIST_L2, 5), (0, 0), red_cell * 0.06)
    kernel = np.ones((round(red_cell * 0.55) | 1,) * 2)
    centres = (depth >= cv2.dilate(depth, kernel) - 1e-4) & (depth > 0.05 * red_cell)
    apart = (~centres).astype(np.uint8)
    _, nearest = cv2.distanceTransformWithLabels(apart, cv2.DIST_L2, 5)
    return nearest * mask


def _box(cells: np.ndarray, bgr: np.ndarray, number: int, red_cell: float) -> FieldBox | None:
    cell = _largest_piece(cells == number)
    height, width = cell.shape
    x, y, w, h = cv2.boundingRect(cell.astype(np.uint8))
    at_edge = x == 0 or y == 0 or x + w == width or y + h == height
    label = _kind(cell, bgr, red_cell)
    if label is None or max(w, h) > _LONGEST_SIDE * red_cell or (at_edge and label == "platelet"):
        return None
    return FieldBox(label, x / width, y / height, (x + w) / width, (y + h) / height)


def _largest_piece(cell: np.ndarray) -> np.ndarray:
    _, pieces, stats, _ = cv2.connectedComponentsWithStats(cell.astype(np.uint8))
    areas = stats[1:, cv2.CC_STAT_AREA]
    return pieces == 1 + areas.argmax() if areas.size else cell


def _kind(cell: np.ndarray, bgr: np.ndarray, red_cell: float) -> str | None:
    """Classify a cell by area and hue: platelets are small and purple."""
    area = cell.sum() / (np.pi / 4 * red_cell**2)
    if _RED_CELL_AREA[0] < area < _RED_CELL_AREA[1]:
        return "rbc"
    if not _PLATELET_AREA[0] < area < _PLATELET_AREA[1]:
        return None
    blue, green, red = bgr[cell].mean(axis=0) - np.median(bgr, axis=(0, 1))
    return "platelet" if blue - green > 8 and red - green > 0 else None
