"""Intervals of what was counted."""

from __future__ import annotations

import math

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
