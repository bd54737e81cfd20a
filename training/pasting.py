"""One cut-out cell made ready for a field (size, turn, stain, rim, blur), and pasted into it."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from training.cutouts import CutOut, disc
from training.stain import crisper, optical_density, restain, transmitted

# Thin cytoplasm that C-NMC's cut-outs lack: as likely on a blast as not, on HEM cells less so,
# because most of them have none either and the rim must not give the class away.
_RIM_SHARE = {"all": 0.5, "hem": 0.35}
_CRISP_SHARE = 0.5


@dataclass(frozen=True)
class Patch:
    """A cell ready to paste: optical density (H, W, 3) and opacity (H, W, 0..1), both float32."""

    density: np.ndarray
    opacity: np.ndarray

    @property
    def radius(self) -> float:
        """Radius in pixels of the disc with the cell's area."""
        return float(np.sqrt((self.opacity > 0.5).sum() / np.pi))


def ready(
    cell: CutOut, red_cell: float, stain: np.ndarray, smudge: bool, rng: np.random.Generator
) -> Patch:
    """Size a cell against `red_cell` (pixels), turn it, and stain it to the field's `stain` (3,).

    A smudge is a cell stretched and blurred beyond recognition of its kind.
    """
    rgba = _turned(_sized(cell, red_cell * float(np.exp(rng.normal(0, 0.07)))), rng)
    inside = rgba[..., 3] > 127
    density = restain(optical_density(rgba[..., :3]), inside, stain * rng.normal(1, 0.07))
    density = np.where(inside[..., None], density, density[inside].mean(axis=0))
    if cell.kind in _RIM_SHARE and rng.random() < _CRISP_SHARE:
        density = crisper(
            density, max(red_cell * rng.uniform(0.03, 0.07), 0.6), rng.uniform(0.5, 3)
        )
    patch = Patch(density, _feathered(inside, red_cell * rng.uniform(0.01, 0.04)))
    if smudge:
        return _smudged(patch, red_cell, rng)
    if rng.random() < _RIM_SHARE.get(cell.kind, 0):
        return _with_rim(patch, red_cell, stain, rng)
    return patch


def paste(bgr: np.ndarray, patch: Patch, centre: tuple[float, float], light: np.ndarray) -> None:
    """Draw a patch into a uint8 field in place, lit by `light` (3,); parts outside are cut off."""
    height, width = patch.opacity.shape
    left, top = round(centre[0] - width / 2), round(centre[1] - height / 2)
    x1, y1 = max(left, 0), max(top, 0)
    x2, y2 = min(left + width, bgr.shape[1]), min(top + height, bgr.shape[0])
    part = np.s_[y1 - top : y2 - top, x1 - left : x2 - left]
    opacity = patch.opacity[part][..., None]
    under = bgr[y1:y2, x1:x2]
    cell = transmitted(patch.density[part], light)
    bgr[y1:y2, x1:x2] = (opacity * cell + (1 - opacity) * under).round()


def extent(patch: Patch, centre: tuple[float, float]) -> tuple[float, float, float, float]:
    """Return the box (x1, y1, x2, y2, pixels of the field) of a patch pasted at `centre`."""
    height, width = patch.opacity.shape
    left, top = round(centre[0] - width / 2), round(centre[1] - height / 2)
    x, y, w, h = cv2.boundingRect((patch.opacity > 0.5).astype(np.uint8))
    return left + x, top + y, left + x + w, top + y + h


@lru_cache(maxsize=1000)
def _decoded(path: Path) -> np.ndarray:
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


def _sized(cell: CutOut, red_cell: float) -> np.ndarray:
    scale = red_cell / cell.red_cell
    return cv2.resize(_decoded(cell.path), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def _turned(rgba: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Flip and rotate about the middle of a larger square that also leaves room for a rim."""
    height, width = rgba.shape[:2]
    side = int(np.hypot(height, width) * 1.25) + 4
    flipped = rgba[:, ::-1] if rng.random() < 0.5 else rgba
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(0, 360), 1)
    turn[:, 2] += (side - width) / 2, (side - height) / 2
    return cv2.warpAffine(np.ascontiguousarray(flipped), turn, (side, side))


def _feathered(inside: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(inside.astype(np.float32), (0, 0), max(sigma, 0.5))


def _with_rim(patch: Patch, red_cell: float, stain: np.ndarray, rng: np.random.Generator) -> Patch:
    """Lay a pale, uneven ring of cytoplasm round a patch."""
    core = (patch.opacity > 0.5).astype(np.uint8)
    width = max(red_cell * rng.uniform(0.05, 0.16), 1)
    grown = cv2.dilate(core, disc(2 * width + 1))
    aside = np.float32(
        [[1, 0, rng.uniform(-0.6, 0.6) * width], [0, 1, rng.uniform(-0.6, 0.6) * width]]
    )
    grown = cv2.warpAffine(grown, aside, grown.shape[::-1]) | core
    pale = (stain * rng.uniform(0.12, 0.4) * np.exp(rng.normal(0, 0.1, 3))).astype(np.float32)
    nucleus = patch.opacity[..., None]
    density = nucleus * patch.density + (1 - nucleus) * pale
    return Patch(density, _feathered(grown > 0, red_cell * 0.02))


def _smudged(patch: Patch, red_cell: float, rng: np.random.Generator) -> Patch:
    sigma = red_cell * rng.uniform(0.1, 0.22)
    stretch = rng.uniform(1, 1.4)
    soft = (cv2.GaussianBlur(part, (0, 0), sigma) for part in (patch.density, patch.opacity))
    density, opacity = (cv2.resize(part, None, fx=stretch, fy=1) for part in soft)
    return Patch(density * np.float32(rng.uniform(0.4, 0.9)), opacity)
