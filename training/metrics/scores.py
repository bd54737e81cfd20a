"""How well P(blast) tells blasts from normal cells, and how far to trust the figures.

Arrays are (n,), one entry a cell: probabilities in 0..1, `blasts` and `called` bool (what a cell
is, and whether it was called a blast). What cannot be measured is NaN.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import nan

import numpy as np
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    f1_score,
    precision_score,
    recall_score,
    roc_auc_score,
    roc_curve,
)

from training.metrics.estimates import share

BINS = 15
"""Bins of equal width over 0..1 in which probabilities are held against what was true."""


@dataclass(frozen=True)
class Reliability:
    """Of each bin that holds cells: mean probability, share of blasts, number of cells."""

    probabilities: np.ndarray
    blasts: np.ndarray
    cells: np.ndarray


def auroc(scores: np.ndarray, blasts: np.ndarray) -> float:
    """Return the area under the ROC curve of any score that should be higher for blasts."""
    if blasts.all() or not blasts.any():
        return nan
    return float(roc_auc_score(blasts, scores))


def roc_band(
    scores: np.ndarray, blasts: np.ndarray, samples: Iterable[np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return false positive shares (101,), true positive shares there, and their 95% interval.

    The interval is over `samples`, each indexes of cells, as `subject_samples` gives them.
    """
    places = np.linspace(0, 1, 101)
    sampled = [_roc_at(places, scores[sample], blasts[sample]) for sample in samples]
    low, high = np.percentile(sampled, (2.5, 97.5), axis=0)
    return places, _roc_at(places, scores, blasts), low, high


def sensitivity(called: np.ndarray, blasts: np.ndarray) -> float:
    """Return the share of blasts that were called blasts (the recall)."""
    return float(recall_score(blasts, called, zero_division=nan)) if len(blasts) else nan


def specificity(called: np.ndarray, blasts: np.ndarray) -> float:
    """Return the share of normal cells that were not called blasts."""
    return sensitivity(~called, ~blasts)


def precision(called: np.ndarray, blasts: np.ndarray) -> float:
    """Return the share of blasts among what was called a blast."""
    return float(precision_score(blasts, called, zero_division=nan)) if len(blasts) else nan


def accuracy(called: np.ndarray, blasts: np.ndarray) -> float:
    """Return the share of cells called what they are."""
    return float(accuracy_score(blasts, called)) if len(blasts) else nan


def f1(called: np.ndarray, blasts: np.ndarray) -> float:
    """Return the harmonic mean of precision and sensitivity, that is F1 of the blasts."""
    return float(f1_score(blasts, called, zero_division=nan)) if len(blasts) else nan


def confusion(called: np.ndarray, blasts: np.ndarray) -> np.ndarray:
    """Count cells, int (2, 2): rows normal and blast, columns called normal and blast."""
    return confusion_matrix(blasts, called, labels=[False, True])


def reliability(probabilities: np.ndarray, blasts: np.ndarray) -> Reliability:
    """Hold probabilities against the truth, bin by bin; 1.0 belongs to the last bin."""
    bins = np.minimum((probabilities * BINS).astype(int), BINS - 1)
    cells = np.bincount(bins, minlength=BINS)
    held = cells > 0
    means = (
        np.bincount(bins, values, minlength=BINS)[held] / cells[held]
        for values in (probabilities, blasts.astype(float))
    )
    return Reliability(*means, cells[held])


def calibration_error(probabilities: np.ndarray, blasts: np.ndarray) -> float:
    """Return the expected calibration error of P(blast), 0 for honest ones (Guo et al. 2017)."""
    bins = reliability(probabilities, blasts)
    gaps = np.abs(bins.probabilities - bins.blasts)
    return share(float((gaps * bins.cells).sum()), len(blasts))


def subject_samples(
    kinds: np.ndarray, subjects: np.ndarray, rounds: int, seed: int = 0
) -> Iterator[np.ndarray]:
    """Give `rounds` bootstrap samples, each as indexes of cells.

    Of every kind of cell as many subjects as it has are drawn with replacement, and of every one
    drawn as many cells as it has. A kind with one subject can only vary by that subject's cells:
    an interval then says nothing of what another subject would change.
    """
    rng = np.random.default_rng(seed)
    strata = [_cells_by_subject(kinds == kind, subjects) for kind in np.unique(kinds)]
    for _ in range(rounds):
        yield np.concatenate([_sample(stratum, rng) for stratum in strata])


def _roc_at(places: np.ndarray, scores: np.ndarray, blasts: np.ndarray) -> np.ndarray:
    """Return the true positive share reached with at most each false positive share."""
    false_positives, true_positives, _ = roc_curve(blasts, scores)
    return true_positives[np.searchsorted(false_positives, places, side="right") - 1]


def _cells_by_subject(where: np.ndarray, subjects: np.ndarray) -> list[np.ndarray]:
    return [np.flatnonzero(where & (subjects == name)) for name in np.unique(subjects[where])]


def _sample(by_subject: list[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    drawn = [by_subject[i] for i in rng.integers(len(by_subject), size=len(by_subject))]
    return np.concatenate([cells[rng.integers(len(cells), size=len(cells))] for cells in drawn])
