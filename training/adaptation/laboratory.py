"""A laboratory's labelled folder as pictures of cells, each of a patient or of a field.

The folder is one that `flask learn` takes, or that `flask export-reviewed` writes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from core.geometry import Box
from core.taxonomy import BLAST, CELL_CLASSES, SMUDGE
from imaging.images import RgbImage, encode_png, resize
from models.classifier.cell_views import View, Window, context_window, cut
from models.detector.detector import Detector
from models.laboratory.folders import (
    IMAGES,
    SINGLE_CELLS,
    Archive,
    FolderError,
    LabelledCell,
    LabelledField,
    read_archive,
)
from models.quality_control.checks import examine
from training.adaptation.images import PATIENT, FolderImages, without_labels
from training.cells.data import KINDS, UNKNOWN
from training.cells.pack import CONTEXT_SIZE, SIZE
from training.data import DataError, ReviewedCell, read_reviewed

_NO_CELL = "It shows no single white cell."


@dataclass(frozen=True)
class OwnCell:
    """One labelled cell of the laboratory.

    Attributes:
        picture: PNG file of what the network is shown, with room to turn and to scale in.
        view: How the cell is seen.
        group: The patient where known, else the field: never on both sides of a split.
        blast: 1, 0 or `UNKNOWN`.
        kind: Number in `KINDS` or `UNKNOWN`.
        name: Of the image file.
    """

    picture: bytes
    view: View
    group: str
    blast: int
    kind: int
    name: str


@dataclass(frozen=True)
class Laboratory:
    """All labelled cells of a folder.

    Attributes:
        cells: In the order of their files.
        left_out: Images that could not be used, and why.
    """

    cells: tuple[OwnCell, ...]
    left_out: dict[Path, str]

    @property
    def patients_known(self) -> bool:
        """Tell whether every cell is of a known patient, rather than of a field."""
        return all(cell.group.startswith(PATIENT) for cell in self.cells)

    @property
    def counts(self) -> dict[str, int | bool]:
        """Count what there is, for manifest and card."""
        blasts = [cell.blast for cell in self.cells]
        return {
            "blasts": blasts.count(1),
            "others": blasts.count(0),
            "smudges": blasts.count(UNKNOWN),
            "groups": len({cell.group for cell in self.cells}),
            "patients_known": self.patients_known,
        }


def read_laboratory(folder: Path, detector: Detector) -> Laboratory:
    """Read the cells that a laboratory labelled.

    A patient is a folder of their own in `images/`, `all/` and `hem/`, or a subject of
    `reviewed/manifest.csv`. Fields that lie in no such folder are a group each.

    Args:
        folder: Of the laboratory.
        detector: Finds the cell in an image of a single one.

    Raises:
        DataError: There is nothing to read, a label file is wrong, nothing says whose a single
            cell is, or two images are the same file.
    """
    reviewed, archive = read_reviewed(folder), read_labelled(folder, "reviewed")
    _check_patients(folder, [path for path, _ in archive.cells])
    reader = _Reader(folder, detector)
    cells = [
        *(cell for field in archive.fields for cell in reader.field(field)),
        *(cell for path, label in archive.cells for cell in reader.single(path, label)),
        *(cell for one in reviewed for cell in reader.reviewed(one)),
    ]
    left_out = {**without_labels(archive), **reader.images.left_out}
    return Laboratory(tuple(cells), left_out)


def answers_of(label: str) -> tuple[int, int]:
    """Return whether a labelled cell is a blast, and its kind, as the network is taught them."""
    kinds = next((one.training_kinds for one in CELL_CLASSES if one.code == label), ())
    kind = KINDS.index(kinds[0]) if len(kinds) == 1 else UNKNOWN
    return UNKNOWN if label == SMUDGE else int(label == BLAST), kind


def read_labelled(folder: Path, exported: str) -> Archive:
    """Read what a folder holds for `flask learn`; nothing where it is an export alone.

    Args:
        folder: Of the laboratory.
        exported: Folder in it that an export has.

    Raises:
        DataError: There is neither, or a label file is wrong.
    """
    if (folder / exported).is_dir() and not any(
        (folder / name).is_dir() for name in (IMAGES, *SINGLE_CELLS)
    ):
        return Archive((), (), ())
    try:
        return read_archive(folder)
    except FolderError as error:
        raise DataError(str(error)) from error


def _check_patients(folder: Path, singles: Sequence[Path]) -> None:
    loose = next((path for path in singles if path.parent.parent == folder), None)
    if loose is not None:
        raise DataError(
            f"Nothing says whose cell {loose} shows, so that its patient's cells could be trained "
            "on and measured with alike. Put the images of each patient in a folder of their own, "
            f"such as {loose.parent / 'PATIENT' / loose.name}."
        )


class _Reader:
    """Read the cells of one image after the other."""

    def __init__(self, folder: Path, detector: Detector) -> None:
        self._detector = detector
        self.images = FolderImages(folder)

    def field(self, field: LabelledField) -> Iterator[OwnCell]:
        rgb = self.images.pixels(field.path)
        if rgb is not None:
            group = self.images.group(field.path)
            for cell in field.cells:
                window = context_window(in_pixels(cell, rgb))
                yield _drawn(rgb, window, View.CONTEXT, group, cell.label, field.path)

    def single(self, path: Path, label: str) -> Iterator[OwnCell]:
        rgb = self.images.pixels(path)
        if rgb is not None:
            seen = examine(rgb, self._detector)
            if seen.window is None or seen.view is None:
                self.images.left_out[path] = _NO_CELL
            else:
                group = self.images.group(path)
                yield _drawn(rgb, seen.window, seen.view, group, label, path)

    def reviewed(self, cell: ReviewedCell) -> Iterator[OwnCell]:
        rgb = self.images.pixels(cell.path)
        if rgb is not None:
            group = f"{PATIENT}{cell.subject}"
            window = context_window(cell.box)
            yield _drawn(rgb, window, View.CONTEXT, group, cell.label, cell.path)


def in_pixels(cell: LabelledCell, rgb: RgbImage) -> Box:
    """Return the box of a labelled cell in pixels of its field."""
    height, width = rgb.shape[:2]
    x1, y1, x2, y2 = cell.box
    return x1 * width, y1 * height, x2 * width, y2 * height


def _drawn(
    rgb: RgbImage, window: Window, view: View, group: str, label: str, path: Path
) -> OwnCell:
    """Cut a cell as it is served; with its surroundings, some more of them."""
    side = CONTEXT_SIZE if view == View.CONTEXT else SIZE
    pixels = cut(rgb, replace(window, side=window.side * side / SIZE), view)
    picture = encode_png(np.ascontiguousarray(resize(pixels, side, side)))
    return OwnCell(picture, view, group, *answers_of(label), path.name)
