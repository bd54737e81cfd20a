"""Calibrate a classifier, and find the band in which it should not decide.

Both are fitted on cells of subjects that the network was not trained on. Their promises hold for
cells that are exchangeable with these; a new subject's cells, in another stain, are not quite.
"""

from math import floor, inf, log, nextafter
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

_LOG_TEMPERATURES = log(0.05), log(20.0)


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


def uncertain_band(
    probabilities: np.ndarray,
    labels: np.ndarray,
    blast_coverage: float = 0.9,
    normal_coverage: float = 0.9,
) -> tuple[float, float]:
    """Return the band: normal below low, blast from high on, uncertain between.

    Split conformal prediction for each class on its own (Vovk 2012, arXiv 1209.2673), quantiles of
    n + 1. A class with too few cells to promise its coverage moves its limit past 0 or 1, so that
    the other class is never named. Where classes are so far apart that low would exceed high, both
    are their middle: the promise holds and nothing is uncertain.

    Args:
        probabilities: P(blast) in 0..1, (n,).
        labels: 1 for blasts and 0 for normal cells, (n,).
        blast_coverage: At least this share of new blasts lies at low or above; 0..1, exclusive.
        normal_coverage: At least this share of new normal cells lies below high.

    Returns:
        low and high.

    Raises:
        ValueError: A coverage is not between 0 and 1.
    """
    for coverage in (blast_coverage, normal_coverage):
        if not 0 < coverage < 1:
            raise ValueError(f"The coverage must lie between 0 and 1, not at {coverage:g}.")
    labels = np.asarray(labels)
    low = _lower_limit(np.asarray(probabilities, np.float64)[labels == 1], blast_coverage)
    mirrored = _lower_limit(
        -np.asarray(probabilities, np.float64)[labels == 0], normal_coverage, lowest=-1
    )
    high = nextafter(-mirrored, inf)
    if low >= high:
        low = high = (low + high) / 2
    return low, high


def _lower_limit(values: np.ndarray, coverage: float, lowest: float = 0.0) -> float:
    """Return the largest value that `coverage` of new ones reach, else `lowest`."""
    rank = floor((len(values) + 1) * (1 - coverage) + 1e-9)
    return float(np.sort(values)[rank - 1]) if rank else lowest
