"""Fields with their true cells, to measure and to calibrate the detector on."""

import csv
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from models.findings import Box
from training.data import Split, read_txl, row_box

EVALUATION_COUNT = 400
"""Held-out composites, the first ones, that are measured."""


@dataclass(frozen=True)
class TrueCell:
    """A cell that is there.

    Attributes:
        label: As the detector's.
        box: x1, y1, x2, y2 in pixels of its field.
        kind: As in cells.csv, empty where there is none.
        clustered: Whether it touches another white cell.
    """

    label: str
    box: Box
    kind: str = ""
    clustered: bool = False


Field = tuple[Path, list[TrueCell]]
"""An image file and the true cells in it."""


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
    """Return the composites of a folder with the white cells of cells.csv."""
    cells: dict[str, list[TrueCell]] = {}
    with (folder / "cells.csv").open(newline="") as stream:
        for row in csv.DictReader(stream):
            cell = TrueCell(row["label"], row_box(row), row["kind"], row["clustered"] == "1")
            cells.setdefault(row["image"], []).append(cell)
    images = sorted((folder / "images").glob("*.jpg"))
    return [(image, cells.get(image.name, [])) for image in images]


def for_evaluation(folder: Path) -> list[Field]:
    """Return the held-out composites that the detector is measured on."""
    return composite_ground_truth(folder)[:EVALUATION_COUNT]


def for_calibration(folder: Path) -> list[Field]:
    """Return the other held-out composites, for thresholds and calibration."""
    return composite_ground_truth(folder)[EVALUATION_COUNT:]
