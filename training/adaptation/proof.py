"""Is the fine-tuned network worse anywhere? Asked as of a laboratory's head.

Both networks are asked about the same cells, none of which the fine-tuning saw: the laboratory's
held-out patients or fields, and open cells of a held-out fold. A figure is worse if the whole 95%
interval of its change is, by bootstrap over groups.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
from scipy.special import expit

from core.taxonomy import SMUDGE
from models.classifier.cell_views import View
from models.laboratory.proof import DRAWS, FIGURES, Answered, Change, draw_groups, interval
from models.manifest import Manifest
from training.adaptation.mixture import VIEW_NAMES, source_of
from training.cells.calibration import smudge_shares
from training.cells.data import ATTRIBUTES, KINDS, UNKNOWN
from training.cells.pack import Pack
from training.cells.predict import Predictions
from training.columns import Columns
from training.metrics.estimates import Estimate, EstimatesBySet

T = TypeVar("T")

OPEN = {View.SEGMENTED: ("cnmc",), View.CONTEXT: ("lmu", "pbc", "txl")}
"""Sets of open cells that are seen so, and trained on."""

_SMUDGE = KINDS.index(SMUDGE)


@dataclass(frozen=True)
class Cells(Columns):
    """Labelled cells with a network's answers, arrays (n,).

    Attributes:
        probabilities: Calibrated P(blast), 0..1.
        called: Whether it is called a blast.
        blast: 1, 0 or `UNKNOWN`.
        groups: Number of the patient, the field or the image.
        kind_right: Whether the likeliest kind is the labelled one, 0 or 1; NaN where unknown.
        form_right: Share of the labelled attributes that are right; NaN where there are none.
        smudge: Whether an intact cell is called a smudge, 0 or 1; NaN for a smudge.
    """

    probabilities: np.ndarray
    called: np.ndarray
    blast: np.ndarray
    groups: np.ndarray
    kind_right: np.ndarray
    form_right: np.ndarray
    smudge: np.ndarray


@dataclass(frozen=True)
class Proof:
    """Both networks measured on the same cells.

    Attributes:
        changes: By the set of cells, then by the figure.
        metrics: The fine-tuned network's figures, likewise.
    """

    changes: Mapping[str, Mapping[str, Change]]
    metrics: EstimatesBySet

    @property
    def failed(self) -> list[str]:
        """Name the figures that are worse, or could not be measured."""
        return [
            f"{figure} ({title})"
            for title, changes in self.changes.items()
            for figure, change in changes.items()
            if not change.passed
        ]


def prove(
    pack: Pack, manifest: Manifest, before: Predictions, after: Predictions, draws: int = DRAWS
) -> Proof:
    """Compare both networks' answers.

    Args:
        pack: Open cells and the laboratory's.
        manifest: Of the base network; its calibration and limits are those of both.
        before: The base network's answers.
        after: The fine-tuned one's, about the same rows.
        draws: Bootstrap samples of the intervals.
    """
    changes: dict[str, dict[str, Change]] = {}
    metrics: EstimatesBySet = {}
    for title, view, sources in _sets():
        there = np.isin(pack.source[before.rows], sources)
        if not there.any():
            continue
        first, second = (
            cells_of(pack, manifest, one.select(there), view) for one in (before, after)
        )
        named = f"{title}: {(first.blast == 1).sum()} blasts, {(first.blast == 0).sum()} others"
        changes[named], metrics[named] = _compared(first, second, draws)
    return Proof(changes, metrics)


def cells_of(pack: Pack, manifest: Manifest, predictions: Predictions, view: View) -> Cells:
    """Return the answers about cells of one view, at the limits that the manifest states."""
    rows, limits = predictions.rows, manifest.views[view]
    logits = predictions.blast.astype(np.float64) / limits["temperature"]
    probabilities = expit(logits + limits.get("offset", 0.0))
    kinds, form = pack.kind[rows], pack.attributes[rows]
    named = predictions.kind.argmax(axis=1)
    smudges = smudge_shares(predictions) >= manifest.thresholds.get(SMUDGE, 2.0)
    # Kinds and form are given for cells with their surroundings only.
    told = view == View.CONTEXT
    return Cells(
        probabilities,
        probabilities >= limits["uncertain_high"],
        pack.blast[rows],
        np.unique(pack.group[rows], return_inverse=True)[1],
        np.where(told & (kinds != UNKNOWN), named == kinds, np.nan),
        np.where(told & (form[:, 0] != UNKNOWN), _form_right(predictions, form), np.nan),
        np.where(told & (kinds != _SMUDGE), smudges, np.nan),
    )


def _sets() -> list[tuple[str, View, tuple[str, ...]]]:
    own = [(f"Laboratory, held out, {VIEW_NAMES[view]}", view, (source_of(view),)) for view in View]
    opened = [(f"Open cells, held out, {VIEW_NAMES[view]}", view, OPEN[view]) for view in View]
    return [*own, *opened]


def _form_right(predictions: Predictions, form: np.ndarray) -> np.ndarray:
    ends = np.cumsum([len(values) for values in ATTRIBUTES.values()])[:-1]
    named = [part.argmax(axis=1) for part in np.split(predictions.attributes, ends, axis=1)]
    return (np.stack(named, axis=1) == form).mean(axis=1)


Measure = Callable[[Cells], float]


def compare(
    figures: Mapping[str, tuple[Callable[[T], float], bool]],
    whole: tuple[T, T],
    samples: Iterable[tuple[T, T]],
) -> tuple[dict[str, Change], dict[str, Estimate]]:
    """Take figures of what was answered before and after.

    Args:
        figures: What measures each, and whether higher is better.
        whole: All answers before, and after.
        samples: Drawn of these with replacement, the same ones before and after.

    Returns:
        The changes, and the figures after, by name.
    """
    measures = [measure for measure, _ in figures.values()]
    drawn = np.array([[[measure(one) for one in pair] for measure in measures] for pair in samples])
    changes: dict[str, Change] = {}
    metrics: dict[str, Estimate] = {}
    for column, (name, (measure, rises)) in enumerate(figures.items()):
        before, after = drawn[:, column].T
        values = measure(whole[0]), measure(whole[1])
        changes[name] = Change(*values, *interval(after - before), rises)
        metrics[name] = Estimate.from_samples(values[1], after)
    return changes, metrics


def _of_blasts(figure: str, cells: Cells) -> float:
    known = cells.blast != UNKNOWN
    answered = Answered(cells.probabilities[known], cells.called[known])
    return FIGURES[figure][0](answered, cells.blast[known] == 1)


def _mean(column: str, cells: Cells) -> float:
    values = getattr(cells, column)
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


_BLASTS: dict[str, tuple[Measure, bool]] = {
    name: (partial(_of_blasts, name), rises) for name, (_, rises) in FIGURES.items()
}
_WHERE_LABELLED: dict[str, tuple[Measure, bool]] = {
    "kind right": (partial(_mean, "kind_right"), True),
    "form right": (partial(_mean, "form_right"), True),
    "called smudge": (partial(_mean, "smudge"), False),
}
"""The function that measures each figure, and whether higher is better."""


def _compared(
    before: Cells, after: Cells, draws: int
) -> tuple[dict[str, Change], dict[str, Estimate]]:
    drawn = draw_groups(before.groups, draws, seed=0)
    samples = ((before.select(rows), after.select(rows)) for rows in drawn)
    labelled = {name: of for name, of in _WHERE_LABELLED.items() if not np.isnan(of[0](before))}
    return compare({**_BLASTS, **labelled}, (before, after), samples)
