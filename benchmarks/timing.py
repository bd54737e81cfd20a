"""Compare ways of doing one thing, in one run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

Way = Callable[[], object]


def median_milliseconds(ways: dict[str, Way], rounds: int = 15) -> dict[str, float]:
    """Run all ways in turn after a warm-up, so that a busy machine slows all alike."""
    for way in ways.values():
        way()
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            times[name].append(1000 * (time.perf_counter() - start))
    return {name: statistics.median(values) for name, values in times.items()}


def report(title: str, values: dict[str, float], unit: str) -> None:
    """Print each value and how many times the first one it is."""
    first = next(iter(values.values()))
    print(f"\n{title}")
    for name, value in values.items():
        print(f"  {name:<44} {value:9.1f} {unit}   × {value / first:5.2f}")
