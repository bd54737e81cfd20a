"""Compare stated probabilities with observed frequencies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.statistics import share

BINS = 15
"""Bins of equal width over 0..1 in which probabilities are compared with the ground truth."""


@dataclass(frozen=True)
class Reliability:
    """Compare probabilities with the ground truth, in each bin that holds cells.

    Attributes:
        probabilities: Mean probability of the bin's cells, 0..1.
        blasts: Share of blasts among them, 0..1.
        cells: Their number, or their weight.
    """

    probabilities: np.ndarray
    blasts: np.ndarray
    cells: np.ndarray


def reliability(
    probabilities: np.ndarray, blasts: np.ndarray, weights: np.ndarray | None = None
) -> Reliability:
    """Compare probabilities with the ground truth in `BINS`; 1.0 belongs to the last.

    `weights` (n,), mean 1, say how much each cell counts; alike where there are none.
    """
    weights = np.ones(len(blasts)) if weights is None else weights
    bins = np.minimum((probabilities * BINS).astype(int), BINS - 1)
    cells = np.bincount(bins, weights, minlength=BINS)
    held = cells > 0
    stated, true = (
        np.bincount(bins, weights * values, minlength=BINS)[held] / cells[held]
        for values in (probabilities, blasts.astype(float))
    )
    return Reliability(stated, true, cells[held])


def calibration_error(
    probabilities: np.ndarray, blasts: np.ndarray, weights: np.ndarray | None = None
) -> float:
    """Return the expected calibration error of P(blast), 0..1; 0 is calibrated.

    After Guo et al. 2017 (arXiv 1706.04599), with `BINS`; `weights` as for `reliability`.
    """
    bins = reliability(probabilities, blasts, weights)
    gaps = np.abs(bins.probabilities - bins.blasts)
    return share(float((gaps * bins.cells).sum()), len(blasts))
