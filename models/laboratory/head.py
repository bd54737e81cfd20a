"""A laboratory's head: the networks' opinion, corrected by what its own signed cells show.

Logistic regression whose offset is the base model's log odds. The weights of the features are drawn
to 0 and the slope of the base's opinion to 1, so that few cells change little and many take over.
How strongly is chosen by cross-validation over groups of cells (patients, or else fields).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]

VARIANCES = (0.0, 1.0, 4.0, 16.0, 64.0)
"""Prior variances of the weights, of standardised features over the root of their number, that are
tried; at 0 the base's opinion alone is shifted and stretched."""

SENSITIVITY = 0.9
"""Share of the positive cells that the threshold must find out of fold."""

AXES = 256
"""Principal axes of the features that are used at most."""

FOLDS = 5
_SLOPE_VARIANCE = 0.25
_OFFSET_VARIANCE = 9.0
_MOST_CERTAIN = 1e-3
"""The base's probabilities are taken for no closer to 0 and 1 than this: its errors are as sure."""

_LEAST_SCALE = 1e-3


class TooFewCellsError(Exception):
    """There are too few cells to learn from.

    Attributes:
        positive: Cells of the class that there are.
        negative: Cells of the other.
        groups: Patients or fields of the rarer class.
        least: Cells of each class, and groups, that are needed.
    """

    def __init__(self, positive: int, negative: int, groups: int, least: int) -> None:
        super().__init__(f"{positive} and {negative} cells of {groups} groups; {least} needed")
        self.positive, self.negative, self.groups, self.least = positive, negative, groups, least


@dataclass(frozen=True)
class Samples:
    """Cells that a person named, arrays (n, ...).

    Attributes:
        base: The base model's probability in 0..1.
        features: Of the embedder, (n, features).
        positive: Whether each cell is of the class.
        groups: Number of the patient or field of each.
    """

    base: Numbers
    features: NDArray[np.floating]
    positive: Flags
    groups: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.positive)

    @property
    def fewest_groups(self) -> int:
        """Return the number of groups of the class that has fewer."""
        return min(len(np.unique(self.groups[each])) for each in (self.positive, ~self.positive))

    def of(self, rows: NDArray[np.integer] | Flags) -> Samples:
        """Return the samples of some rows."""
        return Samples(self.base[rows], self.features[rows], self.positive[rows], self.groups[rows])


@dataclass(frozen=True)
class Head:
    """The correction of one question; gives P(positive) in 0..1.

    Attributes:
        slope: Factor of the base's log odds.
        offset: Is added.
        weights: Of the standardised features, (features,).
        mean: Of the features, (features,).
        scale: Their standard deviation, times the root of their number.
        threshold: Probability from which on a cell counts as positive.
        lower: Probability below which it counts as negative; between both it is uncertain.
    """

    slope: float
    offset: float
    weights: Numbers
    mean: Numbers
    scale: Numbers
    threshold: float = 0.5
    lower: float = 0.5

    def probabilities(self, base: Numbers, features: NDArray[np.floating]) -> Numbers:
        """Correct the base model's probabilities.

        Args:
            base: P(positive) in 0..1, (n,).
            features: Of the embedder, (n, features).

        Returns:
            P(positive) in 0..1, (n,).
        """
        from scipy.special import expit

        standard = Standard(self.mean, self.scale).apply(features)
        return expit(self.slope * log_odds(base) + self.offset + standard @ self.weights)


@dataclass(frozen=True)
class Fit:
    """A head, and what heads fitted without each cell's group say of that cell.

    Attributes:
        head: Fitted to all cells.
        variance: The prior variance that was chosen, one of those tried.
        out_of_fold: P(positive) in 0..1, (n,).
    """

    head: Head
    variance: float
    out_of_fold: Numbers


def log_odds(probabilities: Numbers) -> Numbers:
    """Return log odds (n,) of probabilities (n,), bounded as `_MOST_CERTAIN` says."""
    from scipy.special import logit

    return logit(np.clip(probabilities, _MOST_CERTAIN, 1 - _MOST_CERTAIN))


def fit(
    samples: Samples, least: int = 10, seed: int = 0, variances: Sequence[float] = VARIANCES
) -> Fit:
    """Fit a head, its regularisation chosen and its threshold placed by cross-validation.

    Args:
        samples: The cells.
        least: Cells of either class that there must be.
        seed: Of the folds.
        variances: Prior variances of the weights that are tried, rising.

    Raises:
        TooFewCellsError: There are fewer, or all of a class are of one group.
    """
    folds = list(_folds(samples, least, seed))
    design = _Design.of(samples)
    out_of_fold = _out_of_fold(design, samples, folds, variances)
    losses = {variance: _loss(of, samples.positive) for variance, of in out_of_fold.items()}
    variance = min(losses, key=lambda one: losses[one])
    chosen = out_of_fold[variance]
    threshold, lower = operating_points(chosen, samples.positive)
    head = design.head(design.solution(variance))
    return Fit(replace(head, threshold=threshold, lower=lower), variance, chosen)


@dataclass(frozen=True)
class _Design:
    """The problem of n cells, its features turned onto their r first principal axes.

    The penalty is the same along all axes, so that turning changes no answer; what varies least,
    and would be penalised most, is left out.

    Attributes:
        columns: The base's log odds, 1, and the standardised features, (n, 2 + r).
        positive: (n,).
        axes: (r, features).
        standard: How the features are standardised.
    """

    columns: Numbers
    positive: Flags
    axes: Numbers
    standard: Standard

    @classmethod
    def of(cls, samples: Samples) -> _Design:
        standard = Standard.of(samples.features)
        features = standard.apply(samples.features)
        axes = principal_axes(features, AXES)
        first = np.column_stack((log_odds(samples.base), np.ones(len(samples))))
        columns = np.hstack((first, features @ axes.T))
        return cls(columns, samples.positive, axes, standard)

    def solution(
        self, variance: float, rows: NDArray[np.int64] | None = None, start: Numbers | None = None
    ) -> Numbers:
        """Fit the coefficients (2 + r,) to some cells; at variance 0 only the first two."""
        columns = self.columns if rows is None else self.columns[rows]
        positive = self.positive if rows is None else self.positive[rows]
        used = 2 if variance == 0 else columns.shape[1]
        penalties = np.full(used, 1 / max(variance, 1e-9))
        penalties[:2] = 1 / _SLOPE_VARIANCE, 1 / _OFFSET_VARIANCE
        found = np.zeros(columns.shape[1])
        first = np.zeros(used) if start is None else start[:used]
        found[:used] = _minimised(columns[:, :used], positive, penalties, first)
        return found

    def probabilities(self, solution: Numbers, rows: NDArray[np.int64]) -> Numbers:
        from scipy.special import expit

        columns = self.columns[rows]
        return expit(columns[:, 0] + columns @ solution)

    def head(self, solution: Numbers) -> Head:
        slope, offset = 1 + float(solution[0]), float(solution[1])
        weights = solution[2:] @ self.axes
        return Head(slope, offset, weights, self.standard.mean, self.standard.scale)


def operating_points(probabilities: Numbers, positive: Flags) -> tuple[float, float]:
    """Place the threshold and the lower end of the uncertain band.

    The threshold finds at least `SENSITIVITY` of the positive cells; of those that do, it is the
    one with the most of sensitivity and specificity together (Youden 1950). The band begins where
    at most half of the cells missed by that sensitivity are missed.

    Args:
        probabilities: Out of fold, (n,).
        positive: Whether each cell is of the class.

    Returns:
        Threshold and lower end, in 0..1.
    """
    found = np.sort(probabilities[positive])
    candidates = np.unique(found[: int((1 - SENSITIVITY) * len(found)) + 1])
    youden = [
        (probabilities[positive] >= one).mean() - (probabilities[~positive] >= one).mean()
        for one in candidates
    ]
    threshold = float(candidates[int(np.argmax(youden))])
    lower = float(found[int((1 - SENSITIVITY) / 2 * len(found))])
    return threshold, min(lower, threshold)


def _folds(
    samples: Samples, least: int, seed: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Split by group, each fold's training part holding both classes."""
    positive = samples.positive
    counts = int(positive.sum()), int((~positive).sum())
    groups = samples.fewest_groups
    if min(counts) < least or groups < 2:
        raise TooFewCellsError(*counts, groups, least)
    for training, held_out in split_by_group(samples, seed):
        if 0 < positive[training].sum() < len(training):
            yield training, held_out


def split_by_group(
    samples: Samples, seed: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield rows to fit to and rows held out, no group in both; at most `FOLDS` times."""
    count = min(FOLDS, samples.fewest_groups)
    yield from stratified_folds(samples.positive, samples.groups, count, seed)


def stratified_folds(
    labels: NDArray[np.generic], groups: NDArray[np.int64], count: int, seed: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield rows to fit to and rows held out, `count` times, the labels in like shares.

    Args:
        labels: Of each cell, (n,).
        groups: Number of the patient or field of each, (n,); none is in both parts.
        count: Of the folds, from 2.
        seed: Of the folds.
    """
    # Imported here: a server starts without it.
    from sklearn.model_selection import StratifiedGroupKFold

    folds = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    yield from folds.split(np.empty((len(labels), 0)), labels, groups)


def _out_of_fold(
    design: _Design,
    samples: Samples,
    folds: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]],
    variances: Sequence[float],
) -> dict[float, Numbers]:
    # A cell whose fold could not be fitted without its group keeps the base's opinion.
    said = {variance: samples.base.copy() for variance in variances}
    for training, held_out in folds:
        solution = None
        for variance in variances:
            solution = design.solution(variance, training, solution)
            said[variance][held_out] = design.probabilities(solution, held_out)
    return said


@dataclass(frozen=True)
class Standard:
    """How features are standardised.

    Attributes:
        mean: Of the features, (features,).
        scale: As in `Head`.
    """

    mean: Numbers
    scale: Numbers

    @classmethod
    def of(cls, features: NDArray[np.floating]) -> Standard:
        """Measure features (n, features)."""
        values = features.astype(np.float64)
        scale = np.maximum(values.std(axis=0), _LEAST_SCALE) * np.sqrt(values.shape[1])
        return cls(values.mean(axis=0), scale)

    def apply(self, features: NDArray[np.floating]) -> Numbers:
        """Standardise features (n, features)."""
        return (features.astype(np.float64) - self.mean) / self.scale


def principal_axes(standard: Numbers, most: int) -> Numbers:
    """Return the principal axes of standardised features (n, k), at most so many, (r, k).

    They are those of most variance.
    """
    from scipy.linalg import eigh

    cells, features = standard.shape
    kept = min(most, cells, features)
    # The largest eigenvalues alone: a third of the time of a singular value decomposition.
    found = eigh(standard.T @ standard, subset_by_index=(features - kept, features - 1))
    return found[1].T


def _loss(probabilities: Numbers, positive: Flags) -> float:
    right = np.where(positive, probabilities, 1 - probabilities)
    return float(-np.log(np.maximum(right, 1e-12)).mean())


def _minimised(columns: Numbers, positive: Flags, penalties: Numbers, start: Numbers) -> Numbers:
    """Minimise the penalised negative log likelihood; the problem is convex.

    Args:
        columns: (n, k); the first is the offset of each cell's logit too.
        positive: (n,).
        penalties: Of each coefficient, (k,).
        start: Coefficients (k,) to begin from.

    Returns:
        Coefficients (k,).
    """
    from scipy.optimize import minimize
    from scipy.special import expit, log_expit

    signs = np.where(positive, 1.0, -1.0)

    def objective(coefficients: Numbers) -> tuple[float, Numbers]:
        margins = signs * (columns[:, 0] + columns @ coefficients)
        loss = -log_expit(margins).sum() + (penalties * coefficients**2).sum() / 2
        gradient = -columns.T @ (signs * expit(-margins)) + penalties * coefficients
        return float(loss), gradient

    return minimize(objective, start, jac=True, method="L-BFGS-B").x
