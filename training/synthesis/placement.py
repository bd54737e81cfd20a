"""Placement of white cells in a field: apart from each other, or touching."""

from collections.abc import Sequence

import numpy as np

Disc = tuple[float, float, float]
"""x, y and radius in pixels."""

TOUCHING = 1.15
"""Two cells touch whose centres are less than so many times the sum of their radii apart."""

_TRIES = 25


def place(
    radius: float, taken: Sequence[Disc], side: int, clustered: bool, rng: np.random.Generator
) -> tuple[float, float] | None:
    """Find a centre apart from all taken discs, or touching one.

    Args:
        radius: Of the new disc, in pixels.
        taken: Discs that are there.
        side: Of the square field, in pixels.
        clustered: Touch one of them, if there is any.
        rng: Draws the centre.

    Returns:
        x and y in pixels, None where there is no room.
    """
    others = np.array(taken, np.float64).reshape(-1, 3)
    for _ in range(_TRIES):
        if clustered and taken:
            x, y, other = taken[int(rng.integers(len(taken)))]
            angle, apart = rng.uniform(0, 2 * np.pi), (radius + other) * rng.uniform(0.86, 1.06)
            centre = (float(x + apart * np.cos(angle)), float(y + apart * np.sin(angle)))
            gap = 0.83
        else:
            centre = (float(rng.uniform(0, side)), float(rng.uniform(0, side)))
            gap = 1.25
        framed = all(-0.1 * radius <= edge <= side + 0.1 * radius for edge in centre)
        if framed and nearest((*centre, radius), others) >= gap:
            return centre
    return None


def nearest(disc: Disc, others: np.ndarray) -> float:
    """Return the distance to the nearest of others (n, 3), over the sum of radii."""
    if not len(others):
        return float("inf")
    away = np.hypot(others[:, 0] - disc[0], others[:, 1] - disc[1])
    return float((away / (others[:, 2] + disc[2])).min())
