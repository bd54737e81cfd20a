"""Predictions for cells of held-out subjects, and their calibration by temperature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from training.classifier.data import BLAST
from training.columns import Columns
from training.metrics import scores

_LOG_TEMPERATURES = log(0.05), log(20.0)


@dataclass(frozen=True)
class Predictions(Columns):
    """Cells of one view, arrays (n, ...).

    Attributes:
        logits: (n, 2), of the network that was not trained on the cell's subject.
        blasts: Ground truth, bool.
        kinds: "all", "hem" or what a set calls the cell.
        subjects: The person, or the name of the image where unknown.
        folds: That network's fold.
    """

    logits: np.ndarray
    blasts: np.ndarray
    kinds: np.ndarray
    subjects: np.ndarray
    folds: np.ndarray


@dataclass(frozen=True)
class Cells(Columns):
    """Cells with their probabilities, arrays (n,).

    Attributes:
        probabilities: P(ALL blast), 0..1.
        blasts: Ground truth, bool.
        kinds: As in `Predictions`.
        subjects: As in `Predictions`.
        folds: As in `Predictions`.
    """

    probabilities: np.ndarray
    blasts: np.ndarray
    kinds: np.ndarray
    subjects: np.ndarray
    folds: np.ndarray

    @property
    def scored(self) -> tuple[np.ndarray, np.ndarray]:
        """Return probabilities and whether each cell is a blast."""
        return self.probabilities, self.blasts


Measure = Callable[[Cells], float]


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """Fit a temperature: softmax(logits / T) then has the least log loss.

    After Guo et al. 2017 (arXiv 1706.04599).

    Args:
        logits: (n, 2).
        labels: Index of each true class, (n,).

    Returns:
        T, in 0.05..20.

    Raises:
        ValueError: There are no cells.
    """
    if not len(labels):
        raise ValueError("There are no cells to fit a temperature to.")
    rows, columns = np.arange(len(labels)), np.asarray(labels, int)

    def loss(log_temperature: float) -> float:
        scaled = np.asarray(logits, np.float64) / np.exp(log_temperature)
        return float(-log_softmax(scaled, axis=1)[rows, columns].mean())

    found: Any = minimize_scalar(loss, bounds=_LOG_TEMPERATURES, method="bounded")
    return float(np.exp(found.x))


def cross_fitted(predictions: Predictions) -> Cells:
    """Calibrate each fold on the held-out subjects of the other folds."""
    return Cells.concatenate(
        [_calibrate_fold(predictions, name) for name in np.unique(predictions.folds)]
    )


def _calibrate_fold(predictions: Predictions, name: str) -> Cells:
    own = predictions.folds == name
    others = predictions.select(~own)
    temperature = fit_temperature(others.logits, others.blasts.astype(int))
    return cells_of(predictions.select(own), temperature)


def cells_of(predictions: Predictions, temperature: float = 1.0) -> Cells:
    """Turn logits into probabilities at a temperature."""
    logits = predictions.logits.astype(np.float64) / temperature
    return Cells(
        probabilities=softmax(logits, axis=1)[:, BLAST],
        blasts=predictions.blasts,
        kinds=predictions.kinds,
        subjects=predictions.subjects,
        folds=predictions.folds,
    )


def auroc(cells: Cells) -> float:
    """Return the area under the ROC curve of P(ALL blast)."""
    return scores.auroc(*cells.scored)


def mean_auroc(cells: Cells) -> float:
    """Return the mean of that area over the folds."""
    areas = [auroc(cells.select(cells.folds == name)) for name in np.unique(cells.folds)]
    return float(np.mean(areas))
