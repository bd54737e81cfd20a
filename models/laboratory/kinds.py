"""A laboratory's head over the kinds of white cells: the classifier's opinion, corrected.

Multinomial regression whose offset is the log of the base model's probability of each class. The
weights of the features and the offsets are drawn to 0 and the slope of the base's opinion to 1, so
that few cells change little. Rare classes weigh more, up to a bound: what is rare in a smear is not
to be named less for that. How strongly is chosen by cross-validation over groups of cells; where
no correction is better than none out of fold, none is made.

Blasts and smudges are not among its classes: heads of their own decide on these.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from core.taxonomy import BLAST, CLASS_OF_KIND, SMUDGE, TRAINING_KINDS
from models.laboratory.head import FOLDS, Numbers, Standard, principal_axes, stratified_folds

KINDS = TRAINING_KINDS
"""The kinds whose probabilities a head corrects, in the order of its columns."""

KIND_CLASSES = tuple(
    dict.fromkeys(code for code in CLASS_OF_KIND.values() if code not in (BLAST, SMUDGE))
)
"""The classes of readers that these are of, each of one kind or more."""

LEAST, LEAST_GROUPS = 10, 2
"""Signed cells of a class, and patients that they are of, from which on it is moved."""

VARIANCES = (0.0, 1.0, 8.0)
"""Prior variances of the weights that are tried; at 0 the base's opinion alone is shifted."""

AXES = 64
"""Principal axes of the features that are used at most."""

_SLOPE_VARIANCE = 0.25
_OFFSET_VARIANCE = 1.0
_LEAST_SHARE = 1e-3
"""The base's shares are taken for no smaller than this, because it can be confidently wrong."""

_MOST_WEIGHT = 5.0
"""Of a cell of a rare class, where those of all classes weigh 1 if they are equally frequent."""

_TINY = 1e-12


@dataclass(frozen=True)
class KindSamples:
    """Cells to which a person gave one of `KIND_CLASSES`, arrays (n, ...).

    Attributes:
        base: The base model's probability of each of `KINDS` in 0..1, (n, kinds).
        features: Of the embedder, (n, features).
        labels: The class of each.
        groups: Number of the patient of each.
    """

    base: NDArray[np.floating]
    features: NDArray[np.floating]
    labels: NDArray[np.str_]
    groups: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def of(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> KindSamples:
        """Return the samples of some rows."""
        return KindSamples(
            self.base[rows], self.features[rows], self.labels[rows], self.groups[rows]
        )


@dataclass(frozen=True)
class KindsHead:
    """Moves the base model's mass among some classes; all other kinds keep theirs.

    Attributes:
        classes: Codes of the c classes that it moves, of `KIND_CLASSES`.
        slope: Factor of the logs of the base's shares.
        offsets: Are added, (c,).
        weights: Of the standardised features, (c, features).
        mean: Of the features, (features,).
        scale: Their standard deviation, times the root of their number.
    """

    classes: tuple[str, ...]
    slope: float
    offsets: Numbers
    weights: Numbers
    mean: Numbers
    scale: Numbers

    def corrected(self, base: NDArray[np.floating], features: NDArray[np.floating]) -> Numbers:
        """Correct the base model's probabilities.

        Args:
            base: Of each of `KINDS` in 0..1, (n, kinds).
            features: Of the embedder, (n, features).

        Returns:
            The same of each kind, (n, kinds); the sum of each cell stays.
        """
        standard = Standard(self.mean, self.scale).apply(features)
        return _moved(base, self.classes, self.slope, self.offsets + standard @ self.weights.T)


def likeliest_classes(base: NDArray[np.floating]) -> NDArray[np.str_]:
    """Name the class of each cell's likeliest kind, (n,), blasts and smudges aside.

    Args:
        base: Probability of each of `KINDS`, (n, kinds).
    """
    among = [at for at, kind in enumerate(KINDS) if CLASS_OF_KIND[kind] in KIND_CLASSES]
    codes = np.array([CLASS_OF_KIND[KINDS[at]] for at in among])
    return codes[np.argmax(base[:, among], axis=1)]


def fit_kinds(
    samples: KindSamples, least: int = LEAST, least_groups: int = LEAST_GROUPS, seed: int = 0
) -> KindsHead | None:
    """Fit a head, its regularisation chosen by cross-validation over groups.

    Args:
        samples: The cells.
        least: Cells of a class from which on it is moved.
        least_groups: Groups that they must be of.
        seed: Of the folds.

    Returns:
        The head; None where fewer than two classes can be moved, or no correction is better than
        none on cells of groups that it was not fitted to.
    """
    classes = movable_classes(samples, least, least_groups)
    if len(classes) < 2:
        return None
    used = samples.of(np.isin(samples.labels, classes))
    design = _Design.of(used, classes)
    variance = _best_variance(design, used, seed)
    return None if variance is None else design.head(design.solution(variance))


def movable_classes(samples: KindSamples, least: int, least_groups: int) -> tuple[str, ...]:
    """Return the classes that have so many cells of so many groups."""
    return tuple(
        code
        for code in KIND_CLASSES
        if (samples.labels == code).sum() >= least
        and len(np.unique(samples.groups[samples.labels == code])) >= least_groups
    )


@dataclass(frozen=True)
class _Design:
    """The problem of n cells of c classes, the features turned onto r principal axes.

    Attributes:
        classes: Codes of the c.
        offsets: Logs of the base's shares, (n, c).
        columns: The standardised features on the axes, (n, r).
        right: Number of each cell's class, (n,).
        weights: Of each cell, (n,).
        axes: (r, features).
        standard: How the features are standardised.
    """

    classes: tuple[str, ...]
    offsets: Numbers
    columns: Numbers
    right: NDArray[np.int64]
    weights: Numbers
    axes: Numbers
    standard: Standard

    @classmethod
    def of(cls, samples: KindSamples, classes: tuple[str, ...]) -> _Design:
        standard = Standard.of(samples.features)
        features = standard.apply(samples.features)
        axes = principal_axes(features, AXES)
        right = np.array([classes.index(label) for label in samples.labels.tolist()])
        offsets = np.log(_shares(samples.base, classes))
        columns, weights = features @ axes.T, _weights(right)
        return cls(classes, offsets, columns, right, weights, axes, standard)

    def solution(self, variance: float, rows: NDArray[np.int64] | None = None) -> Numbers:
        """Fit the coefficients (1 + c + c r,) to some cells; at variance 0 only the first."""
        chosen = slice(None) if rows is None else rows
        columns = self.columns[chosen] if variance > 0 else self.columns[chosen][:, :0]
        penalties = _penalties(len(self.classes), columns.shape[1], variance)
        cells = self.offsets[chosen], columns, self.right[chosen], self.weights[chosen]
        found = _minimised(*cells, penalties)
        whole = np.zeros(1 + len(self.classes) * (1 + self.columns.shape[1]))
        whole[: len(found)] = found
        return whole

    def loss(self, solution: Numbers, rows: NDArray[np.int64]) -> float:
        """Return the weighted sum of the negative log likelihoods of some cells."""
        from scipy.special import log_softmax

        slope, offsets, weights = _split(solution, len(self.classes))
        logits = (1 + slope) * self.offsets[rows] + offsets + self.columns[rows] @ weights.T
        logs = log_softmax(logits, axis=1)
        return -float(self.weights[rows] @ logs[np.arange(len(rows)), self.right[rows]])

    def head(self, solution: Numbers) -> KindsHead:
        slope, offsets, weights = _split(solution, len(self.classes))
        mean, scale = self.standard.mean, self.standard.scale
        return KindsHead(self.classes, 1 + slope, offsets, weights @ self.axes, mean, scale)


def _best_variance(design: _Design, samples: KindSamples, seed: int) -> float | None:
    """Return the variance that is best out of fold; None where no correction is better."""
    groups = samples.groups
    if len(np.unique(groups)) < 2:
        # One patient is left: only other cells of the same one can tell.
        groups = np.arange(len(samples))
    folds = list(folds_of_kinds(samples.labels, groups, seed))
    nothing = np.zeros(1 + len(design.classes) * (1 + design.columns.shape[1]))
    losses: dict[float | None, float] = {
        None: sum(design.loss(nothing, held_out) for _, held_out in folds)
    }
    for variance in VARIANCES:
        losses[variance] = sum(
            design.loss(design.solution(variance, training), held_out)
            for training, held_out in folds
        )
    return min(losses, key=lambda one: losses[one])


def folds_of_kinds(
    labels: NDArray[np.str_], groups: NDArray[np.int64], seed: int
) -> Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return rows to fit to and rows held out, no group in both; none where that cannot be."""
    fewest = min(np.unique(labels, return_counts=True)[1], default=0)
    count = min(FOLDS, len(np.unique(groups)), int(fewest))
    return list(stratified_folds(labels, groups, count, seed)) if count > 1 else []


def _moved(
    base: NDArray[np.floating], classes: tuple[str, ...], slope: float, add: Numbers
) -> Numbers:
    """Redistribute the mass of some classes; within a class its kinds keep their proportions."""
    from scipy.special import softmax

    kinds = np.maximum(base, _TINY)
    per_class = np.stack([kinds[:, _columns(code)].sum(axis=1) for code in classes], axis=1)
    mass = np.stack([base[:, _columns(code)].sum(axis=1) for code in classes], axis=1).sum(axis=1)
    shares = softmax(slope * np.log(_shares(base, classes)) + add, axis=1) * mass[:, None]
    moved = base.astype(np.float64)
    for number, code in enumerate(classes):
        columns = _columns(code)
        factor = shares[:, number] / per_class[:, number]
        moved[:, columns] = kinds[:, columns] * factor[:, None]
    return moved


def _shares(base: NDArray[np.floating], classes: Collection[str]) -> Numbers:
    """Return the share of each class in the mass of all of these, bounded below, (n, c)."""
    sums = np.stack([base[:, _columns(code)].sum(axis=1) for code in classes], axis=1)
    total = np.maximum(sums.sum(axis=1, keepdims=True), _TINY)
    return np.maximum(sums / total, _LEAST_SHARE)


@cache
def _columns(code: str) -> list[int]:
    return [at for at, kind in enumerate(KINDS) if CLASS_OF_KIND[kind] == code]


def _weights(right: NDArray[np.int64]) -> Numbers:
    counts = np.bincount(right)
    return np.minimum(len(right) / (len(counts) * counts[right]), _MOST_WEIGHT)


def _penalties(classes: int, columns: int, variance: float) -> Numbers:
    of_weights = np.full(classes * columns, 1 / max(variance, 1e-9))
    of_offsets = np.full(classes, 1 / _OFFSET_VARIANCE)
    return np.concatenate(([1 / _SLOPE_VARIANCE], of_offsets, of_weights))


def _split(coefficients: Numbers, classes: int) -> tuple[float, Numbers, Numbers]:
    """Return slope, offsets (c,) and weights (c, r) of coefficients (1 + c + c r,)."""
    weights = coefficients[1 + classes :].reshape(classes, -1)
    return float(coefficients[0]), coefficients[1 : 1 + classes], weights


def _minimised(
    offsets: Numbers,
    columns: Numbers,
    right: NDArray[np.int64],
    cell_weights: Numbers,
    penalties: Numbers,
) -> Numbers:
    """Minimise the penalised negative log likelihood; the problem is convex.

    Args:
        offsets: Of the logits, (n, c).
        columns: (n, r).
        right: Number of each cell's class, (n,).
        cell_weights: (n,).
        penalties: Of each coefficient, (1 + c + c r,).

    Returns:
        Coefficients (1 + c + c r,).
    """
    from scipy.optimize import minimize
    from scipy.special import log_softmax

    cells, classes = offsets.shape
    rows, target = np.arange(cells), np.eye(classes)[right]

    def objective(coefficients: Numbers) -> tuple[float, Numbers]:
        slope, shift, weights = _split(coefficients, classes)
        logs = log_softmax((1 + slope) * offsets + shift + columns @ weights.T, axis=1)
        loss = -cell_weights @ logs[rows, right] + (penalties * coefficients**2).sum() / 2
        error = cell_weights[:, None] * (np.exp(logs) - target)
        of_weights = (error.T @ columns).ravel()
        gradient = np.concatenate(([(error * offsets).sum()], error.sum(axis=0), of_weights))
        return float(loss), gradient + penalties * coefficients

    return minimize(objective, np.zeros(len(penalties)), jac=True, method="L-BFGS-B").x
