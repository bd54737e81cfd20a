"""The classifier's images: cells on black as stored, and cells cropped from composites."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from models.cells import Window
from models.images import RgbImage, min_max
from training.augmentation import Augmentation, random_view, restain_on_black, vary
from training.cutouts import CNMC_RED_CELL, PBC_RED_CELL, CutOut, cut_all
from training.data import CnmcCell, DataError, Split, read_cnmc, subject_split

BLAST, NORMAL = 1, 0
CANVAS = 450
"""Side in pixels of a C-NMC image; cells of other sources are put on a black one of that side."""

_CROPS_SHARE = 0.75
_LEAST_BOX = 20.0
_CROP_FACTORS = 1.1, 2.3
_NORMAL_SHARES = {"hem": 0.35, "lymphocyte": 0.15, "txl": 0.2, "smudge": 0.05}


@dataclass(frozen=True)
class CellSource:
    """Where one training cell is: a file, its window there (None: cut out, to be put on black)."""

    path: Path
    window: Window | None
    blast: int
    kind: str
    subject: str


@dataclass(frozen=True)
class Group:
    """Cells of one subject (of one kind where subjects are unknown), and how often it is drawn."""

    cells: tuple[CellSource, ...]
    weight: float


@dataclass(frozen=True)
class Pool:
    """Groups to draw from, of each class, in both views."""

    crops: tuple[tuple[Group, ...], tuple[Group, ...]]
    on_black: tuple[tuple[Group, ...], tuple[Group, ...]]


def make_pool(data: Path, composites: Path, cutouts: Path, splits: Sequence[Split]) -> Pool:
    """Collect the cells of `splits` below `data` and `composites`; raises DataError."""
    return Pool(
        crops=_by_class(crop_sources(composites / "train", splits)),
        on_black=_by_class(black_sources(data, cutouts, splits)),
    )


def crop_sources(folder: Path, splits: Sequence[Split]) -> list[CellSource]:
    """Read cells.csv of a folder of composites, cells of other splits' subjects left out."""
    path = folder / "cells.csv"
    if not path.is_file():
        raise DataError(f"There is no file {path}. Make it: python -m training composites.")
    with path.open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if _side(row) >= _LEAST_BOX]
    return [
        _crop_source(folder, row)
        for row in rows
        if not row["subject"] or subject_split(row["subject"]) in splits
    ]


def black_sources(data: Path, cutouts: Path, splits: Sequence[Split]) -> list[CellSource]:
    """List C-NMC cells as stored, and the other sets' cut-out cells, of `splits`."""
    others = [cell for cell in cut_all(data, cutouts) if not cell.subject and cell.split in splits]
    return stored_sources(data, splits) + [_cut_out(cell) for cell in others]


def stored_sources(data: Path, splits: Sequence[Split]) -> list[CellSource]:
    """List the C-NMC cells of `splits`, on black as stored."""
    return [_stored(cell) for cell in read_cnmc(data) if cell.split in splits]


def training_batch(
    pool: Pool, count: int, size: int, rng: np.random.Generator, strength: Augmentation
) -> tuple[np.ndarray, np.ndarray]:
    """Draw float32 (count, size, size, 3) RGB min-max images and their classes int (count,).

    Half are blasts; three quarters are crops of composites.
    """
    classes = rng.permutation(np.arange(count) % 2)
    images = [_training_image(pool, int(blast), size, rng, strength) for blast in classes]
    return np.stack(images), classes


def upright_crop(rgb: RgbImage, window: Window) -> RgbImage:
    """Cut a window, clipped at the image's edges, as a person would crop a cell."""
    half = window.side / 2
    top, left = (max(0, round(value - half)) for value in (window.y, window.x))
    return rgb[top : round(window.y + half), left : round(window.x + half)]


def read_rgb(path: Path) -> RgbImage:
    """Read an image file as RGB uint8."""
    return np.ascontiguousarray(_read(path)[..., ::-1])


def evaluation_crops(sources: Sequence[CellSource], factor: float = 1.4) -> list[RgbImage]:
    """Crop cells at `factor` times the longer side of their box, RGB uint8 of their own size."""
    return [
        upright_crop(
            read_rgb(source.path),
            Window(source.window.x, source.window.y, factor * source.window.side),
        )
        for source in sources
    ]


def _by_class(sources: list[CellSource]) -> tuple[tuple[Group, ...], tuple[Group, ...]]:
    return tuple(_groups([s for s in sources if s.blast == blast]) for blast in (NORMAL, BLAST))


def _groups(sources: list[CellSource]) -> tuple[Group, ...]:
    """Group cells by subject and kind; within a kind a group counts by the root of its size."""
    cells: dict[tuple[str, str], list[CellSource]] = {}
    for source in sources:
        cells.setdefault((source.kind, source.subject), []).append(source)
    roots = {key: len(members) ** 0.5 for key, members in cells.items()}
    shares = _kind_shares({kind for kind, _ in cells})
    totals = {kind: sum(r for key, r in roots.items() if key[0] == kind) for kind in shares}
    return tuple(
        Group(tuple(members), shares[key[0]] * roots[key] / totals[key[0]])
        for key, members in cells.items()
    )


def _kind_shares(kinds: set[str]) -> dict[str, float]:
    """Share of each kind; kinds without a stated share divide what is left, and all sum to 1."""
    stated = {kind: share for kind, share in _NORMAL_SHARES.items() if kind in kinds}
    rest = sorted(kinds - set(stated))
    left = max(0.0, 1 - sum(_NORMAL_SHARES.values()))
    shares = {**stated, **dict.fromkeys(rest, left / max(1, len(rest)))}
    total = sum(shares.values())
    return {kind: share / total for kind, share in shares.items()}


def _training_image(
    pool: Pool, blast: int, size: int, rng: np.random.Generator, strength: Augmentation
) -> np.ndarray:
    cropped = rng.random() < _CROPS_SHARE
    groups = (pool.crops if cropped else pool.on_black)[blast]
    weights = np.array([group.weight for group in groups])
    group = groups[rng.choice(len(groups), p=weights / weights.sum())]
    source = group.cells[rng.integers(len(group.cells))]
    view = _cropped_view if source.window else _black_view
    bgr = vary(view(source, size, rng, strength), rng, strength)
    return min_max(bgr[..., ::-1])


def _cropped_view(
    source: CellSource, size: int, rng: np.random.Generator, strength: Augmentation
) -> np.ndarray:
    box = source.window
    shift = rng.uniform(-0.1, 0.1, 2) * box.side
    window = Window(box.x + shift[0], box.y + shift[1], box.side * rng.uniform(*_CROP_FACTORS))
    return random_view(_read(source.path), window, size, rng, strength)


def _black_view(
    source: CellSource, size: int, rng: np.random.Generator, strength: Augmentation
) -> np.ndarray:
    window = Window(CANVAS / 2, CANVAS / 2, CANVAS)
    view = random_view(on_black(source.path), window, size, rng, strength, cv2.BORDER_CONSTANT)
    return restain_on_black(view, rng, strength.restain)


def on_black(path: Path) -> np.ndarray:
    """Read a cell on black, BGR uint8: as stored, or a cut-out at C-NMC's scale on its canvas."""
    image = _read(path, cv2.IMREAD_UNCHANGED)
    if image.shape[2] == 3:
        return image
    black = image[..., :3] * (image[..., 3:] > 127)
    scale = min(CNMC_RED_CELL / PBC_RED_CELL, (CANVAS - 2) / max(black.shape[:2]))
    cell = cv2.resize(black, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    canvas = np.zeros((CANVAS, CANVAS, 3), np.uint8)
    top, left = ((CANVAS - side) // 2 for side in cell.shape[:2])
    canvas[top : top + cell.shape[0], left : left + cell.shape[1]] = cell
    return canvas


def _read(path: Path, flags: int = cv2.IMREAD_COLOR) -> np.ndarray:
    image = cv2.imread(str(path), flags)
    if image is None:
        raise DataError(f"{path} cannot be read as an image.")
    return image


def _side(row: dict[str, str]) -> float:
    return max(float(row["x2"]) - float(row["x1"]), float(row["y2"]) - float(row["y1"]))


def _crop_source(folder: Path, row: dict[str, str]) -> CellSource:
    x, y = (float(row["x1"]) + float(row["x2"])) / 2, (float(row["y1"]) + float(row["y2"])) / 2
    return CellSource(
        path=folder / "images" / row["image"],
        window=Window(x, y, _side(row)),
        blast=int(row["label"] == "blast"),
        kind=row["kind"],
        subject=row["subject"],
    )


def _stored(cell: CnmcCell) -> CellSource:
    return CellSource(cell.path, None, int(cell.label == "all"), cell.label, cell.subject)


def _cut_out(cell: CutOut) -> CellSource:
    return CellSource(cell.path, None, NORMAL, cell.kind, cell.subject)
