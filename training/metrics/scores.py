"""How well P(blast) separates blasts from normal cells, and how far to trust it.

Arrays are (n,), one entry a cell: probabilities in 0..1, `blasts` and `called` bool (what a cell
is, and whether it was called a blast). What cannot be measured is NaN.
"""

from collections.abc import Iterable, Iterator
from math import nan
from typing import Any

import numpy as np
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    f1_score,
    precision_score,
    recall_score,
    roc_curve,
)

from core.statistics import auroc

# Annotated in scikit-learn as if words were all that it takes.
_UNDEFINED: Any = nan


def subject_auroc(scores: np.ndarray, blasts: np.ndarray, subjects: np.ndarray) -> float:
    """Return the area under the ROC curve of the subjects' mean scores.

    Args:
        scores: Anything that should be higher for blasts, also other than probabilities.
        blasts: The ground truth, alike for all cells of a subject.
        subjects: The person of each cell.
    """
    of_subject = [subjects == name for name in np.unique(subjects)]
    means = np.array([scores[cells].mean() for cells in of_subject])
    return auroc(means, np.array([bool(blasts[cells][0]) for cells in of_subject]))


def roc_band(
    scores: np.ndarray, blasts: np.ndarray, samples: Iterable[np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return a ROC curve with its 95% interval.

    Args:
        scores: As for `auroc`.
        blasts: The ground truth.
        samples: Bootstrap samples, each indexes of cells, as `subject_samples` gives them.

    Returns:
        False positive rates 0, 0.01 ... 1, the true positive rate at each, and the low and high
        end of its interval, each (101,) in 0..1.
    """
    places = np.linspace(0, 1, 101)
    sampled = np.array([_roc_at(places, scores[rows], blasts[rows]) for rows in samples])
    low, high = np.percentile(sampled, (2.5, 97.5), axis=0)
    return places, _roc_at(places, scores, blasts), low, high


def sensitivity(called: np.ndarray, blasts: np.ndarray) -> float:
    """Return the share of blasts that were called blasts (the recall)."""
    return float(recall_score(blasts, called, zero_division=_UNDEFINED)) if len(blasts) else nan


def specificity(called: np.ndarray, blasts: np.ndarray) -> float:
    """Return the share of normal cells that were not called blasts."""
    return sensitivity(~called, ~blasts)


def precision(called: np.ndarray, blasts: np.ndarray) -> float:
    """Return the share of blasts among what was called a blast."""
    return float(precision_score(blasts, called, zero_division=_UNDEFINED)) if len(blasts) else nan


def accuracy(called: np.ndarray, blasts: np.ndarray) -> float:
    """Return the share of cells called what they are."""
    return float(accuracy_score(blasts, called)) if len(blasts) else nan


def f1(called: np.ndarray, blasts: np.ndarray) -> float:
    """Return the F1 of the blasts: the harmonic mean of precision and sensitivity."""
    return float(f1_score(blasts, called, zero_division=_UNDEFINED)) if len(blasts) else nan


def confusion(called: np.ndarray, blasts: np.ndarray) -> np.ndarray:
    """Count cells, int (2, 2): rows normal and blast, columns called normal and blast."""
    return confusion_matrix(blasts, called, labels=[False, True])


def subject_samples(
    kinds: np.ndarray, subjects: np.ndarray, samples: int, seed: int = 0
) -> Iterator[np.ndarray]:
    """Draw bootstrap samples of subjects, and of the cells of each.

    Of every kind of cell as many subjects as it has are drawn with replacement, and of every one
    drawn as many cells as it has. A kind with one subject can only vary by that subject's cells:
    an interval then says nothing of what another subject would change.

    Args:
        kinds: Stratum of each cell.
        subjects: Subject of each cell.
        samples: How many to draw.
        seed: Of the draws.

    Yields:
        Indexes of cells, (n,), for each sample.
    """
    rng = np.random.default_rng(seed)
    strata = [_cells_by_subject(kinds == kind, subjects) for kind in np.unique(kinds)]
    for _ in range(samples):
        yield np.concatenate([_sample(stratum, rng) for stratum in strata])


def _roc_at(places: np.ndarray, scores: np.ndarray, blasts: np.ndarray) -> np.ndarray:
    """Return the true positive rate reached with at most each false positive rate."""
    false_positives, true_positives, _ = roc_curve(blasts, scores)
    after = np.searchsorted(false_positives, places, side="right")
    return true_positives[after - 1]


def _cells_by_subject(where: np.ndarray, subjects: np.ndarray) -> list[np.ndarray]:
    return [np.flatnonzero(where & (subjects == name)) for name in np.unique(subjects[where])]


def _sample(by_subject: list[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    drawn = [by_subject[i] for i in rng.integers(len(by_subject), size=len(by_subject))]
    return np.concatenate([cells[rng.integers(len(cells), size=len(cells))] for cells in drawn])
