"""Make the reading room's rows of reference cells: python -m tools.reference_cells DATA.

Each row has six cells of one class, from image sets whose licence allows it: PBC (CC BY 4.0) and
C-NMC (CC BY 3.0). static/reference_cells/ATTRIBUTION.md names them.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from pages.cases.reading_room_references import COUNT, SIDE

TARGET = Path(__file__).resolve().parents[1] / "static" / "reference_cells"
SEED = 7
MARGIN = 0.75
"""Share of a PBC cut-out's side that is shown: the cell with a little around it."""

BLACK = 8
"""Grey level up to which a pixel lies outside a cell that was cut out on black."""

KINDS = {
    "lymphocyte": ("lymphocyte",),
    "monocyte": ("monocyte",),
    "neutrophil": ("neutrophil",),
    "eosinophil": ("eosinophil",),
    "basophil": ("basophil",),
    "immature_granulocyte": ("ig", "immature_granulocyte"),
    "erythroblast": ("erythroblast",),
}
"""What PBC calls the cells of a class."""


def main(data: Path) -> None:
    """Write a row for each class."""
    TARGET.mkdir(parents=True, exist_ok=True)
    for label, cells in rows(data):
        row = Image.new("RGB", (COUNT * SIDE, SIDE))
        for place, cell in enumerate(cells):
            row.paste(cell.resize((SIDE, SIDE), Image.Resampling.LANCZOS), (place * SIDE, 0))
        row.save(TARGET / f"{label}.webp", quality=85, method=6)


def rows(data: Path) -> Iterator[tuple[str, list[Image.Image]]]:
    """Choose the cells of each class, the same ones every time."""
    yield "blast", [opened(path) for path in blasts(data / "cnmc")]
    folder = data / "pbc_cells"
    listed = list(csv.DictReader((folder / "manifest.csv").read_text().splitlines()))
    for label, kinds in KINDS.items():
        files = sorted(one["file"] for one in listed if one["kind"] in kinds)
        chosen = np.random.default_rng(SEED).choice(files, COUNT, replace=False)
        yield label, [middle(opened(folder / "images" / file)) for file in chosen]


def blasts(folder: Path) -> list[Path]:
    """Choose blasts, each of another subject."""
    listed = csv.DictReader((folder / "manifest.csv").read_text().splitlines())
    by_subject: dict[str, str] = {}
    for one in sorted(listed, key=lambda one: one["file"]):
        if one["label"] == "all":
            by_subject.setdefault(one["subject"], one["file"])
    chosen = sorted(by_subject.values())[:COUNT]
    return [next(folder.rglob(Path(file).name)) for file in chosen]


def opened(path: Path) -> Image.Image:
    """Read an image as RGB; what C-NMC cut out on black is shown without most of the black."""
    with Image.open(path) as image:
        rgb = image.convert("RGB")
    box = rgb.convert("L").point([255 * (value > BLACK) for value in range(256)]).getbbox()
    return rgb.crop(squared(box)) if box and box != (0, 0, *rgb.size) else rgb


def squared(box: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """Widen a box to a square with a margin."""
    left, top, right, bottom = box
    half = round(0.58 * max(right - left, bottom - top))
    x, y = (left + right) // 2, (top + bottom) // 2
    return x - half, y - half, x + half, y + half


def middle(image: Image.Image) -> Image.Image:
    """Cut the middle out of an image."""
    side = round(MARGIN * min(image.size))
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return image.crop((left, top, left + side, top + side))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
