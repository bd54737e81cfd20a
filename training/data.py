"""The image sets as typed records, each with its split.

A hospital's own folder of the same layout is read the same way (`--data DIR`), and what
`flask export-reviewed` writes can be copied over it.
"""

import csv
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core.geometry import Box
from core.taxonomy import YOLO_CODES
from core.yolo import yolo_line

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")

PROJECT = Path(__file__).resolve().parents[1]
DEFAULT_DATA = PROJECT.parent / "shared" / "data"

# Chosen before any training, to balance the classes; a subject is never in two splits.
SUBJECT_SPLITS: dict[str, Split] = {
    **dict.fromkeys(("H22", "33", "38", "2"), "test"),
    **dict.fromkeys(("H14", "44", "23", "16"), "val"),
    **dict.fromkeys(("H10", "34", "51", "32", "30", "46"), "train"),
}
FOLDS = ("H22", "H14", "H10")
"""Folds of the classifier's cross-validation, named by the normal subject that each holds out, with
all blast subjects of the same split."""

_FOLD_OF_SPLIT: dict[Split, str] = {"test": "H22", "val": "H14", "train": "H10"}
_EDGES = ("x1", "y1", "x2", "y2")


class DataError(ValueError):
    """Image sets cannot be read; the message is for the person who trains."""


@dataclass(frozen=True)
class CnmcCell:
    """One C-NMC cell, cut out on black: `label` is "all" (blast) or "hem" (normal precursor)."""

    path: Path
    label: str
    subject: str
    split: Split


@dataclass(frozen=True)
class PbcTile:
    """One tile of normal blood; `box` (x1, y1, x2, y2, pixels) holds its one labelled cell."""

    path: Path
    kind: str
    box: Box
    split: Split


@dataclass(frozen=True)
class ReviewedCell:
    """A white cell as a person named it (`flask export-reviewed`); `box` x1, y1, x2, y2, pixels."""

    path: Path
    label: str
    subject: str
    box: Box


@dataclass(frozen=True)
class ChulaField:
    """One field without white cells; `red_cell` is its median red-cell diameter in pixels."""

    path: Path
    red_cell: float
    split: Split


@dataclass(frozen=True)
class FieldBox:
    """One labelled cell of a field, of `DETECTOR_CODES`; x1, y1, x2, y2 as fractions of it."""

    label: str
    x1: float
    y1: float
    x2: float
    y2: float

    @property
    def yolo_line(self) -> str:
        """The cell as a line of a YOLO label file."""
        return yolo_line(self.label, (self.x1, self.y1, self.x2, self.y2))


@dataclass(frozen=True)
class TxlField:
    """One TXL-PBC field with the boxes of its white cells, red cells and platelets."""

    path: Path
    boxes: tuple[FieldBox, ...]
    split: Split


def hashed_split(name: str) -> Split:
    """Split a name by its SHA-256: a tenth test, a tenth val, the rest train."""
    splits: dict[int, Split] = {0: "test", 1: "val"}
    return splits.get(_hash_of(name) % 10, "train")


def subject_split(subject: str) -> Split:
    """Return the split of a subject; unknown subjects are split by hash."""
    return SUBJECT_SPLITS.get(subject) or hashed_split(subject)


def fold_of(subject: str) -> str:
    """Return the fold that holds a subject out; unknown subjects are dealt by hash."""
    known = SUBJECT_SPLITS.get(subject)
    return _FOLD_OF_SPLIT[known] if known else FOLDS[_hash_of(subject) % len(FOLDS)]


def read_cnmc(data: Path) -> list[CnmcCell]:
    """Read the cells of `cnmc/manifest.csv`; raise DataError where it is missing."""
    folder = data / "cnmc"
    return [
        CnmcCell(
            path=folder / "images" / row["file"],
            label=row["label"],
            subject=row["subject"],
            split=subject_split(row["subject"]),
        )
        for row in manifest_rows(folder, ("file", "label", "subject"))
    ]


def read_pbc(data: Path) -> list[PbcTile]:
    """Read the tiles of `pbc/manifest.csv`; raise DataError where it is missing."""
    folder = data / "pbc"
    columns = ("file", "cell_type", "width", "height", "box_cx", "box_cy", "box_w", "box_h")
    return [
        PbcTile(
            path=folder / "images" / row["file"],
            kind=row["cell_type"],
            box=_pixel_box(row),
            split=hashed_split(row["file"]),
        )
        for row in manifest_rows(folder, columns)
    ]


def read_reviewed(data: Path) -> list[ReviewedCell]:
    """Read the cells of `reviewed/manifest.csv`, none where it is missing."""
    folder = data / "reviewed"
    if not (folder / "manifest.csv").is_file():
        return []
    return [
        ReviewedCell(
            path=folder / "images" / row["file"],
            label=row["label"],
            subject=row["subject"],
            box=row_box(row),
        )
        for row in manifest_rows(folder, ("file", "label", "subject", *_EDGES))
    ]


def read_chula(data: Path) -> list[ChulaField]:
    """Read the fields of `chula_rbc12/manifest.csv`; raise DataError where it is missing."""
    folder = data / "chula_rbc12"
    return [
        ChulaField(
            path=folder / "images" / row["file"],
            red_cell=float(row["rbc_diameter_px"]),
            split=hashed_split(row["file"]),
        )
        for row in manifest_rows(folder, ("file", "rbc_diameter_px"))
    ]


def read_txl(data: Path, split: Split) -> list[TxlField]:
    """Read one of TXL-PBC's own splits; raise DataError where it is missing."""
    images = data / "txl_pbc" / "images" / split
    if not images.is_dir():
        raise DataError(f"There is no folder {images}. Name the folder of the sets with --data.")
    labels = data / "txl_pbc" / "labels" / split
    return [
        TxlField(path, tuple(_label_file(labels / f"{path.stem}.txt")), split)
        for path in sorted(images.iterdir())
    ]


def yolo_boxes(lines: Iterable[str]) -> Iterator[FieldBox]:
    """Yield the cells of a YOLO label file's lines."""
    for line in lines:
        label, x, y, w, h = (float(number) for number in line.split())
        yield FieldBox(YOLO_CODES[int(label)], x - w / 2, y - h / 2, x + w / 2, y + h / 2)


def row_box(row: Mapping[str, str]) -> Box:
    """Return the box in the columns x1, y1, x2, y2 of a row."""
    x1, y1, x2, y2 = (float(row[edge]) for edge in _EDGES)
    return x1, y1, x2, y2


def manifest_rows(folder: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    """Read `manifest.csv` in a folder; raise DataError where a column is missing."""
    manifest = folder / "manifest.csv"
    if not manifest.is_file():
        raise DataError(f"There is no file {manifest}. Name the folder of the sets with --data.")
    with manifest.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    missing = [column for column in columns if not rows or column not in rows[0]]
    if missing:
        raise DataError(f"{manifest} has no rows with: {', '.join(missing)}.")
    return rows


def _hash_of(name: str) -> int:
    return int(hashlib.sha256(name.encode()).hexdigest(), 16)


def _pixel_box(row: Mapping[str, str]) -> Box:
    width, height = float(row["width"]), float(row["height"])
    left, top = float(row["box_cx"]) * width, float(row["box_cy"]) * height
    half_w, half_h = float(row["box_w"]) * width / 2, float(row["box_h"]) * height / 2
    return left - half_w, top - half_h, left + half_w, top + half_h


def _label_file(path: Path) -> Iterator[FieldBox]:
    if not path.is_file():
        raise DataError(f"There is no label file {path}.")
    return yolo_boxes(path.read_text().splitlines())
