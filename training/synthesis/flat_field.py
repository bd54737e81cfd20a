"""A background field as optical density over even plasma, so that pieces of several join unseen."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from training.data import FieldBox
from training.images import read_bgr
from training.synthesis.cutouts import disc

# A corrected field is kept as uint8 with plasma of this value: it is 16 times smaller than its
# density.
_PLASMA = 220.0
_DENSITIES = np.log(_PLASMA / (np.arange(256, dtype=np.float32) + 1)).clip(-0.14, None)
_CELL_DENSITY, _DARKEST_RED_CELL = 0.06, 0.7
# Plasma is within this share of the light that is fitted to it.
_EVEN = 0.05


@dataclass(frozen=True)
class Field:
    """A background field.

    Attributes:
        path: Its file.
        red_cell: Diameter of its red cells in pixels.
        boxes: Its labelled cells.
        scale_bar: Whether its camera wrote one into the lower right corner.
    """

    path: Path
    red_cell: float
    boxes: tuple[FieldBox, ...]
    scale_bar: bool = False


@dataclass(frozen=True)
class FlatField:
    """A flat-field corrected field.

    Attributes:
        bgr: uint8 (H, W, 3) BGR, plasma of 220.
        boxes: The cells that are left in it.
        plasma: Colour between cells before the correction, (3,) BGR in 0..255.
        depth: Mean optical density of the red cells, (3,).
    """

    bgr: np.ndarray
    boxes: tuple[FieldBox, ...]
    plasma: np.ndarray
    depth: np.ndarray


def density_of(bgr: np.ndarray) -> np.ndarray:
    """Return the optical density (float32) of a corrected uint8 image, plasma 0."""
    return cv2.LUT(bgr, _DENSITIES)


@lru_cache(maxsize=1500)
def correct_flat_field(field: Field, whole_cells: bool) -> FlatField:
    """Read a field and correct its illumination.

    Args:
        field: What to read.
        whole_cells: Remove the cells that its edge cuts.
    """
    bgr = read_bgr(field.path)
    bgr = _without_scale_bar(bgr) if field.scale_bar else bgr
    light = _light(bgr)
    even = np.clip(bgr / light * _PLASMA, 0, 255).astype(np.uint8)
    density = density_of(even)
    cells = _cells(density[..., 1], field.red_cell)
    red = (cells > 0) & (density[..., 1] < _DARKEST_RED_CELL)
    depth = density[red].mean(axis=0) if red.any() else np.full(3, 0.2, np.float32)
    plasma = light[::16, ::16].reshape(-1, 3).mean(axis=0)
    if not whole_cells:
        return FlatField(even, field.boxes, plasma, depth)
    boxes = tuple(box for box in field.boxes if not _at_edge(box))
    return FlatField(_cleared(even, _cut_cells(cells, field.boxes)), boxes, plasma, depth)


def _without_scale_bar(bgr: np.ndarray) -> np.ndarray:
    """Inpaint the thin lines and green letters that a camera wrote."""
    height, width = bgr.shape[:2]
    corner = np.s_[int(0.84 * height) : int(0.95 * height), int(0.74 * width) : int(0.97 * width)]
    part = np.ascontiguousarray(bgr[corner])
    thin = cv2.absdiff(part, cv2.medianBlur(part, 21)).max(axis=2) > 18
    green = part[..., 1].astype(np.int16) - part[..., ::2].max(axis=2) > 40
    drawn = cv2.dilate((thin | green).astype(np.uint8), np.ones((3, 3)))
    whole = bgr.copy()
    whole[corner] = cv2.inpaint(part, drawn, 3, cv2.INPAINT_TELEA)
    return whole


def _light(bgr: np.ndarray) -> np.ndarray:
    """Fit a quadratic surface (H, W, 3, float32) to the plasma, the palest pixels."""
    small = cv2.resize(bgr, None, fx=0.125, fy=0.125, interpolation=cv2.INTER_AREA)
    small = small.astype(np.float32)
    terms = _terms(small.shape[:2])
    plasma = small[..., 1] > 0.93 * np.percentile(small[..., 1], 95)
    for used in (1, 3, 6, 6):
        weights, *_ = np.linalg.lstsq(terms[plasma, :used], small[plasma], rcond=None)
        fitted = terms[..., :used] @ weights
        plasma = np.abs(small[..., 1] / fitted[..., 1] - 1) < _EVEN
    weights, *_ = np.linalg.lstsq(terms[plasma], small[plasma], rcond=None)
    return np.maximum(_terms(bgr.shape[:2]) @ weights, 40).astype(np.float32)


def _terms(shape: tuple[int, ...]) -> np.ndarray:
    """Return 1, x, y, x^2, xy, y^2 of every pixel (H, W, 6), in -1..1 from edge to edge."""
    y, x = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j].astype(np.float32)
    return np.stack((np.ones_like(x), x, y, x * x, x * y, y * y), axis=-1)


def _cells(green: np.ndarray, red_cell: float) -> np.ndarray:
    """Return the mask (uint8) of what is denser than plasma in green light."""
    mask = (cv2.GaussianBlur(green, (0, 0), 1) > _CELL_DENSITY).astype(np.uint8)
    return cv2.morphologyEx(mask, cv2.MORPH_OPEN, disc(red_cell * 0.08))


def _cut_cells(cells: np.ndarray, boxes: tuple[FieldBox, ...]) -> np.ndarray:
    """Return the mask (uint8) of cells at the edge, labelled or joined to it; whole ones stay."""
    whole = _ellipses(cells.shape, [box for box in boxes if not _at_edge(box)], 1.1)
    parts = np.asarray(cv2.connectedComponents(cells & ~whole & 1)[1], np.int32)
    frame = (parts[:3], parts[-3:], parts[:, :3], parts[:, -3:])
    joined = np.zeros(int(parts.max()) + 1, np.uint8)
    joined[np.concatenate([part.ravel() for part in frame])] = 1
    joined[0] = 0
    labelled = _ellipses(cells.shape, [box for box in boxes if _at_edge(box)], 1.05)
    cut = (joined[parts] | labelled) & ~whole & 1
    cut[:3], cut[-3:], cut[:, :3], cut[:, -3:] = 1, 1, 1, 1
    return cut


def _ellipses(shape: tuple[int, ...], boxes: list[FieldBox], scale: float) -> np.ndarray:
    """Return the mask (uint8) of the ellipses in boxes, enlarged by `scale`."""
    height, width = shape[:2]
    mask = np.zeros((height, width), np.uint8)
    for box in boxes:
        middle = round((box.x1 + box.x2) / 2 * width), round((box.y1 + box.y2) / 2 * height)
        half = (box.x2 - box.x1) / 2 * width, (box.y2 - box.y1) / 2 * height
        axes = round(half[0] * scale) + 1, round(half[1] * scale) + 1
        cv2.ellipse(mask, middle, axes, 0, 0, 360, 1, cv2.FILLED)
    return mask


def _at_edge(box: FieldBox) -> bool:
    return min(box.x1, box.y1) < 0.006 or max(box.x2, box.y2) > 0.994


def _cleared(even: np.ndarray, cut: np.ndarray) -> np.ndarray:
    """Replace what is cut by plasma, softly."""
    soft = cv2.GaussianBlur(cv2.dilate(cut, disc(7)).astype(np.float32), (0, 0), 1.5)[..., None]
    return (even * (1 - soft) + _PLASMA * soft).astype(np.uint8)
