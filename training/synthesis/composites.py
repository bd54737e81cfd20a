"""Make smear fields with known cells: cut-out cells pasted into fields without blasts.

Writes OUT/SPLIT/images/000000.jpg (512 px), OUT/SPLIT/labels/000000.txt (YOLO, numbers as in
`core.taxonomy`) and OUT/SPLIT/cells.csv, one row a white cell. An image depends on seed, split and
number alone; what is already there is kept, so that an interrupted run goes on (another seed needs
another folder).

Cells of a split come from subjects of that split alone, but for `train`: a quarter of its images
take their C-NMC cells from val subjects (all of the image's cells, so that a reader of cells.csv
can leave such images out by subject).
"""

import io
import os
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from training.commands import option
from training.data import DEFAULT_DATA, PROJECT, SPLITS, FieldBox, Split
from training.synthesis.backgrounds import Box
from training.synthesis.composite_sheet import save_sheet
from training.synthesis.compositing import SIDE, Compositor, write_rows
from training.synthesis.cutouts import cut_all
from training.synthesis.elements import ALL_ELEMENTS, ELEMENTS, Elements, claim
from training.synthesis.optics import compressed
from training.workers import image_workers

COUNTS: dict[Split, int] = {"train": 12000, "val": 400, "test": 800}
DEFAULT_SEED = 1
DEFAULT_OUT = PROJECT / "datasets" / "composites"
DEFAULT_CACHE = PROJECT / "datasets" / "cutouts"


_USUAL_COUNTS = ", ".join(f"{split} {count}" for split, count in COUNTS.items())


@dataclass(frozen=True)
class Options:
    """Options of `python -m training composites`."""

    split: Split | None = option(None, "one split only (all three)", choices=lambda: SPLITS)
    count: int | None = option(None, f"images a split ({_USUAL_COUNTS})")
    out: Path = option(DEFAULT_OUT, "datasets/composites")
    data: Path = option(DEFAULT_DATA, "folder of the image sets")
    cutouts: Path = option(DEFAULT_CACHE, "datasets/cutouts")
    seed: int = option(DEFAULT_SEED)
    workers: int = option(2, "processes")
    without: str = option("", f"leave out, of: {','.join(ELEMENTS)}")
    sheet: Path | None = option(None, "only write this JPEG of some beside real fields")


@dataclass(frozen=True)
class Folders:
    """Where held-out composites are, and what they are made of."""

    data: Path = option(DEFAULT_DATA, "folder of the image sets")
    composites: Path = option(DEFAULT_OUT, "folder made by `python -m training composites`")
    cutouts: Path = option(DEFAULT_CACHE, "cache of cut-out cells")


def make_composites(
    data: Path,
    out: Path,
    cache: Path,
    split: Split,
    count: int,
    seed: int,
    workers: int,
    elements: Elements = ALL_ELEMENTS,
) -> Path:
    """Make the composites of a split that are missing; return their folder.

    Args:
        data: Folder of the image sets.
        out: Folder of all splits.
        cache: Folder of cut-out cells.
        split: Whose fields and cells are used.
        count: Number of composites.
        seed: Of all that is drawn.
        workers: Processes.
        elements: Which elements of real fields are drawn.

    Raises:
        DataError: The folder holds composites of another recipe.
    """
    folder = out / split
    for name in ("images", "labels", "cells"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    claim(folder, seed, elements, count)
    missing = [n for n in range(count) if not (folder / "cells" / f"{n:06}.csv").exists()]
    if missing:
        cells = cut_all(data, cache, workers)
        start = (Compositor(data, cache, cells, split, seed, elements), folder)
        with image_workers(workers, _start_worker, start) as pool:
            done = pool.map(_make_one, missing, chunksize=8)
            list(tqdm(done, f"composites {split}", total=len(missing), mininterval=5))
    _gather_rows(folder, count)
    return folder


def held_out_composites(folders: Folders) -> Path:
    """Make the composites of the test split where they are missing; return their folder."""
    return make_composites(
        folders.data,
        folders.composites,
        folders.cutouts,
        "test",
        COUNTS["test"],
        DEFAULT_SEED,
        2,
    )


_worker: tuple[Compositor, Path]


def _start_worker(compositor: Compositor, folder: Path) -> None:
    global _worker
    _worker = compositor, folder


def _make_one(number: int) -> None:
    compositor, folder = _worker
    image, boxes, rows, rng = compositor.compose(number)
    name = f"{number:06}"
    (folder / "images" / f"{name}.jpg").write_bytes(compressed(image, compositor.elements, rng))
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


def run(options: Options) -> None:
    """Make the composites, or a sheet of some, and print where they are."""
    elements = ALL_ELEMENTS.without(name for name in options.without.split(",") if name)
    if options.sheet:
        cells = cut_all(options.data, options.cutouts, options.workers)
        compositor = Compositor(options.data, options.cutouts, cells, "val", options.seed, elements)
        save_sheet(compositor, options.data, options.sheet)
        return
    for split in (options.split,) if options.split else SPLITS:
        count = options.count or COUNTS[split]
        folder = make_composites(
            options.data,
            options.out,
            options.cutouts,
            split,
            count,
            options.seed,
            options.workers,
            elements,
        )
        print(f"{count} composites in {folder}")
