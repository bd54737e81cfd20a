"""Make a classifier's probabilities honest, and say between which of them it should not decide.

Both are fitted on cells of subjects that the network was not trained on. Their promises hold for
cells that are exchangeable with these; a new subject's cells, in another stain, are not quite.
"""

from math import floor, inf, nextafter

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

_LOWEST_TEMPERATURE, _HIGHEST_TEMPERATURE = 0.05, 20.0


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the T, 0.05 to 20, for which softmax(logits / T) has the least log loss.

    `logits` are (n, 2), `labels` (n,) the index of each true class; temperature scaling after Guo
    et al. 2017 (arXiv 1706.04599). Raises ValueError where there is nothing to fit.
    """
    if not len(labels):
        raise ValueError("There are no cells to fit a temperature to.")
    rows, columns = np.arange(len(labels)), np.asarray(labels, int)

    def loss(log_temperature: float) -> float:
        scaled = np.asarray(logits, np.float64) / np.exp(log_temperature)
        return float(-log_softmax(scaled, axis=1)[rows, columns].mean())

    bounds = np.log((_LOWEST_TEMPERATURE, _HIGHEST_TEMPERATURE))
    return float(np.exp(minimize_scalar(loss, bounds=tuple(bounds), method="bounded").x))


def uncertain_band(
    probabilities: np.ndarray,
    labels: np.ndarray,
    blast_coverage: float = 0.9,
    normal_coverage: float = 0.9,
) -> tuple[float, float]:
    """Return (low, high): normal below low, blast from high on, uncertain between.

    `probabilities` (n,) are P(blast) in 0..1, `labels` (n,) are 1 for blasts and 0 for normal
    cells. At least `blast_coverage` (above 0, below 1) of new blasts lie at low or above, at least
    `normal_coverage` of new normal cells below high: split conformal prediction for each class on
    its own (Vovk 2012, arXiv 1209.2673), quantiles of n + 1. A class with too few cells to promise
    that moves its limit past 0 or 1, so that the other class is never named. Where classes are so
    far apart that low would exceed high, both are their middle: the promise holds and nothing is
    uncertain.
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
