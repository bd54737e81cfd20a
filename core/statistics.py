"""Shares of what was counted, their intervals, and how well a score tells two classes apart."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Z_95 = 1.959964
"""Normal quantile that leaves 2.5% above it; static/js/common/shares.js has the same."""


def wilson_interval(successes: int, total: int) -> tuple[float, float] | None:
    """Compute the 95% interval of a share by Wilson's score.

    Wilson, J. Am. Stat. Assoc. 22 (1927) 209-212; method 3 of Newcombe, Stat. Med. 17 (1998) 857.

    Args:
        successes: How many of `total` count, 0 to `total`.
        total: How many there are; taken for independent draws.

    Returns:
        Lower and upper bound in 0..1, None where there is nothing to take a share of.

    Example:
        >>> low, high = wilson_interval(10, 100)
        >>> round(low, 4), round(high, 4)
        (0.0552, 0.1744)
    """
    if not total:
        return None
    share, z2 = successes / total, Z_95**2
    middle = share + z2 / (2 * total)
    half = Z_95 * math.sqrt(share * (1 - share) / total + z2 / (4 * total**2))
    whole = 1 + z2 / total
    return max(0.0, (middle - half) / whole), min(1.0, (middle + half) / whole)


def share(part: float, whole: float) -> float:
    """Return part / whole, NaN for a share of nothing."""
    return part / whole if whole else math.nan


def auroc(scores: NDArray[np.floating[Any]], positive: NDArray[np.bool_]) -> float:
    """Compute the area under the ROC curve, from ranks (Mann and Whitney 1947).

    Args:
        scores: Anything that should be higher for the positive, (n,).
        positive: The ground truth, (n,).

    Returns:
        0..1; NaN where one class is missing.
    """
    total = int(positive.sum())
    others = len(positive) - total
    ranks = float(_ranks(scores)[positive].sum())
    return share(ranks - total * (total + 1) / 2, total * others)


def _ranks(scores: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Rank scores from 1 on; equal ones share the mean of their ranks."""
    _, place, numbers = np.unique(scores, return_inverse=True, return_counts=True)
    return (np.cumsum(numbers) - (numbers - 1) / 2)[place]
