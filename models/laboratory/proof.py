"""Test a head by cross-validation over patients before it is used.

Each cell is classified by a head fitted without its patient, and by the base model. A head passes
if no metric is worse beyond the 95% interval of its change, by bootstrap over patients.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.reliability import calibration_error
from core.statistics import auroc, share
from models.laboratory.head import (
    Fit,
    Flags,
    Head,
    Numbers,
    Samples,
    TooFewCellsError,
    fit,
    split_by_group,
)

DRAWS = 500
SHARES = (0.25, 0.5, 0.75, 1.0)
"""Of the patients that are not held out, for the learning curve."""

MOST_CHANGED = 20
"""Number of cells to list, those whose probability changes most."""


@dataclass(frozen=True)
class Answered:
    """Answers about n cells, arrays (n,): P(positive) in 0..1, and whether it is called so."""

    probabilities: Numbers
    called: Flags


@dataclass(frozen=True)
class Change:
    """One figure before and after.

    Attributes:
        before: By the base model alone.
        after: By the head.
        low: Lower end of the 95% interval of `after - before`.
        high: Its upper end.
        rises: Whether higher is better.
    """

    before: float
    after: float
    low: float
    high: float
    rises: bool

    @property
    def passed(self) -> bool:
        """Say whether it was measured, and is not worse beyond the interval."""
        return self.high >= 0 if self.rises else self.low <= 0


@dataclass(frozen=True)
class Proof:
    """The cross-validated results of a head.

    Attributes:
        fit: The head, fitted to all cells.
        changes: Of each figure, by its name in `FIGURES`.
        before: The base model's answers.
        after: Those of heads fitted without each cell's patient.
        tried: Whether a head could be fitted without the patient, bool (n,).
    """

    fit: Fit
    changes: Mapping[str, Change]
    before: Answered
    after: Answered
    tried: Flags

    @property
    def failed(self) -> list[str]:
        """Name the figures that are worse, or could not be measured."""
        return [name for name, change in self.changes.items() if not change.passed]

    @property
    def passed(self) -> bool:
        """Say whether the head may be used: tried on every cell, and worse nowhere."""
        return bool(self.tried.all()) and not self.failed

    def most_changed(self) -> NDArray[np.int64]:
        """Return the rows of the cells whose probability changes most, the most changed first."""
        moved = np.abs(self.after.probabilities - self.before.probabilities)
        return np.argsort(-moved, kind="stable")[:MOST_CHANGED]


@dataclass(frozen=True)
class CurvePoint:
    """AUROC of heads fitted to a part of the patients, on the cells of others.

    Attributes:
        cells: That a head was fitted to, on average.
        auroc: Over all cells, each answered by a head that did not see its patient.
        low: Lower end of its 95% interval, by bootstrap over patients.
        high: Its upper end.
    """

    cells: int
    auroc: float
    low: float
    high: float


def prove(
    samples: Samples, threshold: float, least: int = 10, draws: int = DRAWS, seed: int = 0
) -> Proof:
    """Fit a head and try it by cross-validation over patients.

    Args:
        samples: The cells; a group is a patient.
        threshold: Probability from which on the base model calls a cell positive.
        least: Cells of either class that there must be.
        draws: Bootstrap samples of the intervals.
        seed: Of the folds and the draws.

    Raises:
        TooFewCellsError: There are fewer, or all of a class are of one patient.
    """
    whole = fit(samples, least, seed)
    before = Answered(samples.base, samples.base >= threshold)
    after, tried, _ = _cross_validated(samples, before, seed)
    return Proof(whole, _changes(samples, before, after, draws, seed), before, after, tried)


def learning_curve(samples: Samples, draws: int = DRAWS, seed: int = 0) -> list[CurvePoint]:
    """Measure how AUROC rises with the number of cells: none, then `SHARES` of the patients.

    Args:
        samples: The cells; a group is a patient.
        draws: Bootstrap samples of the intervals.
        seed: Of the folds, the patients and the draws.
    """
    drawn = draw_groups(samples.groups, draws, seed)
    before = Answered(samples.base, samples.base >= 0)
    points = [_point(0, samples, before, drawn)]
    for part in SHARES:
        after, tried, cells = _cross_validated(samples, before, seed, part)
        # Where some patients' cells could not be answered, the point would be of both models.
        if tried.all():
            points.append(_point(cells, samples, after, drawn))
    return points


def _point(
    cells: int, samples: Samples, answered: Answered, drawn: list[NDArray[np.int64]]
) -> CurvePoint:
    positive = samples.positive
    values = np.array(
        [auroc(answered.probabilities[rows], positive[rows]) for rows in drawn if len(rows)]
    )
    return CurvePoint(cells, _auroc(answered, positive), *interval(values))


def _cross_validated(
    samples: Samples, before: Answered, seed: int, share_fitted: float = 1.0
) -> tuple[Answered, Flags, int]:
    """Answer each cell by a head fitted without its patient, where one can be fitted.

    Returns:
        The answers, which cells a head answered, and to how many cells heads were fitted.
    """
    probabilities, called = before.probabilities.copy(), before.called.copy()
    tried = np.zeros(len(samples), bool)
    fitted: list[int] = []
    for everybody, held_out in split_by_group(samples, seed):
        training = _some_groups(samples, everybody, share_fitted, seed)
        head = _fitted(samples.of(training), seed)
        fitted.append(len(training))
        if head is not None:
            part = samples.of(held_out)
            probabilities[held_out] = head.probabilities(part.base, part.features)
            called[held_out] = probabilities[held_out] >= head.threshold
            tried[held_out] = True
    return Answered(probabilities, called), tried, round(float(np.mean(fitted)))


def _some_groups(
    samples: Samples, rows: NDArray[np.int64], part: float, seed: int
) -> NDArray[np.int64]:
    """Keep the rows of a share of the groups, drawn anew for other rows."""
    groups = np.unique(samples.groups[rows])
    count = max(1, round(part * len(groups)))
    kept = np.random.default_rng(seed).permutation(groups)[:count]
    return rows[np.isin(samples.groups[rows], kept)]


def _fitted(samples: Samples, seed: int) -> Head | None:
    """Fit to the patients that are left; None where too few of their cells are."""
    if samples.fewest_groups < 2:
        # One patient is left: the threshold can only be placed on other cells of the same one.
        samples = replace(samples, groups=np.arange(len(samples)))
    try:
        return fit(samples, least=2, seed=seed).head
    except TooFewCellsError:
        return None


def _auroc(answered: Answered, positive: Flags) -> float:
    return auroc(answered.probabilities, positive)


def _sensitivity(answered: Answered, positive: Flags) -> float:
    return share(float((answered.called & positive).sum()), float(positive.sum()))


def _specificity(answered: Answered, positive: Flags) -> float:
    return share(float((~answered.called & ~positive).sum()), float((~positive).sum()))


def _calibration_error(answered: Answered, positive: Flags) -> float:
    return calibration_error(answered.probabilities, positive)


FIGURES: dict[str, tuple[Callable[[Answered, Flags], float], bool]] = {
    "auroc": (_auroc, True),
    "sensitivity": (_sensitivity, True),
    "specificity": (_specificity, True),
    "calibration_error": (_calibration_error, False),
}
"""The function that measures each figure, and whether higher is better."""


def _changes(
    samples: Samples, before: Answered, after: Answered, draws: int, seed: int
) -> dict[str, Change]:
    drawn = draw_groups(samples.groups, draws, seed)
    return {
        name: _change(measured, rises, before, after, samples.positive, drawn)
        for name, (measured, rises) in FIGURES.items()
    }


def _change(
    measured: Callable[[Answered, Flags], float],
    rises: bool,
    before: Answered,
    after: Answered,
    positive: Flags,
    drawn: list[NDArray[np.int64]],
) -> Change:
    def taken(answered: Answered, rows: NDArray[np.int64]) -> float:
        part = Answered(answered.probabilities[rows], answered.called[rows])
        return measured(part, positive[rows])

    differences = np.array([taken(after, rows) - taken(before, rows) for rows in drawn])
    whole = np.arange(len(positive))
    return Change(taken(before, whole), taken(after, whole), *interval(differences), rises)


def interval(values: Numbers) -> tuple[float, float]:
    """Return the 95% interval of values that were drawn, NaN where none could be measured."""
    known = values[~np.isnan(values)]
    low, high = np.percentile(known, (2.5, 97.5)) if len(known) else (np.nan, np.nan)
    return float(low), float(high)


def draw_groups(groups: NDArray[np.int64], draws: int, seed: int) -> list[NDArray[np.int64]]:
    """Draw as many patients as there are, with replacement; return their cells' rows."""
    rng = np.random.default_rng(seed)
    rows = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    return [
        np.concatenate([rows[each] for each in rng.integers(len(rows), size=len(rows))])
        for _ in range(draws)
    ]
