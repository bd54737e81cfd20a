"""Segmentation of the one cell in the middle of an image."""

from __future__ import annotations

import cv2
import numpy as np
from skimage.filters import threshold_multiotsu

from core.geometry import Box
from training.synthesis.cutouts import cut_from_black, cut_from_box, disc

_CLASSES = 3
_BRIDGE = 0.3
"""Width of what is cut off the cell, in widths of its box."""

_SURROUNDINGS = 0.8
"""How much of what is round a box is looked at, in its longer side."""

_CUT_SIDE = 160
"""Largest side of a box in pixels when its cell is cut out; the network sees it smaller."""

_NUCLEUS_MARGIN = 0.22
"""How far the cell is looked for beyond its nucleus, in lengths of the nucleus' box."""


def central_cell(bgr: np.ndarray, box: Box | None = None) -> np.ndarray:
    """Return the mask of the cell in the middle of an image.

    Args:
        bgr: uint8 image (h, w, 3).
        box: x1, y1, x2, y2 in pixels, where somebody has labelled it.

    Returns:
        Boolean mask (h, w); empty where no nucleus is found.
    """
    if box is None:
        box = _box_round_nucleus(bgr)
    if box is None:
        return np.zeros(bgr.shape[:2], bool)
    mask = _cut_near(bgr, box).astype(np.uint8)
    width = min(box[2] - box[0], box[3] - box[1])
    # Red cells that touch hang on by a narrow bridge.
    opened = cv2.morphologyEx(mask, cv2.MORPH_OPEN, disc(_BRIDGE * width))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(opened)
    if count == 1:
        return mask.astype(bool)
    return labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))


def _cut_near(bgr: np.ndarray, box: Box) -> np.ndarray:
    """Cut a cell out of its surroundings alone, shrunk: a whole field takes ten times as long."""
    x1, y1, x2, y2 = box
    side = max(x2 - x1, y2 - y1)
    margin = _SURROUNDINGS * side
    left, top = int(max(0, x1 - margin)), int(max(0, y1 - margin))
    near = np.s_[top : int(y2 + margin) + 1, left : int(x2 + margin) + 1]
    part = bgr[near]
    scale = min(1.0, _CUT_SIDE / side)
    small = cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    left_edge, top_edge = scale * (x1 - left), scale * (y1 - top)
    inside = left_edge, top_edge, left_edge + scale * (x2 - x1), top_edge + scale * (y2 - y1)
    cut = cut_from_box(small, inside).astype(np.float32)
    mask = np.zeros(bgr.shape[:2], bool)
    mask[near] = cv2.resize(cut, part.shape[1::-1], interpolation=cv2.INTER_LINEAR) >= 0.5
    return mask


def cell_on_black(bgr: np.ndarray) -> np.ndarray:
    """Return the boolean mask (h, w) of a cell stored on black, without its dark rim."""
    return cut_from_black(bgr)


def box_of(mask: np.ndarray) -> Box:
    """Return the tightest box round a mask that is not empty, in pixels."""
    rows, columns = np.nonzero(mask)
    return (
        float(columns.min()),
        float(rows.min()),
        float(columns.max() + 1),
        float(rows.max() + 1),
    )


def _box_round_nucleus(bgr: np.ndarray) -> Box | None:
    nucleus = _nucleus(bgr)
    if not nucleus.any():
        return None
    x1, y1, x2, y2 = box_of(nucleus)
    height, width = bgr.shape[:2]
    margin = _NUCLEUS_MARGIN * max(x2 - x1, y2 - y1)
    edges = max(1, x1 - margin), max(1, y1 - margin)
    return (*edges, min(width - 2, x2 + margin), min(height - 2, y2 + margin))


def _nucleus(bgr: np.ndarray) -> np.ndarray:
    """Return the darkest of three classes (Otsu 1979) near the middle: the nucleus."""
    # Of all that is stained, nuclei alone absorb red.
    red = cv2.GaussianBlur(bgr[..., 2], (0, 0), 2)
    if len(np.unique(red)) < _CLASSES:
        return np.zeros(red.shape, bool)
    dark = (red <= threshold_multiotsu(red, _CLASSES)[0]).astype(np.uint8)
    dark = cv2.morphologyEx(dark, cv2.MORPH_OPEN, disc(7))
    _, labels, stats, centres = cv2.connectedComponentsWithStats(dark)
    middle = np.array(bgr.shape[1::-1]) / 2
    near = [
        number
        for number in range(1, len(stats))
        if np.linalg.norm(centres[number] - middle) < min(bgr.shape[:2]) * 0.22
        and stats[number, cv2.CC_STAT_AREA] > 80
    ]
    return np.isin(labels, near)
