"""White cells cut out of their backgrounds, once, as RGBA PNG files in a cache folder."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from models.findings import Box
from training.data import CnmcCell, PbcTile, Split, read_cnmc, read_pbc
from training.images import read_bgr
from training.workers import image_workers

# Pixels that a red-cell diameter takes. C-NMC: from the published sizes of its cells against red
# cells (ALL blast 1.75, HEM 1.40), the rim taken off; PBC: from the red cells TXL-PBC labels in it.
CNMC_RED_CELL = 118.0
PBC_RED_CELL = 82.0

_DARK_RIM = 5
_GRABCUT_ITERATIONS = 3


@dataclass(frozen=True)
class CutOut:
    """One cut-out cell: an RGBA PNG cropped to it, and a red cell's diameter in its pixels."""

    path: Path
    kind: str
    subject: str
    source_file: str
    red_cell: float
    split: Split


def cut_all(data: Path, cache: Path, workers: int = 1) -> list[CutOut]:
    """Cut out every C-NMC and PBC cell that is not in the cache yet.

    Args:
        data: Folder of the image sets.
        cache: Folder of the PNG files.
        workers: Processes.

    Returns:
        The cells that could be cut out.

    Raises:
        DataError: A set is missing.
    """
    cache.mkdir(parents=True, exist_ok=True)
    sources = [*read_cnmc(data), *read_pbc(data)]
    with image_workers(workers) as pool:
        jobs = pool.map(_cut, sources, [cache] * len(sources), chunksize=32)
        cells = list(tqdm(jobs, "cut-outs", total=len(sources), mininterval=5))
    return [cell for cell in cells if cell is not None]


def disc(diameter: float) -> np.ndarray:
    """Return a round structuring element (uint8) of an odd diameter in pixels."""
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (int(diameter) | 1,) * 2)


def cut_from_black(rgb: np.ndarray) -> np.ndarray:
    """Return the mask (H, W, bool) of the one cell on black, without its dark rim."""
    bright = (rgb.max(axis=2) > 25).astype(np.uint8)
    opened = cv2.morphologyEx(bright, cv2.MORPH_OPEN, disc(31))
    return cv2.erode(_largest_filled(opened), disc(2 * _DARK_RIM + 1)).astype(bool)


def cut_from_box(rgb: np.ndarray, box: Box) -> np.ndarray:
    """Segment the cell in a box by GrabCut (Rother et al. 2004): mask (H, W, bool)."""
    trimap = _trimap(rgb, box)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)
    no_rectangle = (0, 0, 0, 0)
    cv2.grabCut(rgb, trimap, no_rectangle, *models, _GRABCUT_ITERATIONS, cv2.GC_INIT_WITH_MASK)
    cell = np.isin(trimap, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    opened = cv2.morphologyEx(cell, cv2.MORPH_OPEN, disc(9))
    return cv2.erode(_largest_filled(opened), disc(3)).astype(bool)


def _cut(source: CnmcCell | PbcTile, cache: Path) -> CutOut | None:
    cell = _described(source, cache)
    refused = cell.path.with_suffix(".refused")
    if refused.exists():
        return None
    if not cell.path.exists():
        rgba = _rgba(source)
        if rgba is None:
            refused.touch()
            return None
        cv2.imwrite(str(cell.path), rgba)
    return cell


def _described(source: CnmcCell | PbcTile, cache: Path) -> CutOut:
    name = source.path.name
    path = cache / f"{source.path.stem}.png"
    if isinstance(source, CnmcCell):
        return CutOut(path, source.label, source.subject, name, CNMC_RED_CELL, source.split)
    return CutOut(path, source.kind, "", name, PBC_RED_CELL, source.split)


def _rgba(source: CnmcCell | PbcTile) -> np.ndarray | None:
    """Return the cell as BGRA, or None where the segmentation is implausible."""
    bgr = read_bgr(source.path)
    if isinstance(source, CnmcCell):
        mask = cut_from_black(bgr)
    else:
        mask = cut_from_box(bgr, source.box)
        if not _fills_box(mask, source.box):
            return None
    if not mask.any():
        return None
    x, y, w, h = cv2.boundingRect(mask.astype(np.uint8))
    return np.dstack((bgr, mask.astype(np.uint8) * 255))[y : y + h, x : x + w]


def _fills_box(mask: np.ndarray, box: Box) -> bool:
    """Return whether the mask covers between half and all of its box."""
    x1, y1, x2, y2 = box
    return 0.45 < mask.sum() / ((x2 - x1) * (y2 - y1)) < 0.98


def _trimap(rgb: np.ndarray, box: Box) -> np.ndarray:
    """Mark background outside the box, the nucleus as cell, the rest as likely cell."""
    x1, y1, x2, y2 = (round(edge) for edge in box)
    trimap = np.full(rgb.shape[:2], cv2.GC_BGD, np.uint8)
    cv2.rectangle(trimap, (x1, y1), (x2, y2), int(cv2.GC_PR_BGD), -1)
    middle, axes = ((x1 + x2) // 2, (y1 + y2) // 2), ((x2 - x1) // 2, (y2 - y1) // 2)
    cv2.ellipse(trimap, middle, axes, 0, 0, 360, int(cv2.GC_PR_FGD), -1)
    inside = np.zeros_like(trimap)
    cv2.ellipse(inside, middle, axes, 0, 0, 360, 1, -1)
    green = cv2.GaussianBlur(rgb[..., 1], (0, 0), 2)
    dark = green < np.percentile(green[inside > 0], 35)
    trimap[dark & (inside > 0)] = cv2.GC_FGD
    return trimap


def _largest_filled(mask: np.ndarray) -> np.ndarray:
    """Keep the largest component of a uint8 mask and fill its holes."""
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = np.zeros_like(mask)
    if outlines:
        largest = max(outlines, key=cv2.contourArea)
        cv2.drawContours(filled, [largest], -1, 1, cv2.FILLED)
    return filled
