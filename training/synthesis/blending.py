"""A cut-out cell prepared for a field (size, turn, stain, sharpness) and blended in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from training.images import read_bgr
from training.synthesis.cutouts import CutOut, disc
from training.synthesis.cytoplasm import with_cytoplasm
from training.synthesis.elements import Elements
from training.synthesis.patches import Patch, feathered
from training.synthesis.stain import crisper, field_stain, nucleus_density, optical_density, restain

_FROM_BLACK = ("all", "hem")
_RIM_SHARE = 0.7
# Mean and deviation of the logarithm of a size factor. Blasts and normal precursors vary alike:
# so widely that small blasts are as small as lymphocytes, and size tells the two apart less well
# than in C-NMC itself.
_SIZES_FROM_BLACK, _SIZES_OF_TILES = (-0.05, 0.13), (0, 0.08)
# A cell of this share of its convex hull's area is most likely two, or a part of one.
_LEAST_SOLID = 0.87


@dataclass(frozen=True)
class Look:
    """What all cells of a field share.

    Attributes:
        stain: Optical density of nuclei, (3,), BGR.
        cytoplasm: That of cytoplasm.
        contrast: Factor for the chromatin of cells cut out on black.
        softness: Blur of cells from tiles, which are sharper: sigma in red-cell diameters.
        size: Factor for all diameters.
        elements: Which elements are drawn.
    """

    stain: np.ndarray
    cytoplasm: np.ndarray
    contrast: float
    softness: float
    size: float
    elements: Elements


def draw_look(stain: np.ndarray, elements: Elements, rng: np.random.Generator) -> Look:
    """Draw a field's look; its cytoplasm lies between lilac and basophilic blue."""
    blue = np.array((0.22, 0.9, 1.0)) * np.clip(stain[1], 0.5, 1.3) * rng.uniform(0.2, 0.55)
    cytoplasm = stain * rng.uniform(0.15, 0.35)
    cytoplasm = cytoplasm + (blue - cytoplasm) * rng.uniform(0, 1)
    contrast = float(np.exp(rng.normal(1.0, 0.3))) if elements.chromatin else 1.0
    softness = rng.uniform(0, 0.05) if elements.chromatin else 0.0
    return Look(stain, cytoplasm, contrast, softness, float(np.exp(rng.normal(0, 0.07))), elements)


def usable(cell: CutOut) -> bool:
    """Return whether a cut-out is one whole cell, by how convex it is."""
    return _decoded(cell)[1] >= _LEAST_SOLID


def prepare_patch(
    cell: CutOut, red_cell: float, look: Look, smudge: bool, rng: np.random.Generator
) -> Patch:
    """Scale and turn a cell, and give it the field's look.

    Args:
        cell: What was cut out.
        red_cell: Diameter of the field's red cells in pixels.
        look: The field's.
        smudge: Stretch and blur the cell beyond recognition of its kind.
        rng: Draws all else.
    """
    from_black = cell.kind in _FROM_BLACK
    rim = bool(look.elements.rim and from_black and rng.random() < _RIM_SHARE)
    # Half of the cytoplasm comes on top of the cut-out's size: its own was partly cut off.
    width = float(rng.triangular(0.02, 0.09, 0.3)) if rim else 0.0
    spread = rng.normal(*(_SIZES_FROM_BLACK if from_black else _SIZES_OF_TILES))
    size = look.size * float(np.exp(spread)) * (1 - 0.5 * width)
    rgba = _turned(_sized(cell, red_cell * size), rng)
    inside = rgba[..., 3] > 127
    stain = look.stain if look.elements.shared_stain else field_stain(rng)
    density = restain(optical_density(rgba[..., :3]), inside, stain * rng.normal(1, 0.07))
    if look.elements.chromatin:
        density = _structured(density, inside, from_black, red_cell, look, rng)
    patch = Patch(density.astype(np.float32), feathered(inside, red_cell * rng.uniform(0.01, 0.03)))
    if smudge:
        return _smudged(patch, red_cell, rng)
    return with_cytoplasm(patch, red_cell, width, look.cytoplasm, rng) if rim else patch


def blend(density: np.ndarray, patch: Patch, centre: tuple[float, float]) -> None:
    """Blend a patch into a density map (H, W, 3) in place, clipped to it."""
    height, width = patch.opacity.shape
    left, top = round(centre[0] - width / 2), round(centre[1] - height / 2)
    x1, y1 = max(left, 0), max(top, 0)
    x2, y2 = min(left + width, density.shape[1]), min(top + height, density.shape[0])
    if x1 >= x2 or y1 >= y2:
        return
    part = np.s_[y1 - top : y2 - top, x1 - left : x2 - left]
    opacity = patch.opacity[part][..., None]
    under = density[y1:y2, x1:x2]
    density[y1:y2, x1:x2] = opacity * patch.density[part] + (1 - opacity) * under


def extent(patch: Patch, centre: tuple[float, float]) -> tuple[float, float, float, float]:
    """Return the box of a patch placed at a centre, in pixels of the field."""
    height, width = patch.opacity.shape
    left, top = round(centre[0] - width / 2), round(centre[1] - height / 2)
    x, y, w, h = cv2.boundingRect((patch.opacity > 0.5).astype(np.uint8))
    return left + x, top + y, left + x + w, top + y + h


@lru_cache(maxsize=3500)
def _decoded(cell: CutOut) -> tuple[np.ndarray, float]:
    """Read a cell (uint8 BGRA) without red cells, and its share of its convex hull."""
    rgba = read_bgr(cell.path, cv2.IMREAD_UNCHANGED)
    mask = (rgba[..., 3] > 127).astype(np.uint8)
    if cell.kind in _FROM_BLACK:
        mask = _without_red_cells(rgba, mask)
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not outlines:
        return rgba, 0.0
    outline = max(outlines, key=cv2.contourArea)
    kept = cv2.drawContours(np.zeros_like(mask), [outline], -1, 255, cv2.FILLED)
    hull = cv2.contourArea(cv2.convexHull(outline))
    return _spread(rgba[..., :3], kept), cv2.contourArea(outline) / max(hull, 1.0)


def _spread(bgr: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return BGRA with a cell's colours spread beyond its mask (0 or 255).

    Otherwise black from outside would draw a line round each cell when it is resized and turned.
    """
    inside = (mask > 0).astype(np.float32)
    weight = cv2.blur(inside, (25, 25)) + 1e-6
    near = cv2.blur(bgr * inside[..., None], (25, 25)) / weight[..., None]
    mean = bgr[mask > 0].mean(axis=0)
    near = np.where(weight[..., None] > 0.01, near, mean)
    filled = np.where(mask[..., None] > 0, bgr, near).round().astype(np.uint8)
    return np.dstack((filled, mask))


def _without_red_cells(rgba: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Remove what absorbs blue more than red light, as haemoglobin does."""
    blue, _, red = cv2.split(cv2.GaussianBlur(rgba[..., :3], (0, 0), 2))
    nucleus = ((blue.astype(np.int16) - red > -6) & (mask > 0)).astype(np.uint8)
    return cv2.morphologyEx(nucleus, cv2.MORPH_OPEN, disc(15))


def _sized(cell: CutOut, red_cell: float) -> np.ndarray:
    scale = red_cell / cell.red_cell
    rgba, _ = _decoded(cell)
    return cv2.resize(rgba, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def _turned(rgba: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Flip and rotate in a larger square, with room for a rim of cytoplasm."""
    height, width = rgba.shape[:2]
    side = int(np.hypot(height, width) * 1.3) + 6
    flipped = rgba[:, ::-1] if rng.random() < 0.5 else rgba
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(0, 360), 1)
    turn[:, 2] += (side - width) / 2, (side - height) / 2
    flipped = np.ascontiguousarray(flipped)
    # Beyond the cut-out its outermost colours go on, unseen: there the opacity is none.
    turned = cv2.warpAffine(flipped, turn, (side, side), borderMode=cv2.BORDER_REPLICATE)
    turned[..., 3] = cv2.warpAffine(flipped[..., 3], turn, (side, side))
    return turned


def _structured(
    density: np.ndarray,
    inside: np.ndarray,
    from_black: bool,
    red_cell: float,
    look: Look,
    rng: np.random.Generator,
) -> np.ndarray:
    """Bring the chromatin of both kinds of cut-outs together.

    Cells on black hold a quarter of the contrast that nuclei have in fields; those of tiles are
    sharper than most fields.
    """
    if not from_black:
        return cv2.GaussianBlur(density, (0, 0), max(red_cell * look.softness, 0.2))
    level = nucleus_density(density, inside)
    change = look.contrast * rng.uniform(0.8, 1.25) * (density / level - 1)
    density = level * (1 + 0.4 * np.tanh(change / 0.4))
    sigma = max(red_cell * rng.uniform(0.02, 0.05), 0.6)
    return crisper(density.astype(np.float32), sigma, rng.uniform(0.3, 1.5))


def _smudged(patch: Patch, red_cell: float, rng: np.random.Generator) -> Patch:
    """Stretch, fray and thin a cell."""
    margin = patch.opacity.shape[0] // 2
    whole = cv2.copyMakeBorder(patch.density, margin, margin, margin, margin, cv2.BORDER_REPLICATE)
    opacity = cv2.copyMakeBorder(patch.opacity, margin, margin, margin, margin, cv2.BORDER_CONSTANT)
    side = opacity.shape[0]
    y, x = np.mgrid[:side, :side].astype(np.float32)
    grain = rng.normal(0, 1, (2, side, side)).astype(np.float32)
    wave = red_cell * rng.uniform(0.08, 0.2)
    dx, dy = (_even(cv2.GaussianBlur(one, (0, 0), wave)) * red_cell * 0.25 for one in grain)
    stretch = rng.uniform(0.7, 1)
    middle = side / 2
    x, y = middle + (x - middle) * stretch + dx, y + dy
    sigma = red_cell * rng.uniform(0.03, 0.12)
    parts = (
        cv2.GaussianBlur(cv2.remap(part, x, y, cv2.INTER_LINEAR), (0, 0), sigma)
        for part in (whole, opacity)
    )
    density, opacity = parts
    return Patch(density * np.float32(rng.uniform(0.35, 0.8)), opacity)


def _even(noise: np.ndarray) -> np.ndarray:
    return noise / max(float(noise.std()), 1e-6)
