"""The image sets as labelled cells: class, kind, morphology, and group."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image

from core.geometry import Box
from core.morphology import ATTRIBUTES
from core.taxonomy import TRAINING_KINDS, WBC
from training.data import DataError, TxlField, manifest_rows, read_pbc, read_txl

Source = Literal["cnmc", "lmu", "pbc", "txl", "snam"]

UNKNOWN = -1
"""Where a label is missing: the loss leaves it out."""

KINDS = TRAINING_KINDS
"""What a cell can be, in the order of the network's answers."""

NO_ATTRIBUTES = (UNKNOWN,) * len(ATTRIBUTES)

_IMMATURE = ("promyelocyte", "myelocyte", "metamyelocyte")
_SUBKINDS = {
    **{"BNE": "neutrophil_band", "SNE": "neutrophil_segmented", "PLATELET": "artefact"},
    **dict.fromkeys(("PMY", "MY", "MMY", "IG"), "immature_granulocyte"),
}
_SNAM_KINDS = ("blast", None, "smudge")

# Pixel-identical cells are filed under several of these subjects.
_SHARED_SUBJECTS = (
    ("51", "75", "78"),
    ("20", "21"),
    ("H2", "H4", "H5", "H6"),
    ("H3", "H10"),
)
_GROUP_OF = {subject: "+".join(group) for group in _SHARED_SUBJECTS for subject in group}


@dataclass(frozen=True)
class Cell:
    """One labelled cell.

    Attributes:
        path: Its image file.
        source: The image set.
        group: Cells of one group are never on both sides of a split.
        subject: The person, where known, else empty.
        blast: 1, 0 or `UNKNOWN`.
        kind: Number in `KINDS` or `UNKNOWN`.
        attributes: Number of each value in `ATTRIBUTES`, or `UNKNOWN`.
        box: x1, y1, x2, y2 in pixels, where labelled.
    """

    path: Path
    source: Source
    group: str
    subject: str
    blast: int
    kind: int
    attributes: tuple[int, ...] = NO_ATTRIBUTES
    box: Box | None = None


def subject_group(subject: str) -> str:
    """Return the name of the group of subjects that share cells with this one."""
    return _GROUP_OF.get(subject, subject)


def read_cnmc_cells(data: Path) -> list[Cell]:
    """Read `cnmc/` and `cnmc_more/`; a normal precursor's kind is unknown.

    Raises:
        DataError: A folder's manifest is missing.
    """
    return [
        Cell(
            path=folder / "images" / row["file"],
            source="cnmc",
            group=f"cnmc:{subject_group(row['subject'])}",
            subject=row["subject"],
            blast=int(row["label"] == "all"),
            kind=_kind("blast") if row["label"] == "all" else UNKNOWN,
        )
        for folder in (data / "cnmc", data / "cnmc_more")
        for row in manifest_rows(folder, ("file", "label", "subject"))
    ]


def read_lmu_cells(data: Path) -> list[Cell]:
    """Read Munich's myeloblasts of unknown patients; raise DataError."""
    return [
        Cell(path, "lmu", f"lmu:{path.stem}", "", 1, _kind("blast"))
        for path in _images(data / "lmu_myeloblasts")
    ]


def read_pbc_cells(data: Path) -> list[Cell]:
    """Read `pbc/` and `pbc_cells/` with attributes of `wbcatt.csv`; raise DataError."""
    attributes = read_attributes(data)
    boxed = [(tile.path, _tile_kind(tile.kind), tile.box) for tile in read_pbc(data)]
    folder = data / "pbc_cells"
    bare = [
        (folder / "images" / row["file"], _cell_kind(row), None)
        for row in manifest_rows(folder, ("file", "kind", "subkind"))
    ]
    return [
        Cell(
            path=path,
            source="pbc",
            group=f"pbc:{path.stem}",
            subject="",
            blast=0,
            kind=kind,
            attributes=attributes.get(path.relative_to(data).as_posix(), NO_ATTRIBUTES),
            box=box,
        )
        for path, kind, box in (*boxed, *bare)
    ]


def read_txl_cells(data: Path) -> list[Cell]:
    """Read the white cells of TXL-PBC's training fields: no blasts, of several laboratories.

    Raises:
        DataError: The fields are missing.
    """
    return [
        Cell(field.path, "txl", f"txl:{field.path.stem}", "", 0, UNKNOWN, box=box)
        for field in read_txl(data, "train")
        for box in _white_boxes(field)
    ]


def read_snam_cells(data: Path) -> list[Cell]:
    """Read the boxes of SN-AM's fields: real B-ALL, for checks and never for training.

    Raises:
        DataError: The folder or a label file is missing.
    """
    folder = data / "snam"
    return [
        cell
        for path in _images(folder)
        for cell in _snam_field(path, folder / "labels" / f"{path.stem}.txt")
    ]


def read_attributes(data: Path) -> dict[str, tuple[int, ...]]:
    """Read `wbcatt.csv`: values' numbers by file below `data`.

    Raises:
        DataError: The file is missing, or has a value that is not in `ATTRIBUTES`.
    """
    path = data / "wbcatt.csv"
    if not path.is_file():
        raise DataError(f"There is no file {path}. Name the folder of the sets with --data.")
    with path.open(newline="") as stream:
        return {row["file"]: tuple(_values(row, path)) for row in csv.DictReader(stream)}


def _white_boxes(field: TxlField) -> Iterator[Box]:
    width, height = _size(field.path)
    for box in field.boxes:
        if box.label == WBC:
            yield box.x1 * width, box.y1 * height, box.x2 * width, box.y2 * height


def _values(row: dict[str, str], path: Path) -> Iterator[int]:
    for name, values in ATTRIBUTES.items():
        if row.get(name) not in values:
            raise DataError(f"{path}: {row['file']} has no {name} of {', '.join(values)}.")
        yield values.index(row[name])


def _kind(name: str | None) -> int:
    return UNKNOWN if name is None else KINDS.index(name)


def _tile_kind(name: str) -> int:
    return _kind("immature_granulocyte" if name in _IMMATURE else name)


def _cell_kind(row: dict[str, str]) -> int:
    name = _SUBKINDS.get(row["subkind"], row["kind"])
    return _kind(name if name in KINDS else None)


def _images(folder: Path) -> list[Path]:
    images = folder / "images"
    if not images.is_dir():
        raise DataError(f"There is no folder {images}. Name the folder of the sets with --data.")
    return sorted(images.iterdir())


def _snam_field(path: Path, labels: Path) -> Iterator[Cell]:
    if not labels.is_file():
        raise DataError(f"There is no label file {labels}.")
    width, height = _size(path)
    for line in labels.read_text().splitlines():
        number, x, y, w, h = (float(part) for part in line.split())
        box = (x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height
        kind = _SNAM_KINDS[int(number)]
        blast = int(kind == "blast")
        yield Cell(path, "snam", f"snam:{path.stem}", "", blast, _kind(kind), box=box)


def _size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size
