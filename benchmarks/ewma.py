"""Simulate how many points the control charts of the quality page take to signal a change.

Run as `python -m benchmarks.ewma`. Points are independent and normal; the run length is the number
of points from a change on up to the first one outside. Without a change it is that of a false
alarm. Used by docs/adr/0052-ewma-charts.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.statistics.watch import BASELINE, SMOOTHING, WIDTH

SHIFTS = (0.0, 0.5, 1.0, 2.0)
RUNS, LONGEST = 2000, 5000
CUSUM_SLACK, CUSUM_LIMIT = 0.5, 5.0

Numbers = NDArray[np.float64]
Lengths = NDArray[np.int64]


@dataclass
class Ewma:
    """Many moving averages at once, each with its own centre and deviation."""

    centre: Numbers
    deviation: Numbers
    smoothing: float = SMOOTHING
    width: float = WIDTH

    def __post_init__(self) -> None:
        """Begin at the centre."""
        self.value, self.kept = self.centre.copy(), 1.0

    def takes(self, points: Numbers) -> NDArray[np.bool_]:
        """Take the next point of each; return which averages are out."""
        self.value += self.smoothing * (points - self.value)
        self.kept *= (1 - self.smoothing) ** 2
        spread = self.smoothing / (2 - self.smoothing) * (1 - self.kept)
        return np.abs(self.value - self.centre) > self.width * self.deviation * np.sqrt(spread)


@dataclass
class Cusum:
    """Many two-sided tabular CUSUMs at once (Page, Biometrika 41 (1954) 100-115)."""

    number: int

    def __post_init__(self) -> None:
        """Begin with nothing added up."""
        self.up, self.down = np.zeros(self.number), np.zeros(self.number)

    def takes(self, points: Numbers) -> NDArray[np.bool_]:
        """Take the next point of each; return which sums are out."""
        self.up = np.maximum(0, self.up + points - CUSUM_SLACK)
        self.down = np.maximum(0, self.down - points - CUSUM_SLACK)
        return np.maximum(self.up, self.down) > CUSUM_LIMIT


Make = Callable[[np.random.Generator], Ewma | Cusum]


def known(smoothing: float = SMOOTHING, width: float = WIDTH, runs: int = RUNS) -> Make:
    """Make charts whose centre and deviation are known."""
    return lambda _random: Ewma(np.zeros(runs), np.ones(runs), smoothing, width)


def estimated(points: int, runs: int = RUNS) -> Make:
    """Make charts whose centre and deviation come of a baseline of so many points."""

    def make(random: np.random.Generator) -> Ewma:
        base = random.normal(size=(points, runs))
        chart = Ewma(base.mean(axis=0), base.std(axis=0, ddof=1))
        for row in base:
            chart.takes(row)
        return chart

    return make


def run_lengths(make: Make, shift: float, runs: int = RUNS, longest: int = LONGEST) -> Lengths:
    """Return the points up to the first one outside, (runs,); `longest` where none was."""
    random = np.random.default_rng(0)
    chart = make(random)
    lengths = np.full(runs, longest)
    running = np.ones(runs, bool)
    for number in range(1, longest + 1):
        first = chart.takes(random.normal(shift, size=runs)) & running
        lengths[first] = number
        running &= ~first
        if not running.any():
            break
    return lengths


def main() -> None:
    """Print mean and median run lengths of each way by shift."""
    ways = {
        f"EWMA {SMOOTHING:g}, L {WIDTH:g}, known": known(),
        **{f"EWMA {SMOOTHING:g}, baseline of {n}": estimated(n) for n in (12, BASELINE, 50)},
        "EWMA 0.1, L 2.84, known": known(0.1, 2.84),
        "EWMA 0.4, L 3.09, known": known(0.4, 3.09),
        "Shewhart, 3 deviations": known(1.0, 3.0),
        f"CUSUM k {CUSUM_SLACK:g}, h {CUSUM_LIMIT:g}, known": lambda _random: Cusum(RUNS),
    }
    print("Points until the first outside, mean (median), after a shift in standard deviations")
    print(f"{'':28}" + "".join(f"{shift:>16g}" for shift in SHIFTS))
    for name, make in ways.items():
        cells = [run_lengths(make, shift) for shift in SHIFTS]
        told = "".join(f"{f'{one.mean():.1f} ({np.median(one):.0f})':>16}" for one in cells)
        print(f"{name:28}{told}", flush=True)


if __name__ == "__main__":
    main()
