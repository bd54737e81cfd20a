"""Fields with their true cells, to measure and to calibrate the detector on."""

import csv
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from training.data import Split, read_txl

Cells = list["TrueCell"]
Field = tuple[Path, Cells]
"""An image file and the true cells in it."""

EVALUATED = 400
"""Held-out composites, the first ones, that figures are measured on."""


@dataclass(frozen=True)
class TrueCell:
    """A true cell: x1, y1, x2, y2 in pixels; `kind` and `clustered` as in cells.csv."""

    label: str
    box: tuple[float, float, float, float]
    kind: str = ""
    clustered: bool = False


def txl_ground_truth(data: Path, split: Split) -> list[Field]:
    """Return a split of TXL-PBC with its white cells, red cells and platelets."""
    fields = []
    for field in read_txl(data, split):
        with Image.open(field.path) as image:
            width, height = image.size
        cells = [
            TrueCell(b.label, (b.x1 * width, b.y1 * height, b.x2 * width, b.y2 * height))
            for b in field.boxes
        ]
        fields.append((field.path, cells))
    return fields


def composite_ground_truth(folder: Path) -> list[Field]:
    """Return the composites in `folder` with the white cells of its cells.csv, in their order."""
    cells: dict[str, Cells] = {}
    with (folder / "cells.csv").open(newline="") as stream:
        for row in csv.DictReader(stream):
            box = tuple(float(row[edge]) for edge in ("x1", "y1", "x2", "y2"))
            truth = TrueCell(row["label"], box, row["kind"], row["clustered"] == "1")
            cells.setdefault(row["image"], []).append(truth)
    images = sorted((folder / "images").glob("*.jpg"))
    return [(image, cells.get(image.name, [])) for image in images]


def evaluated(folder: Path) -> list[Field]:
    """Return the held-out composites that the detector is measured on."""
    return composite_ground_truth(folder)[:EVALUATED]


def calibrating(folder: Path) -> list[Field]:
    """Return the held-out composites that thresholds and calibration are fitted on: the others."""
    return composite_ground_truth(folder)[EVALUATED:]
