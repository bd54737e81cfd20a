"""Make smear fields with known cells: cut-out cells pasted into fields without blasts.

Writes OUT/SPLIT/images/000000.jpg (512 px), OUT/SPLIT/labels/000000.txt (YOLO: blast, wbc, rbc,
platelet) and OUT/SPLIT/cells.csv, one row a white cell. An image depends on seed, split and number
alone; what is already there is kept, so that an interrupted run goes on (another seed needs another
folder).

Cells of a split come from subjects of that split alone, but for `train`: a quarter of its images
take their C-NMC cells from val subjects (all of the image's cells, so that a reader of cells.csv
can leave such images out by subject).
"""

import argparse
import csv
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from training.backgrounds import VISIBLE_SHARE, Backgrounds, Box, Piece
from training.cutouts import CutOut, cut_all
from training.data import (
    DEFAULT_DATA,
    PROJECT,
    SPLITS,
    DataError,
    FieldBox,
    Split,
    yolo_line,
)
from training.pasting import Patch, extent, paste, ready
from training.stain import nucleus_density, optical_density, random_stain, vary_field
from training.workers import image_workers

SIDE = 512
COUNTS: dict[Split, int] = {"train": 12000, "val": 400, "test": 400}
DEFAULT_SEED = 1
DEFAULT_OUT = PROJECT / "datasets" / "composites"
DEFAULT_CACHE = PROJECT / "datasets" / "cutouts"

_PLAIN_SHARE = 0.12
_VAL_SUBJECTS_SHARE = 0.25
_HEM_SHARE, _LYMPHOCYTE_SHARE, _SMUDGE_SHARE = 0.45, 0.15, 0.06
_MOST_CELLS = 22


@dataclass(frozen=True)
class WhiteCell:
    """A row of cells.csv: a white cell of a composite; x1, y1, x2, y2 in its pixels."""

    image: str
    x1: float
    y1: float
    x2: float
    y2: float
    label: str
    kind: str
    subject: str
    source_file: str
    clustered: int


@dataclass(frozen=True)
class Pasted:
    """A cell as planned: what it is, its pixels, where its centre lies."""

    cell: CutOut
    smudge: bool
    patch: Patch
    centre: tuple[float, float]

    @property
    def label(self) -> str:
        """`blast` or `wbc`; a smudge is never called a blast."""
        return "blast" if self.cell.kind == "all" and not self.smudge else "wbc"

    @property
    def box(self) -> Box:
        """The box in the field, unclipped."""
        return Box(self.label, *extent(self.patch, self.centre), self.cell.path.stem)


class CellPool:
    """The cut-out cells of one group, drawn so that no subject and no kind dominates."""

    def __init__(self, cells: list[CutOut]) -> None:
        """Group blasts and HEM cells by subject, PBC cells by kind."""
        self._groups: dict[str, dict[str, list[CutOut]]] = {"all": {}, "hem": {}, "pbc": {}}
        for cell in cells:
            group = cell.kind if cell.kind in self._groups else "pbc"
            name = cell.subject or cell.kind
            self._groups[group].setdefault(name, []).append(cell)
        empty = [group for group, names in self._groups.items() if not names]
        if empty:
            raise DataError(f"No cells to paste of: {', '.join(empty)}.")

    def draw(self, blast: bool, rng: np.random.Generator) -> CutOut:
        """Draw a blast, or a white cell of any other kind."""
        if blast:
            return self._from("all", rng)
        if rng.random() < _HEM_SHARE:
            return self._from("hem", rng)
        lymphocytes = self._groups["pbc"].get("lymphocyte")
        if lymphocytes and rng.random() < _LYMPHOCYTE_SHARE / (1 - _HEM_SHARE):
            return lymphocytes[int(rng.integers(len(lymphocytes)))]
        return self._from("pbc", rng)

    def _from(self, group: str, rng: np.random.Generator) -> CutOut:
        names = list(self._groups[group].values())
        weights = np.sqrt([len(cells) for cells in names])
        cells = names[int(rng.choice(len(names), p=weights / weights.sum()))]
        return cells[int(rng.integers(len(cells)))]


class Painter:
    """Paints composites of one split; the same number gives the same image."""

    def __init__(
        self, data: Path, cache: Path, cells: list[CutOut], split: Split, seed: int
    ) -> None:
        """Take the fields and cells of `split`; boxes of fields are kept in `cache`."""
        self._backgrounds = Backgrounds(data, cache, split)
        lone = [cell for cell in cells if not cell.subject and cell.split == split]
        groups: tuple[Split, ...] = ("train", "val") if split == "train" else (split,)
        self._pools = [
            CellPool(lone + [cell for cell in cells if cell.subject and cell.split == group])
            for group in groups
        ]
        self._key = (seed, SPLITS.index(split))

    def paint(self, number: int) -> tuple[np.ndarray, list[Box], list[WhiteCell], int]:
        """Return image (uint8, BGR), all boxes, rows for cells.csv and the JPEG quality."""
        rng = np.random.default_rng((*self._key, number))
        pool = self._pools[-1 if rng.random() < _VAL_SUBJECTS_SHARE else 0]
        piece = self._backgrounds.draw(rng, SIDE)
        pasted = [] if rng.random() < _PLAIN_SHARE else _plan(pool, piece, rng)
        light = _light_of(piece.bgr)
        for cell in pasted:
            paste(piece.bgr, cell.patch, cell.centre, light)
        own = _uncovered(piece.boxes, pasted)
        boxes = own + [cell.box.clipped(SIDE, SIDE) for cell in pasted]
        rows = _rows(f"{number:06}.jpg", own, pasted)
        return vary_field(piece.bgr, rng), boxes, rows, int(rng.integers(60, 96))


def _light_of(bgr: np.ndarray) -> np.ndarray:
    """Return the colour (3,) of the plasma between the cells."""
    return np.percentile(bgr[::4, ::4], 85, axis=(0, 1))


def _stain_of(piece: Piece, rng: np.random.Generator) -> np.ndarray:
    """Draw one stain for all cells of an image: mostly that of its own white cells, if any."""
    whites = [box for box in piece.boxes if box.label == "wbc" and box.area > 200]
    if not whites or rng.random() < 0.25:
        return random_stain(rng)
    box = max(whites, key=lambda white: white.area)
    part = piece.bgr[int(box.y1) : int(box.y2), int(box.x1) : int(box.x2)]
    density = np.maximum(optical_density(part) - optical_density(_light_of(piece.bgr)), 0)
    dark = density[..., 1] >= np.percentile(density[..., 1], 60)
    return nucleus_density(density, dark) * rng.uniform(0.9, 1.1)


def _plan(pool: CellPool, piece: Piece, rng: np.random.Generator) -> list[Pasted]:
    """Choose cells and places; whether cells touch is drawn without regard to their class."""
    stain = _stain_of(piece, rng)
    room = 0.3 * (SIDE / (1.5 * piece.red_cell)) ** 2
    count = round(np.exp(rng.uniform(0.3, np.log(np.clip(room, 3, _MOST_CELLS)))))
    blast_share = rng.choice((0, 1, rng.uniform()), p=(0.25, 0.2, 0.55))
    cluster_share = rng.choice((0, 0.5, 0.9))
    taken = [_disc_of(box) for box in piece.boxes if box.label == "wbc"]
    planned = []
    for _ in range(count):
        cell = pool.draw(bool(rng.random() < blast_share), rng)
        smudge = bool(cell.kind != "all" and rng.random() < _SMUDGE_SHARE)
        patch = ready(cell, piece.red_cell, stain, smudge, rng)
        centre = _place(patch.radius, taken, bool(rng.random() < cluster_share), rng)
        if centre is not None:
            taken.append((*centre, patch.radius))
            planned.append(Pasted(cell, smudge, patch, centre))
    return planned


def _disc_of(box: Box) -> tuple[float, float, float]:
    return (box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2, float(np.sqrt(box.area / np.pi))


def _place(
    radius: float,
    taken: list[tuple[float, float, float]],
    clustered: bool,
    rng: np.random.Generator,
) -> tuple[float, float] | None:
    """Find a centre apart from all taken discs (x, y, radius), or touching one; None if full."""
    for _ in range(25):
        if clustered and taken:
            x, y, other = taken[int(rng.integers(len(taken)))]
            angle, reach = rng.uniform(0, 2 * np.pi), (radius + other) * rng.uniform(0.88, 1.08)
            centre = (float(x + reach * np.cos(angle)), float(y + reach * np.sin(angle)))
            gap = 0.85
        else:
            centre = (float(rng.uniform(0, SIDE)), float(rng.uniform(0, SIDE)))
            gap = 1.25
        framed = all(-0.1 * radius <= edge <= SIDE + 0.1 * radius for edge in centre)
        if framed and all(_apart(centre, radius, disc) >= gap for disc in taken):
            return centre
    return None


def _apart(centre: tuple[float, float], radius: float, disc: tuple[float, float, float]) -> float:
    """Return the distance of two discs' centres in units of the sum of their radii."""
    return float(np.hypot(centre[0] - disc[0], centre[1] - disc[1]) / (radius + disc[2]))


def _uncovered(own: tuple[Box, ...], pasted: list[Pasted]) -> list[Box]:
    """Drop the field's own boxes of which pasted cells leave too little to see."""
    covers = [cell.box for cell in pasted]
    return [box for box in own if _covered(box, covers) < 1 - VISIBLE_SHARE]


def _covered(box: Box, covers: list[Box]) -> float:
    """Return the largest share of a box that lies under one of the others."""
    shares = [_shared(box, cover) / box.area for cover in covers]
    return max(shares, default=0.0)


def _shared(one: Box, other: Box) -> float:
    """Return the area (square pixels) common to two boxes."""
    width = min(one.x2, other.x2) - max(one.x1, other.x1)
    height = min(one.y2, other.y2) - max(one.y1, other.y1)
    return max(width, 0) * max(height, 0)


def _rows(image: str, own: list[Box], pasted: list[Pasted]) -> list[WhiteCell]:
    """Describe every white cell of an image."""
    native = [(box, "txl", "", box.source_file) for box in own if box.label == "wbc"]
    ours = [
        (c.box, "smudge" if c.smudge else c.cell.kind, c.cell.subject, c.cell.source_file)
        for c in pasted
    ]
    discs = [_disc_of(box) for box, *_ in native + ours]
    rows = []
    for number, (box, kind, subject, source) in enumerate(native + ours):
        others = discs[:number] + discs[number + 1 :]
        x, y, radius = discs[number]
        clustered = any(_apart((x, y), radius, disc) < 1.15 for disc in others)
        part = box.clipped(SIDE, SIDE)
        edges = (round(edge, 1) for edge in (part.x1, part.y1, part.x2, part.y2))
        rows.append(WhiteCell(image, *edges, box.label, kind, subject, source, int(clustered)))
    return rows


def make_composites(
    data: Path, out: Path, cache: Path, split: Split, count: int, seed: int, workers: int
) -> Path:
    """Make `count` composites of a split below `out`; return their folder."""
    folder = out / split
    for name in ("images", "labels", "cells"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    missing = [n for n in range(count) if not (folder / "cells" / f"{n:06}.csv").exists()]
    if missing:
        cells = cut_all(data, cache, workers)
        start = (Painter(data, cache, cells, split, seed), folder)
        with image_workers(workers, _start_worker, start) as pool:
            done = pool.map(_make_one, missing, chunksize=8)
            list(tqdm(done, f"composites {split}", total=len(missing), mininterval=5))
    _gather_rows(folder, count)
    return folder


def held_out_composites(data: Path, out: Path, cache: Path) -> Path:
    """Make the composites of the test split, if they are not there; return their folder."""
    return make_composites(data, out, cache, "test", COUNTS["test"], DEFAULT_SEED, 2)


_worker: tuple[Painter, Path]


def _start_worker(painter: Painter, folder: Path) -> None:
    global _worker
    _worker = painter, folder


def _make_one(number: int) -> None:
    painter, folder = _worker
    image, boxes, rows, quality = painter.paint(number)
    name = f"{number:06}"
    path = str(folder / "images" / f"{name}.jpg")
    cv2.imwrite(path, image, (cv2.IMWRITE_JPEG_QUALITY, quality))
    (folder / "labels" / f"{name}.txt").write_text(
        "".join(f"{yolo_line(_fractions(box))}\n" for box in boxes)
    )
    # Written last: its presence says that the composite is whole.
    _write_rows(folder / "cells" / f"{name}.csv", rows)


def _fractions(box: Box) -> FieldBox:
    return FieldBox(box.label, *(edge / SIDE for edge in (box.x1, box.y1, box.x2, box.y2)))


def _write_rows(path: Path, rows: list[WhiteCell]) -> None:
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, [field.name for field in fields(WhiteCell)])
        writer.writeheader()
        writer.writerows(map(asdict, rows))


def _gather_rows(folder: Path, count: int) -> None:
    """Join the rows of all images into cells.csv; a reader of it never sees half of them."""
    header = ",".join(field.name for field in fields(WhiteCell))
    parts = ((folder / "cells" / f"{n:06}.csv").read_text().split("\n", 1)[1] for n in range(count))
    whole = folder / f"cells.csv.{os.getpid()}"
    whole.write_text(f"{header}\n" + "".join(parts))
    whole.replace(folder / "cells.csv")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `python -m training composites`."""
    usual = ", ".join(f"{split} {count}" for split, count in COUNTS.items())
    parser.add_argument("--split", choices=SPLITS, help="one split only (all three)")
    parser.add_argument("--count", type=int, help=f"images a split ({usual})")
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT, help="datasets/composites")
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of the image sets")
    parser.add_argument("--cutouts", type=Path, default=DEFAULT_CACHE, help="datasets/cutouts")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="(%(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="processes (2)")


def run(args: argparse.Namespace) -> None:
    """Make the composites and print where they are."""
    for split in (args.split,) if args.split else SPLITS:
        count = args.count or COUNTS[split]
        folder = make_composites(
            args.data, args.out, args.cutouts, split, count, args.seed, args.workers
        )
        print(f"{count} composites in {folder}")
