"""Test the head over the kinds of white cells by cross-validation over patients.

Each cell is named by a head fitted without its patient, and by the base model. Blasts and smudges
are set aside: heads of their own, with a test of their own, decide on these. So a cell that the
model calls a blast counts here under its likeliest other class.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.statistics import share
from models.laboratory.head import Flags
from models.laboratory.kinds import (
    KIND_CLASSES,
    KindSamples,
    KindsHead,
    fit_kinds,
    folds_of_kinds,
    likeliest_classes,
)
from models.laboratory.proof import DRAWS, Change, draw_groups, interval

_LEAST_IN_FOLD = 2


@dataclass(frozen=True)
class KindsProof:
    """The cross-validated results of a head over kinds.

    Attributes:
        head: Fitted to all cells; None where none is better than the base model.
        cells: Number of cells that were named.
        changes: Of the figures in `KIND_FIGURES`, by their names.
        of_class: The change of each signed class' share that is named right, by its code.
        classes: Codes of the signed and the named classes, rows and columns of both tables.
        before: Cells of each signed class that the base model names so, (classes, classes).
        after: Those that heads fitted without each cell's patient name so.
    """

    head: KindsHead | None
    cells: int
    changes: Mapping[str, Change]
    of_class: Mapping[str, Change]
    classes: tuple[str, ...]
    before: NDArray[np.int64]
    after: NDArray[np.int64]

    @property
    def passed(self) -> bool:
        """Say whether no figure is worse beyond its interval."""
        return all(change.passed for change in self.changes.values())


def prove_kinds(samples: KindSamples, draws: int = DRAWS, seed: int = 0) -> KindsProof | None:
    """Fit a head over the kinds, and try it by cross-validation over patients.

    Args:
        samples: The cells; a group is a patient.
        draws: Bootstrap samples of the intervals.
        seed: Of the folds and the draws.

    Returns:
        None where there is no cell, or the base model tells no kinds.
    """
    if not len(samples) or not samples.base.any():
        return None
    head = fit_kinds(samples, seed=seed)
    before = likeliest_classes(samples.base)
    after = before if head is None else _cross_validated(samples, head.classes, seed)
    drawn = draw_groups(samples.groups, draws, seed)
    right = before == samples.labels, after == samples.labels
    classes = tuple(
        code for code in KIND_CLASSES if any(code in one for one in (samples.labels, before, after))
    )
    return KindsProof(
        head,
        len(samples),
        {
            name: _change(measured, right, samples.labels, drawn)
            for name, measured in KIND_FIGURES.items()
        },
        {
            code: _change(_of(code), right, samples.labels, drawn)
            for code in classes
            if code in samples.labels
        },
        classes,
        _table(samples.labels, before, classes),
        _table(samples.labels, after, classes),
    )


def _cross_validated(samples: KindSamples, classes: tuple[str, ...], seed: int) -> NDArray[np.str_]:
    """Name each cell by a head fitted without its patient, or by the base where there is none."""
    named = samples.base.astype(np.float64)
    # Of the other classes there may be a cell alone, which cannot be shared among folds.
    shared = np.where(np.isin(samples.labels, classes), samples.labels, classes[0])
    for training, held_out in folds_of_kinds(shared, samples.groups, seed):
        known = samples.of(training)
        moved = known.of(np.isin(known.labels, classes))
        head = fit_kinds(moved, _LEAST_IN_FOLD, 1, seed)
        if head is not None:
            part = samples.of(held_out)
            named[held_out] = head.corrected(part.base, part.features)
    return likeliest_classes(named)


Measure = Callable[[Flags, NDArray[np.str_]], float]
"""Maps whether cells are named right, and their signed classes, to a figure."""


def _accuracy(right: Flags, labels: NDArray[np.str_]) -> float:
    return share(float(right.sum()), float(len(right)))


def _mean_of_classes(right: Flags, labels: NDArray[np.str_]) -> float:
    codes, of_cell = np.unique(labels, return_inverse=True)
    if not len(codes):
        return float("nan")
    return float((np.bincount(of_cell, right) / np.bincount(of_cell)).mean())


KIND_FIGURES: dict[str, Measure] = {
    "kinds_accuracy": _accuracy,
    "kinds_mean": _mean_of_classes,
}
"""The function that measures each figure; higher is better."""


def _of(code: str) -> Measure:
    def measured(right: Flags, labels: NDArray[np.str_]) -> float:
        return _accuracy(right[labels == code], labels)

    return measured


def _change(
    measured: Measure,
    right: tuple[Flags, Flags],
    labels: NDArray[np.str_],
    drawn: list[NDArray[np.int64]],
) -> Change:
    before, after = right
    differences = np.array(
        [
            measured(after[rows], labels[rows]) - measured(before[rows], labels[rows])
            for rows in drawn
        ]
    )
    return Change(measured(before, labels), measured(after, labels), *interval(differences), True)


def _table(
    signed: NDArray[np.str_], named: NDArray[np.str_], classes: tuple[str, ...]
) -> NDArray[np.int64]:
    return np.array(
        [[((signed == row) & (named == column)).sum() for column in classes] for row in classes],
        np.int64,
    )
