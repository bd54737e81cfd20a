"""Make smear fields with known cells: cut-out cells pasted into fields without blasts.

Writes OUT/SPLIT/images/000000.jpg (512 px), OUT/SPLIT/labels/000000.txt (YOLO, numbers as in
`core.taxonomy`) and OUT/SPLIT/cells.csv, one row a white cell. An image depends on seed, split and
number alone; what is already there is kept, so that an interrupted run goes on (another seed needs
another folder).

Cells of a split come from subjects of that split alone, but for `train`: a quarter of its images
take their C-NMC cells from val subjects (all of the image's cells, so that a reader of cells.csv
can leave such images out by subject).
"""

import argparse
import io
import os
from pathlib import Path

from tqdm import tqdm

from training.data import DEFAULT_DATA, PROJECT, SPLITS, FieldBox, Split
from training.synthesis.backgrounds import Box
from training.synthesis.composite_sheet import save_sheet
from training.synthesis.compositing import SIDE, Painter, write_rows
from training.synthesis.cutouts import cut_all
from training.synthesis.elements import ELEMENTS, EVERYTHING, Realism, claim
from training.synthesis.optics import compressed
from training.workers import image_workers

COUNTS: dict[Split, int] = {"train": 12000, "val": 400, "test": 800}
DEFAULT_SEED = 1
DEFAULT_OUT = PROJECT / "datasets" / "composites"
DEFAULT_CACHE = PROJECT / "datasets" / "cutouts"


def make_composites(
    data: Path,
    out: Path,
    cache: Path,
    split: Split,
    count: int,
    seed: int,
    workers: int,
    realism: Realism = EVERYTHING,
) -> Path:
    """Make `count` composites of a split below `out`; return their folder.

    Raises DataError where the folder holds composites of another recipe.
    """
    folder = out / split
    for name in ("images", "labels", "cells"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    claim(folder, seed, realism, count)
    missing = [n for n in range(count) if not (folder / "cells" / f"{n:06}.csv").exists()]
    if missing:
        cells = cut_all(data, cache, workers)
        start = (Painter(data, cache, cells, split, seed, realism), folder)
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
    image, boxes, rows, rng = painter.paint(number)
    name = f"{number:06}"
    (folder / "images" / f"{name}.jpg").write_bytes(compressed(image, painter.realism, rng))
    (folder / "labels" / f"{name}.txt").write_text(
        "".join(f"{_fractions(box).yolo_line}\n" for box in boxes)
    )
    # Written last: its presence says that the composite is whole.
    with (folder / "cells" / f"{name}.csv").open("w", newline="") as stream:
        write_rows(stream, rows)


def _fractions(box: Box) -> FieldBox:
    return FieldBox(box.label, *(edge / SIDE for edge in (box.x1, box.y1, box.x2, box.y2)))


def _gather_rows(folder: Path, count: int) -> None:
    """Join the rows of all images into cells.csv; a reader of it never sees half of them."""
    header = io.StringIO()
    write_rows(header, [])
    parts = ((folder / "cells" / f"{n:06}.csv").read_text().split("\n", 1)[1] for n in range(count))
    whole = folder / f"cells.csv.{os.getpid()}"
    whole.write_text(header.getvalue() + "".join(parts))
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
    parser.add_argument(
        "--without", default="", metavar="NAMES", help=f"leave out, of: {','.join(ELEMENTS)}"
    )
    parser.add_argument(
        "--sheet", type=Path, metavar="FILE", help="only a JPEG of some beside real fields"
    )


def run(args: argparse.Namespace) -> None:
    """Make the composites, or a sheet of some, and print where they are."""
    realism = EVERYTHING.without(name for name in args.without.split(",") if name)
    if args.sheet:
        cells = cut_all(args.data, args.cutouts, args.workers)
        painter = Painter(args.data, args.cutouts, cells, "val", args.seed, realism)
        save_sheet(painter, args.data, args.sheet)
        return
    for split in (args.split,) if args.split else SPLITS:
        count = args.count or COUNTS[split]
        folder = make_composites(
            args.data, args.out, args.cutouts, split, count, args.seed, args.workers, realism
        )
        print(f"{count} composites in {folder}")
