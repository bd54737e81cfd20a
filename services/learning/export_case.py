"""A case as an image set: its images with labels for YOLO and COCO, and what they are worth."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

from core.geometry import Box, clipped
from core.taxonomy import CLASS_CODES, DETECTED, NOT_A_CELL, PLATELET, RBC
from core.yolo import yolo_line
from records.analyses import analyses
from records.analyses.analyses import Analysis
from services.analyses.analysis import Analyst
from services.cases.snapshot import CaseSnapshot, ImageSnapshot
from services.learning.labelled_cells import detected_cells, reviewed_cells
from services.reports.contents import ASSISTS, ReportContents, ReportStatus

CLASSES = (*(code for code in CLASS_CODES if code != NOT_A_CELL), RBC, PLATELET)
"""What cells are labelled as: reviewers' classes, and what nobody reviews.

Behind them come the laboratory's own classes that a case has.
"""

_STATES = {
    ReportStatus.PRELIMINARY: "not signed: it may still change",
    ReportStatus.FINAL: "signed",
    ReportStatus.AMENDED: "signed, amended",
}

README = """\
Images and labels of a Leukoscope case
======================================
Case {case}, version {version}, {state}.
SHA-256 of its contents: {sha256}
{notice}

Cells: {reviewed} of {total} were reviewed. {others}
Red cells and platelets are as the detector found them; nobody reviewed them. Images of single cells
have none, although they may show some.
Cells below the detector's threshold that nobody reviewed have no label.

images/           as uploaded, upright, PNG. What is written in a picture goes along.
labels/           YOLO: class, centre and size of the box as fractions of the image, a cell a line.
data.yaml         the classes for YOLO. It names all images for training and for validation:
                  split them by patient first.
annotations.json  the same for COCO, boxes in pixels; "reviewed" tells whether a person did.

There are no names of files and no pseudonym. Images go by their number in the case.

Classes:
{classes}
"""


@dataclass(frozen=True)
class _LabelledCell:
    """One cell of an image; `reviewed` where a person gave it its class.

    `name` is what it goes by in the report, None where nobody reviews such cells.
    """

    code: str
    box: Box
    reviewed: bool
    name: str | None = None


@dataclass(frozen=True)
class _LabelledImage:
    """One image with its cells, and where its file is kept."""

    image: ImageSnapshot
    kept: str
    cells: tuple[_LabelledCell, ...]

    @property
    def stem(self) -> str:
        """The name of its files, without a suffix."""
        return f"{self.image.number:03}"


def export_case(contents: ReportContents, analyst: Analyst, stream: IO[bytes]) -> None:
    """Write a ZIP archive of a case in one version to `stream`, an image at a time.

    Raises `FileNotFoundError` when an image is gone.
    """
    snapshot = contents.snapshot
    labelled = [_labelled(snapshot, image) for image in snapshot.images]
    numbers = _numbers(snapshot)
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", _readme(contents))
        archive.writestr("data.yaml", _recipe(numbers))
        archive.writestr(
            "annotations.json", json.dumps(_coco(contents, labelled, numbers), indent=1)
        )
        for one in labelled:
            archive.writestr(f"labels/{one.stem}.txt", "".join(_yolo_lines(one, numbers)))
            content = analyst.image(one.kept)
            archive.writestr(f"images/{one.stem}.png", content, zipfile.ZIP_STORED)


def _numbers(snapshot: CaseSnapshot) -> dict[str, int]:
    """Return the number of each class in the label files.

    COCO's categories have one more, since they begin at 1.
    """
    own = (one.code for one in snapshot.classes.own)
    return {code: number for number, code in enumerate((*CLASSES, *own))}


def _labelled(snapshot: CaseSnapshot, image: ImageSnapshot) -> _LabelledImage:
    analysis = analyses.get(image.id)
    cells = (*_reviewed(snapshot, image), *_detected(analysis))
    return _LabelledImage(image, analysis.image_name, cells)


def _reviewed(snapshot: CaseSnapshot, image: ImageSnapshot) -> Iterator[_LabelledCell]:
    for cell in reviewed_cells(snapshot, image.number, _numbers(snapshot)):
        box = clipped(cell.box, image.width, image.height)
        yield _LabelledCell(cell.label, box, cell.seen, cell.name)


def _detected(analysis: Analysis) -> Iterator[_LabelledCell]:
    for cell in detected_cells(analysis):
        box = clipped(cell.box, analysis.width, analysis.height)
        yield _LabelledCell(cell.label, box, reviewed=False)


def _yolo_lines(labelled: _LabelledImage, numbers: Mapping[str, int]) -> Iterator[str]:
    size = labelled.image.width, labelled.image.height
    for cell in labelled.cells:
        yield yolo_line(cell.code, cell.box, *size, numbers) + "\n"


def _recipe(numbers: Mapping[str, int]) -> str:
    names = [f"  {number}: {code}" for code, number in numbers.items()]
    return "\n".join(["train: images", "val: images", "names:", *names, ""])


def _coco(
    contents: ReportContents, labelled: Sequence[_LabelledImage], numbers: Mapping[str, int]
) -> dict[str, Any]:
    """Return COCO's form: https://cocodataset.org/#format-data."""
    every = ((one, cell) for one in labelled for cell in one.cells)
    return {
        "info": {
            "description": ASSISTS,
            "version": f"{contents.snapshot.case_id}/{contents.snapshot.version}",
            "date_created": contents.made_at.isoformat(),
        },
        "licenses": [],
        "images": [_coco_image(one) for one in labelled],
        "categories": [
            {"id": number + 1, "name": code, "supercategory": "cell"}
            for code, number in numbers.items()
        ],
        "annotations": [
            _coco_annotation(number, one, cell, numbers[cell.code])
            for number, (one, cell) in enumerate(every, start=1)
        ],
    }


def _coco_image(labelled: _LabelledImage) -> dict[str, Any]:
    image = labelled.image
    return {
        "id": image.number,
        "file_name": f"{labelled.stem}.png",
        "width": image.width,
        "height": image.height,
        "sha256": image.sha256,
    }


def _coco_annotation(
    number: int, labelled: _LabelledImage, cell: _LabelledCell, of_class: int
) -> dict[str, Any]:
    x1, y1, x2, y2 = cell.box
    width, height = x2 - x1, y2 - y1
    return {
        "id": number,
        "image_id": labelled.image.number,
        "category_id": of_class + 1,
        "bbox": [x1, y1, width, height],
        "area": width * height,
        "iscrowd": 0,
        "segmentation": [],
        "reviewed": cell.reviewed,
        "cell": cell.name,
    }


def _readme(contents: ReportContents) -> str:
    snapshot = contents.snapshot
    names = {**{code: one.name for code, one in DETECTED.items()}, **snapshot.classes.names}
    complete = snapshot.reviewed == snapshot.total
    return README.format(
        case=snapshot.case_id,
        version=snapshot.version,
        state=_STATES[contents.status],
        sha256=contents.sha256,
        notice=ASSISTS,
        reviewed=snapshot.reviewed,
        total=snapshot.total,
        others=""
        if complete
        else "The others are as the models propose: do not take them for ground truth.",
        classes="\n".join(
            f"{number:>3}  {code}: {names[code]}" for code, number in _numbers(snapshot).items()
        ),
    )
