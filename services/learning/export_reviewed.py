"""Exports reviewed cells of signed cases as images to train on, without pseudonyms.

The folders lie as `training/data.py` reads them: copied over the folder of the image sets they add
to these; alone they do for the detector.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.geometry import pixels_in, square_around
from core.ids import new_id
from core.taxonomy import BLAST, UNCLASSIFIED, WBC
from core.yolo import yolo_line
from imaging.images import RgbImage, encode_png
from records.analyses import analyses
from records.analyses.analyses import Analysis, AnalysisKind
from records.audit.audit import Event
from services.analyses.analysis import Analyst
from services.audit import audit
from services.cases.snapshot import CaseSnapshot, CellSnapshot
from services.learning.labelled_cells import detected_cells, reviewed_cells
from services.learning.signed_cells import signed_patients

FIELD_SPLITS = ("train", "val", "test")

SHARES = ("train", "val", "test", *("train",) * 7)
"""Splits that patients are dealt to in turn: of many, eight tenths train."""

CELL_COLUMNS: tuple[str, ...] = ("file", "label", "subject", "x1", "y1", "x2", "y2")
SURROUNDINGS = 3.0
"""Side of a cell's image, in units of the longer side of its box: room to turn and to shift."""

NOT_EMPTY = "{} is not empty. Name a new folder."
NOTHING_SIGNED = "No case is signed yet, so there is nothing to export."

_CHANCE = random.SystemRandom()


class ExportError(Exception):
    """Nothing can be exported; the text is a sentence for whoever tried."""


@dataclass(frozen=True)
class Exported:
    """How much was written."""

    patients: int
    fields: int
    cells: int


@dataclass(frozen=True)
class _Patient:
    """One patient under a name that stands for nothing outside of this export."""

    subject: str
    split: str
    cases: tuple[CaseSnapshot, ...]


def export_reviewed(folder: Path, analyst: Analyst) -> Exported:
    """Write the newest signed version of every case below `folder`; raises `ExportError`.

    `txl_pbc/` has the fields with YOLO boxes, `reviewed/` single cells with their surroundings.
    All images of one patient (one team's pseudonym) are in one split and of one subject.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ExportError(NOT_EMPTY.format(folder))
    patients = _patients()
    if not patients:
        raise ExportError(NOTHING_SIGNED)
    # Before anything is written: no export goes unnoted.
    audit.keep(Event.EXPORT_REVIEWED, cases=sum(len(one.cases) for one in patients))
    _make_folders(folder)
    written = [
        _write(folder, patient, snapshot, analyst) for patient, snapshot in _snapshots(patients)
    ]
    rows = [row for _, cells in written for row in cells]
    if rows:
        _write_manifest(folder / "reviewed" / "manifest.csv", rows)
    return Exported(len(patients), sum(fields for fields, _ in written), len(rows))


def _patients() -> list[_Patient]:
    """Return the patients of signed cases, shuffled, each with a random name."""
    dealt = signed_patients()
    _CHANCE.shuffle(dealt)
    return [
        _Patient(new_id(), SHARES[place % len(SHARES)], tuple(one.snapshot for one in signed))
        for place, signed in enumerate(dealt)
    ]


def _snapshots(patients: Iterable[_Patient]) -> Iterator[tuple[_Patient, CaseSnapshot]]:
    for patient in patients:
        for snapshot in patient.cases:
            yield patient, snapshot


def _make_folders(folder: Path) -> None:
    for part in ("images", "labels"):
        for split in FIELD_SPLITS:
            (folder / "txl_pbc" / part / split).mkdir(parents=True)
    (folder / "reviewed" / "images").mkdir(parents=True)


def _write(
    folder: Path, patient: _Patient, snapshot: CaseSnapshot, analyst: Analyst
) -> tuple[int, list[dict[str, object]]]:
    """Write the images of a case, each decoded once: how many fields, and the rows of its cells."""
    fields, rows = 0, []
    for image in snapshot.images:
        analysis = analyses.get(image.id)
        rgb = analyst.pixels(analysis)
        cells = _named(snapshot, image.number)
        if analysis.kind == AnalysisKind.DETECTION:
            white = reviewed_cells(snapshot, image.number, snapshot.classes.white)
            _write_field(folder / "txl_pbc", patient.split, rgb, _field_lines(analysis, white))
            fields += 1
        rows += [_write_cell(folder, patient.subject, rgb, cell) for cell in cells]
    return fields, rows


def _write_field(folder: Path, split: str, rgb: RgbImage, lines: Iterable[str]) -> None:
    name = new_id()
    (folder / "images" / split / f"{name}.png").write_bytes(encode_png(rgb))
    (folder / "labels" / split / f"{name}.txt").write_text("\n".join(lines))


def _field_lines(analysis: Analysis, cells: Sequence[CellSnapshot]) -> Iterator[str]:
    """Yield YOLO boxes: white cells as reviewed, red cells and platelets as detected."""
    size = analysis.width, analysis.height
    for cell in cells:
        yield yolo_line(BLAST if cell.label == BLAST else WBC, cell.box, *size)
    for detection in detected_cells(analysis):
        yield yolo_line(detection.label, detection.box, *size)


def _named(snapshot: CaseSnapshot, image: int) -> list[CellSnapshot]:
    """Return the white cells of an image that a person classified."""
    known = set(snapshot.classes.white) - {UNCLASSIFIED}
    of_image = (cell for cell in snapshot.cells if cell.image == image)
    return [cell for cell in of_image if cell.seen and cell.label in known]


def _write_cell(folder: Path, subject: str, rgb: RgbImage, cell: CellSnapshot) -> dict[str, object]:
    """Write one cell with what is around it, as far as the image goes; its row of the manifest."""
    frame = square_around(cell.box, SURROUNDINGS)
    left, top, _, _ = (max(0, round(edge)) for edge in frame)
    crop = pixels_in(rgb, frame)
    name = f"{new_id()}.png"
    (folder / "reviewed" / "images" / name).write_bytes(encode_png(crop.copy()))
    x1, y1, x2, y2 = cell.box
    box = (x1 - left, y1 - top, x2 - left, y2 - top)
    edges = (f"{edge:.1f}" for edge in box)
    return dict(zip(CELL_COLUMNS, (name, cell.label, subject, *edges), strict=True))


def _write_manifest(path: Path, rows: Iterable[dict[str, object]]) -> None:
    with path.open("w", newline="") as stream:
        table = csv.DictWriter(stream, CELL_COLUMNS)
        table.writeheader()
        table.writerows(rows)
