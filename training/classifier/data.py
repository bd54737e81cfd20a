"""The classifier's images: cells on black, and cells cropped from composites."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from imaging.images import RgbImage, min_max
from models.classifier.cell_views import Window, context_window, cut, segmented_window
from training.classifier.augmentation import Augmentation, random_view, restain_on_black, vary
from training.commands import option
from training.data import (
    PROJECT,
    CnmcCell,
    DataError,
    fold_of,
    read_cnmc,
    read_reviewed,
    row_box,
)
from training.images import read_bgr, read_rgb
from training.synthesis.composites import DEFAULT_SEED, Folders, make_composites
from training.synthesis.cutouts import CNMC_RED_CELL, PBC_RED_CELL, CutOut, cut_all

BLAST, NORMAL = 1, 0
CANVAS = 450
"""Side in pixels of a C-NMC image, and of the black one that cut-outs are put on."""

DEFAULT_FOLD_COMPOSITES = PROJECT / "datasets" / "rounds"
_FOLD_COMPOSITES = 3200
_MIN_BOX = 20.0
_CROP_ZOOMS = 0.8, 1.4
_CROP_SHARES = {"hem": 0.4, "lymphocyte": 0.15, "txl": 0.15, "smudge": 0.05}
_BLACK_SHARES = {"hem": 0.7, "lymphocyte": 0.1}


@dataclass(frozen=True)
class CellSource:
    """Where one cell is.

    Attributes:
        path: Its image file.
        window: What to show of it; None for a cut-out, to be put on black.
        blast: `BLAST` or `NORMAL`.
        kind: "all", "hem" or what a set calls it.
        subject: The person, empty where unknown.
    """

    path: Path
    window: Window | None
    blast: int
    kind: str
    subject: str


@dataclass(frozen=True)
class Group:
    """Cells of one subject, or kind of unknown subjects, and their weight."""

    cells: tuple[CellSource, ...]
    weight: float


def as_it_is(bgr: np.ndarray) -> np.ndarray:
    """Return an image unchanged."""
    return bgr


@dataclass(frozen=True)
class Pool:
    """Groups to draw training images from.

    Attributes:
        crops: Of each class, cells with their surroundings.
        on_black: Of each class, cells on black.
        black_share: Share of the images that are on black, 0..1.
        prepare: Done last to every image, uint8 BGR to the same.
    """

    crops: tuple[tuple[Group, ...], ...]
    on_black: tuple[tuple[Group, ...], ...]
    black_share: float
    prepare: Callable[[np.ndarray], np.ndarray] = as_it_is


@dataclass(frozen=True)
class Places(Folders):
    """Where the classifier's images are, and what they are made of."""

    fold_composites: Path = option(
        DEFAULT_FOLD_COMPOSITES, "composites with the test split's cells, made where missing"
    )


def make_pool(places: Places, held_out: str, black_share: float = 0.5) -> Pool:
    """Collect the training cells of a fold.

    Args:
        places: Where they are.
        held_out: The fold, of `FOLDS`, whose subjects are left out.
        black_share: Share of the images drawn that are on black, 0..1.

    Raises:
        DataError: A set or the composites are missing.
    """

    def known(source: CellSource) -> bool:
        return not source.subject or fold_of(source.subject) != held_out

    crops = crop_sources(places.composites / "train") + _with_subject(fold_crops(places))
    crops += reviewed_sources(places.data)
    black = stored_sources(places.data) + _lone_cut_outs(places)
    return Pool(
        crops=_by_class(filter(known, crops), _CROP_SHARES),
        on_black=_by_class(filter(known, black), _BLACK_SHARES),
        black_share=black_share,
    )


def pool_on_black(sources: Iterable[CellSource]) -> Pool:
    """Make a pool of cells on black alone."""
    return Pool(crops=((), ()), on_black=_by_class(sources, {}), black_share=1.0)


def held_out_sources(places: Places, held_out: str) -> dict[str, list[CellSource]]:
    """List the cells of a fold's held-out subjects, by view.

    Among the crops are also white cells of the test split whose donors are unknown: no fold trains
    on them.
    """
    crops = _with_subject(crop_sources(places.composites / "train")) + fold_crops(places)
    crops += reviewed_sources(places.data)
    return {
        "black": [s for s in stored_sources(places.data) if fold_of(s.subject) == held_out],
        "crop": [s for s in crops if not s.subject or fold_of(s.subject) == held_out],
    }


@cache
def fold_crops(places: Places) -> list[CellSource]:
    """List the crops of composites with the test split's cells, made where missing."""
    folder = make_composites(
        places.data,
        places.fold_composites,
        places.cutouts,
        "test",
        _FOLD_COMPOSITES,
        DEFAULT_SEED,
        2,
    )
    return crop_sources(folder)


def crop_sources(folder: Path) -> list[CellSource]:
    """Read cells.csv of a folder of composites, specks left out."""
    path = folder / "cells.csv"
    if not path.is_file():
        raise DataError(f"There is no file {path}. Make it: python -m training composites.")
    with path.open(newline="") as stream:
        return [_crop_source(folder, r) for r in csv.DictReader(stream) if _side(r) >= _MIN_BOX]


def stored_sources(data: Path) -> list[CellSource]:
    """List the C-NMC cells, on black as stored."""
    return [_stored(cell) for cell in read_cnmc(data)]


def reviewed_sources(data: Path) -> list[CellSource]:
    """List the cells that people classified in signed cases, cropped."""
    return [
        CellSource(
            path=cell.path,
            window=context_window(cell.box),
            blast=int(cell.label == "blast"),
            kind="all" if cell.label == "blast" else cell.label,
            subject=cell.subject,
        )
        for cell in read_reviewed(data)
    ]


def training_batch(
    pool: Pool, count: int, size: int, rng: np.random.Generator, strength: Augmentation
) -> tuple[np.ndarray, np.ndarray]:
    """Draw a batch in which every class is as frequent as the others.

    Args:
        pool: To draw from.
        count: Images of the batch.
        size: Their side in pixels.
        rng: Draws cells and variation.
        strength: How much images are varied.

    Returns:
        float32 (count, size, size, 3) RGB, min-max scaled, and classes, int (count,).
    """
    classes = rng.permutation(np.arange(count) % len(pool.crops))
    images = [_training_image(pool, int(drawn), size, rng, strength) for drawn in classes]
    return np.stack(images), classes


def classifier_view(source: CellSource) -> RgbImage:
    """Return the square of a cell that the served classifier gets, RGB uint8."""
    if source.window is None:
        rgb = np.ascontiguousarray(on_black(source.path)[..., ::-1])
        return cut(rgb, segmented_window(rgb), "black")
    return cut(read_rgb(source.path), source.window, "crop")


def _with_subject(sources: list[CellSource]) -> list[CellSource]:
    return [source for source in sources if source.subject]


def _lone_cut_outs(places: Places) -> list[CellSource]:
    cells = cut_all(places.data, places.cutouts)
    return [_cut_out(cell) for cell in cells if not cell.subject and cell.split == "train"]


def _by_class(
    sources: Iterable[CellSource], shares: dict[str, float]
) -> tuple[tuple[Group, ...], tuple[Group, ...]]:
    known = list(sources)
    normal, blasts = (
        _groups([source for source in known if source.blast == blast], shares)
        for blast in (NORMAL, BLAST)
    )
    return normal, blasts


def _groups(sources: list[CellSource], stated: dict[str, float]) -> tuple[Group, ...]:
    """Group cells by subject and kind; within a kind a group counts by the root of its size."""
    cells: dict[tuple[str, str], list[CellSource]] = {}
    for source in sources:
        cells.setdefault((source.kind, source.subject), []).append(source)
    roots = {key: len(members) ** 0.5 for key, members in cells.items()}
    shares = _kind_shares({kind for kind, _ in cells}, stated)
    totals = {kind: sum(r for key, r in roots.items() if key[0] == kind) for kind in shares}
    return tuple(
        Group(tuple(members), shares[key[0]] * roots[key] / totals[key[0]])
        for key, members in cells.items()
    )


def _kind_shares(kinds: set[str], stated: dict[str, float]) -> dict[str, float]:
    """Return each kind's share; those without a stated one divide the rest."""
    there = {kind: share for kind, share in stated.items() if kind in kinds}
    rest = sorted(kinds - set(there))
    left = max(0.0, 1 - sum(stated.values()))
    shares = {**there, **dict.fromkeys(rest, left / max(1, len(rest)))}
    total = sum(shares.values())
    return {kind: share / total for kind, share in shares.items()}


def _training_image(
    pool: Pool, drawn: int, size: int, rng: np.random.Generator, strength: Augmentation
) -> np.ndarray:
    groups = (pool.on_black if rng.random() < pool.black_share else pool.crops)[drawn]
    weights = np.array([group.weight for group in groups])
    group = groups[rng.choice(len(groups), p=weights / weights.sum())]
    source = group.cells[rng.integers(len(group.cells))]
    bgr = vary(_random_view(source, size, rng, strength), rng, strength)
    return min_max(pool.prepare(bgr)[..., ::-1])


def _random_view(
    source: CellSource, size: int, rng: np.random.Generator, strength: Augmentation
) -> np.ndarray:
    if source.window is not None:
        window = _moved(source.window, 0.07, rng.uniform(*_CROP_ZOOMS), rng)
        return random_view(read_bgr(source.path), window, size, rng, strength)
    image = on_black(source.path)
    window = _moved(segmented_window(image), 0.03, 1.0, rng)
    view = random_view(image, window, size, rng, strength, cv2.BORDER_CONSTANT)
    return restain_on_black(view, rng, strength.restain)


def _moved(window: Window, most: float, zoom: float, rng: np.random.Generator) -> Window:
    """Shift a window by at most a share of its side, and widen it by `zoom`."""
    x, y = rng.uniform(-most, most, 2) * window.side
    return Window(window.x + x, window.y + y, window.side * zoom)


def on_black(path: Path) -> np.ndarray:
    """Read a cell on black (BGR uint8), or put a cut-out there at C-NMC's scale."""
    image = read_bgr(path, cv2.IMREAD_UNCHANGED)
    if image.shape[2] == 3:
        return image
    black = image[..., :3] * (image[..., 3:] > 127)
    scale = min(CNMC_RED_CELL / PBC_RED_CELL, (CANVAS - 2) / max(black.shape[:2]))
    cell = cv2.resize(black, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    canvas = np.zeros((CANVAS, CANVAS, 3), np.uint8)
    top, left = ((CANVAS - side) // 2 for side in cell.shape[:2])
    canvas[top : top + cell.shape[0], left : left + cell.shape[1]] = cell
    return canvas


def _side(row: dict[str, str]) -> float:
    return max(float(row["x2"]) - float(row["x1"]), float(row["y2"]) - float(row["y1"]))


def _crop_source(folder: Path, row: dict[str, str]) -> CellSource:
    return CellSource(
        path=folder / "images" / row["image"],
        window=context_window(row_box(row)),
        blast=int(row["label"] == "blast"),
        kind=row["kind"],
        subject=row["subject"],
    )


def _stored(cell: CnmcCell) -> CellSource:
    return CellSource(cell.path, None, int(cell.label == "all"), cell.label, cell.subject)


def _cut_out(cell: CutOut) -> CellSource:
    return CellSource(cell.path, None, NORMAL, cell.kind, cell.subject)
