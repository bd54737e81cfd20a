"""Learn from a laboratory's archive in a folder, and measure it on another, before and after.

Nothing of the installation is changed: what was learnt is measured, and forgotten.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.taxonomy import BLAST, SMUDGE
from imaging.decoding.errors import ImageError
from models.classifier.cell_views import View
from models.laboratory.adapted import AdaptedClassifier, LaboratoryHead
from models.laboratory.cells import CellReadings, joined
from models.laboratory.folders import FolderError, read_archive
from models.laboratory.head import Head, Numbers, Samples, TooFewCellsError, fit
from services.learning.measures import Measures, base_answers, head_answers, measure
from services.learning.observations import (
    UNCLEAR,
    Networks,
    NotOneCellError,
    ObservedField,
    SingleCells,
    joined_by_view,
    observe_cell,
    observe_field,
)

Progress = Callable[[Path, int, int], None]
"""Told the folder that is read, how many of its images are done, and how many there are."""

VERSION = "folder"
"""Version of a head that is not kept."""


@dataclass(frozen=True)
class Observations:
    """An archive with the networks' output.

    Attributes:
        fields: Its fields.
        singles: Its single cells, by view.
        left_out: Images that could not be read, hold no single cell, or have no label file, and
            why.
    """

    fields: tuple[ObservedField, ...]
    singles: tuple[SingleCells, ...]
    left_out: dict[Path, str]


@dataclass(frozen=True)
class Trial:
    """What learning from a folder brought.

    Attributes:
        before: How the networks read the test folder by themselves.
        after: How they read it under the head.
        cells: Number of cells that the head was fitted to.
        seconds: That fitting took.
        left_out: Images of either folder that were not used, and why.
    """

    before: Measures
    after: Measures
    cells: int
    seconds: float
    left_out: dict[Path, str]

    def to_dict(self) -> dict[str, Any]:
        """Serialise to values that JSON takes."""
        return {
            "before": self.before.to_dict(),
            "after": self.after.to_dict(),
            "cells": self.cells,
            "seconds": round(self.seconds, 2),
        }


def try_folder(data: Path, test: Path, networks: Networks, progress: Progress) -> Trial:
    """Learn from `data`, and measure on `test`.

    Raises:
        FolderError: A folder cannot be read, or holds too few cells to learn from.
    """
    taught, tested = (observe(folder, networks, progress) for folder in (data, test))
    start = time.monotonic()
    head, cells = learn(taught)
    seconds = time.monotonic() - start
    adapted = AdaptedClassifier(networks.classifier, networks.embedder, head)
    before, after = (
        measure(tested.fields, tested.singles, answer)
        for answer in (base_answers(networks.classifier), head_answers(adapted, head))
    )
    return Trial(before, after, cells, seconds, {**taught.left_out, **tested.left_out})


def observe(folder: Path, networks: Networks, progress: Progress) -> Observations:
    """Have the networks read an archive; raises `FolderError`."""
    archive = read_archive(folder)
    left_out = dict.fromkeys(archive.without_labels, "It has no label file.")
    total = len(archive.fields) + len(archive.cells)
    fields: list[ObservedField] = []
    cells: list[SingleCells] = []
    for done, field in enumerate(archive.fields, 1):
        try:
            fields.append(observe_field(field, networks))
        except ImageError as error:
            left_out[field.path] = str(error)
        progress(folder, done, total)
    for done, (path, label) in enumerate(archive.cells, len(archive.fields) + 1):
        try:
            cells.append(observe_cell(path, label, networks))
        except (ImageError, NotOneCellError) as error:
            left_out[path] = str(error)
        progress(folder, done, total)
    return Observations(tuple(fields), tuple(joined_by_view(cells)), left_out)


def learn(taught: Observations) -> tuple[LaboratoryHead, int]:
    """Fit a head to an archive.

    Returns:
        The head, and the number of cells that it was fitted to.

    Raises:
        FolderError: There are too few cells of every view.
    """
    heads: dict[str, Head] = {}
    cells = 0
    missing: list[str] = []
    for view in View:
        named = _named(taught, view)
        if named is None:
            continue
        samples = named.samples(BLAST, named.readings.blast)
        try:
            heads[view] = fit(samples).head
            cells += len(samples)
        except TooFewCellsError as error:
            missing.append(_too_few(error))
    if not heads:
        raise FolderError(" ".join(missing) or "There is no cell to learn from.")
    return LaboratoryHead(VERSION, heads, _smudge_head(taught)), cells


def _smudge_head(taught: Observations) -> Head | None:
    """Fit a head to the smudges of fields, if there are enough; single images show none."""
    named = _named(replace(taught, singles=()), View.CONTEXT)
    if named is None:
        return None
    try:
        return fit(named.samples(SMUDGE, named.readings.smudge)).head
    except TooFewCellsError:
        return None


@dataclass(frozen=True)
class _Named:
    """Cells of a view that a person named, arrays (n, ...): labels, and groups of cells."""

    readings: CellReadings
    labels: NDArray[np.str_]
    groups: NDArray[np.int64]

    def samples(self, label: str, base: Numbers) -> Samples:
        """Return the cells of a label against all others, without those that are unclear."""
        everyone = Samples(base, self.readings.features, self.labels == label, self.groups)
        return everyone.of(self.labels != UNCLEAR)


def _named(taught: Observations, view: str) -> _Named | None:
    """Return all cells that are seen so; None where there are none."""
    fields = _cells_of_fields(taught.fields) if view == View.CONTEXT else ()
    parts = [*fields, *_single_cells(taught.singles, view)]
    if not parts:
        return None
    return _Named(
        joined([part.readings for part in parts]),
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.groups for part in parts]),
    )


def _cells_of_fields(fields: Sequence[ObservedField]) -> Iterator[_Named]:
    for group, field in enumerate(fields):
        if field.readings:
            labels = np.array(field.labels)
            yield _Named(field.readings, labels, np.full(len(labels), group))


def _single_cells(singles: Sequence[SingleCells], view: str) -> Iterator[_Named]:
    for one in singles:
        if one.view == view:
            # Nothing tells the patients of single images apart.
            yield _Named(one.readings, one.labels, -1 - np.arange(len(one.labels)))


def _too_few(error: TooFewCellsError) -> str:
    return (
        f"There are {error.positive} blasts and {error.negative} other cells, of either class from "
        f"{error.groups} images at least; {error.least} cells of either class from 2 images are "
        "needed."
    )
