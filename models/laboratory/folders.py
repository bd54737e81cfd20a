"""A laboratory's archive in a folder: labelled fields in YOLO's layout, and single cells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.geometry import Box
from core.taxonomy import BLAST, SMUDGE, WBC

IMAGES, LABELS = "images", "labels"
LABEL_CODES = {"0": BLAST, "1": WBC, "2": SMUDGE}
"""What the numbers of the label files stand for."""

SINGLE_CELLS = {"all": BLAST, "hem": WBC}
"""Folders of single-cell images, and what their cells are."""

_SUFFIXES = frozenset(
    (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".heic", ".avif", ".jp2", ".dcm")
)


class FolderError(Exception):
    """A folder that cannot be learnt from; its text is a sentence for the operator."""


@dataclass(frozen=True)
class LabelledCell:
    """A cell that a person named.

    Attributes:
        label: One of the codes in `LABEL_CODES`.
        box: x1, y1, x2, y2 as fractions (0..1) of the upright field.
    """

    label: str
    box: Box


@dataclass(frozen=True)
class LabelledField:
    """A field, all of whose white cells a person named.

    Attributes:
        path: Of the image.
        cells: What is in it.
    """

    path: Path
    cells: tuple[LabelledCell, ...]


@dataclass(frozen=True)
class Archive:
    """What a folder holds.

    Attributes:
        fields: Fields with their label files.
        cells: Single-cell images, and the label of each.
        without_labels: Fields that have no label file; nothing is known of them.
    """

    fields: tuple[LabelledField, ...]
    cells: tuple[tuple[Path, str], ...]
    without_labels: tuple[Path, ...]


def read_archive(folder: Path) -> Archive:
    """Read what a folder holds, without opening an image.

    Args:
        folder: With `images/` and `labels/`, files of one name in both, or with `all/` and `hem/`.

    Raises:
        FolderError: There is nothing to learn from, or a label file cannot be read.
    """
    images = list(_images(folder / IMAGES))
    labels = {path: _label_file(folder, path) for path in images}
    fields = [LabelledField(path, _read_labels(of)) for path, of in labels.items() if of.is_file()]
    without = tuple(path for path, of in labels.items() if not of.is_file())
    cells = [
        (path, label) for name, label in SINGLE_CELLS.items() for path in _images(folder / name)
    ]
    if not fields and not cells:
        raise FolderError(
            f"{folder} holds nothing to learn from. It needs {IMAGES}/ and {LABELS}/ (a text file "
            "for each image: 0 blast, 1 other white cell, 2 smudge), or all/ and hem/ with "
            "single-cell images."
        )
    return Archive(tuple(fields), tuple(cells), without)


def _images(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        found = (path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)
        yield from sorted(found)


def _label_file(folder: Path, image: Path) -> Path:
    inside = image.relative_to(folder / IMAGES)
    return (folder / LABELS / inside).with_suffix(".txt")


def _read_labels(path: Path) -> tuple[LabelledCell, ...]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FolderError(f"{path} cannot be read: {error}") from error
    return tuple(
        _cell(line.split(), f"{path}, line {number}")
        for number, line in enumerate(lines, 1)
        if line.strip()
    )


def _cell(words: list[str], place: str) -> LabelledCell:
    """Read one line: class, then centre and size as fractions of the field."""
    try:
        label = LABEL_CODES[words[0]]
        x, y, width, height = (float(word) for word in words[1:5])
    except (ValueError, KeyError):
        raise _no_label(place) from None
    if not (0 < width <= 1 and 0 < height <= 1 and 0 <= x <= 1 and 0 <= y <= 1):
        raise _no_label(place)
    return LabelledCell(label, (x - width / 2, y - height / 2, x + width / 2, y + height / 2))


def _no_label(place: str) -> FolderError:
    return FolderError(
        f"{place} is no label: it needs a class (0 blast, 1 other white cell, 2 smudge), then the "
        "box's centre and size as fractions of the image (0 to 1)."
    )
