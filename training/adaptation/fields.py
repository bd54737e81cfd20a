"""A laboratory's labelled fields, which of them are held out, and the open ones beside them.

The folder is one that `flask learn` takes, or that `flask export-reviewed` writes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from core.geometry import clipped
from core.taxonomy import BLAST, SMUDGE, WBC, WHITE_CELLS
from imaging.images import RgbImage
from models.laboratory.folders import IMAGES, LabelledField
from models.manifest import sha256_of
from training.adaptation.images import FIELD, PATIENT, FolderImages, without_labels
from training.adaptation.laboratory import in_pixels, read_labelled
from training.adaptation.mixture import LEAST_CELLS, LEAST_GROUPS, hold_out
from training.data import SPLITS, DataError, TxlField, read_txl
from training.detector.ground_truth import Field, TrueCell, txl_ground_truth

_EXPORTED = "txl_pbc"
"""Folder of an export's fields."""


@dataclass(frozen=True)
class OwnField:
    """One field of the laboratory.

    Attributes:
        path: Of the image.
        cells: Its white cells, smudges among them, as the detector is to find them.
        group: The patient where known, else the field: never on both sides of a split.
        held_out: Whether it is, where the folder says so: the patients of an export are dealt to
            splits. None where it is to be drawn.
        is_complete: Whether what is not labelled is no white cell. An export's labels leave out
            smudges, erythroblasts and what nobody classified.
    """

    path: Path
    cells: tuple[TrueCell, ...]
    group: str
    held_out: bool | None = None
    is_complete: bool = True

    @property
    def truth(self) -> Field:
        """The field as the detector is measured on it."""
        return self.path, list(self.cells)


@dataclass(frozen=True)
class LaboratoryFields:
    """All labelled fields of a folder.

    Attributes:
        fields: In the order of their files.
        left_out: Images that could not be used, and why.
        digests: SHA-256 of their files.
    """

    fields: tuple[OwnField, ...]
    left_out: dict[Path, str]
    digests: frozenset[str] = field(default_factory=frozenset)

    @property
    def patients_known(self) -> bool:
        """Tell whether every field is of a known patient, rather than of itself."""
        return all(one.group.startswith(PATIENT) for one in self.fields)

    @property
    def counts(self) -> dict[str, int | bool]:
        """Count what there is, for manifest and card."""
        cells = [cell for one in self.fields for cell in one.cells]
        return {
            "fields": len(self.fields),
            "white_cells": len(cells),
            "smudges": sum(cell.kind == SMUDGE for cell in cells),
            "groups": len({one.group for one in self.fields}),
            "patients_known": self.patients_known,
        }


def read_laboratory_fields(folder: Path) -> LaboratoryFields:
    """Read the fields that a laboratory labelled; single cells say nothing of where cells are.

    A patient is a folder of their own in `images/`. Fields that lie in no such folder are a group
    each.

    Args:
        folder: Of the laboratory.

    Raises:
        DataError: There is no field, a label file is wrong, or two images are the same file.
    """
    images = FolderImages(folder)
    archive = read_labelled(folder, _EXPORTED)
    fields = [
        *(_labelled(one, images) for one in archive.fields),
        *(_exported(one, images) for one in _exports(folder)),
    ]
    there = tuple(one for one in fields if one is not None)
    if not there:
        raise DataError(
            f"{folder} has no labelled fields. The detector learns from {IMAGES}/ and labels/ (a "
            "text file for each image), not from images of single cells."
        )
    left_out = {**without_labels(archive), **images.left_out}
    return LaboratoryFields(there, left_out, frozenset(images.seen))


def divide_fields(fields: Sequence[OwnField], seed: int) -> np.ndarray:
    """Hold out about a third of the patients or fields, or those that the folder says.

    Args:
        fields: Of the laboratory.
        seed: Of the draw.

    Returns:
        Mask (n,) of the fields that are held out; those of a group all are, or none.

    Raises:
        DataError: There are too few white cells, or they are of too few groups.
    """
    said = np.array([one.held_out is True for one in fields])
    drawn = np.flatnonzero([one.held_out is None for one in fields])

    def whole(of_drawn: np.ndarray) -> np.ndarray:
        mask = said.copy()
        mask[drawn] = of_drawn
        return mask

    if not len(drawn) and _is_enough(fields, said):
        return said
    groups = np.array([one.group for one in fields if one.held_out is None])
    held_out = hold_out(groups, lambda mask: _is_enough(fields, whole(mask)), seed)
    if held_out is None:
        raise DataError(_too_few(fields))
    return whole(held_out)


def open_fields(sets: Path, most: int, known: Collection[str], seed: int) -> list[Field]:
    """Return fields of TXL-PBC's test split, which no network is trained on.

    Args:
        sets: Folder of the image sets.
        most: At most so many, drawn by the seed.
        known: SHA-256 of the laboratory's images, which are left out.
        seed: Of the draw.
    """
    fields = [one for one in txl_ground_truth(sets, "test") if sha256_of(one[0]) not in known]
    rows = np.random.default_rng(seed).permutation(len(fields))[:most]
    return [fields[row] for row in sorted(rows)]


def _exports(folder: Path) -> Iterator[TxlField]:
    if (folder / _EXPORTED).is_dir():
        for split in SPLITS:
            yield from read_txl(folder, split)


def _labelled(labelled: LabelledField, images: FolderImages) -> OwnField | None:
    rgb = images.pixels(labelled.path)
    if rgb is None:
        return None
    height, width = rgb.shape[:2]
    cells = tuple(
        TrueCell(
            BLAST if cell.label == BLAST else WBC,
            clipped(in_pixels(cell, rgb), width, height),
            SMUDGE if cell.label == SMUDGE else "",
        )
        for cell in labelled.cells
    )
    return OwnField(labelled.path, cells, images.group(labelled.path))


def _exported(exported: TxlField, images: FolderImages) -> OwnField | None:
    rgb = images.pixels(exported.path)
    if rgb is None:
        return None
    return OwnField(
        exported.path,
        _white_cells(exported, rgb),
        f"{FIELD}{exported.path.name}",
        held_out=exported.split != "train",
        is_complete=False,
    )


def _white_cells(exported: TxlField, rgb: RgbImage) -> tuple[TrueCell, ...]:
    height, width = rgb.shape[:2]
    return tuple(
        TrueCell(box.label, (box.x1 * width, box.y1 * height, box.x2 * width, box.y2 * height))
        for box in exported.boxes
        if box.label in WHITE_CELLS
    )


def _is_enough(fields: Sequence[OwnField], held_out: np.ndarray) -> bool:
    """Tell whether either side has white cells of some groups, and both have enough."""
    sides = (
        {
            one.group
            for one, is_out in zip(fields, held_out, strict=True)
            if is_out == side and one.cells
        }
        for side in (True, False)
    )
    enough = sum(len(one.cells) for one in fields) >= LEAST_CELLS
    return enough and all(len(groups) >= LEAST_GROUPS for groups in sides)


def _too_few(fields: Sequence[OwnField]) -> str:
    with_cells = [one for one in fields if one.cells]
    cells, groups = sum(len(one.cells) for one in with_cells), {one.group for one in with_cells}
    return (
        f"There are too few white cells, or they are of too few patients: {cells} (of "
        f"{len(groups)}). {LEAST_CELLS} are needed, of {2 * LEAST_GROUPS} patients or fields at "
        f"least, so that {LEAST_GROUPS} can be held out and as many trained on."
    )
