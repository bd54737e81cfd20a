"""A laboratory's labelled folder as pictures of cells, each of a patient or of a field.

The folder is one that `flask learn` takes, or that `flask export-reviewed` writes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from core.geometry import Box
from core.taxonomy import BLAST, CELL_CLASSES, SMUDGE
from imaging.decoding.errors import ImageError
from imaging.images import RgbImage, encode_png, read_image, resize
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
from training.cells.data import KINDS, UNKNOWN
from training.cells.pack import CONTEXT_SIZE, SIZE
from training.data import DataError, ReviewedCell, read_reviewed

_NO_CELL = "It shows no single white cell."
_NO_LABELS = "It has no label file."


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
        return all(cell.group.startswith(_PATIENT) for cell in self.cells)


_PATIENT, _FIELD = "patient:", "field:"


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
    reviewed, archive = read_reviewed(folder), _archive(folder)
    _check_patients(folder, [path for path, _ in archive.cells])
    reader = _Reader(folder, detector)
    cells = [
        *(cell for field in archive.fields for cell in reader.field(field)),
        *(cell for path, label in archive.cells for cell in reader.single(path, label)),
        *(cell for one in reviewed for cell in reader.reviewed(one)),
    ]
    left_out = {**dict.fromkeys(archive.without_labels, _NO_LABELS), **reader.left_out}
    return Laboratory(tuple(cells), left_out)


def answers_of(label: str) -> tuple[int, int]:
    """Return whether a labelled cell is a blast, and its kind, as the network is taught them."""
    kinds = next((one.training_kinds for one in CELL_CLASSES if one.code == label), ())
    kind = KINDS.index(kinds[0]) if len(kinds) == 1 else UNKNOWN
    return UNKNOWN if label == SMUDGE else int(label == BLAST), kind


def _archive(folder: Path) -> Archive:
    if (folder / "reviewed").is_dir() and not any(
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
    """Read images one by one, and note those that cannot be used."""

    def __init__(self, folder: Path, detector: Detector) -> None:
        self._folder, self._detector = folder, detector
        self._seen: dict[str, Path] = {}
        self.left_out: dict[Path, str] = {}

    def field(self, field: LabelledField) -> Iterator[OwnCell]:
        rgb = self._pixels(field.path)
        if rgb is not None:
            group = self._group(field.path)
            for cell in field.cells:
                window = context_window(_in_pixels(cell, rgb))
                yield _drawn(rgb, window, View.CONTEXT, group, cell.label, field.path)

    def single(self, path: Path, label: str) -> Iterator[OwnCell]:
        rgb = self._pixels(path)
        if rgb is not None:
            seen = examine(rgb, self._detector)
            if seen.window is None or seen.view is None:
                self.left_out[path] = _NO_CELL
            else:
                yield _drawn(rgb, seen.window, seen.view, self._group(path), label, path)

    def reviewed(self, cell: ReviewedCell) -> Iterator[OwnCell]:
        rgb = self._pixels(cell.path)
        if rgb is not None:
            group = f"{_PATIENT}{cell.subject}"
            window = context_window(cell.box)
            yield _drawn(rgb, window, View.CONTEXT, group, cell.label, cell.path)

    def _group(self, path: Path) -> str:
        inside = path.relative_to(self._folder).parts[1:]
        return f"{_PATIENT}{inside[0]}" if len(inside) > 1 else f"{_FIELD}{path.name}"

    def _pixels(self, path: Path) -> RgbImage | None:
        try:
            data = path.read_bytes()
            rgb = read_image(data, file_name=path.name).rgb
        except (ImageError, OSError) as error:
            self.left_out[path] = str(error)
            return None
        first = self._seen.setdefault(hashlib.sha256(data).hexdigest(), path)
        if first != path:
            raise DataError(f"{first} and {path} are the same image. Keep one of them.")
        return rgb


def _in_pixels(cell: LabelledCell, rgb: RgbImage) -> Box:
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
