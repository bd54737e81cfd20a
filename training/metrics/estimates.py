"""Measured values with 95% intervals by bootstrap, as JSON and as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isnan, nan
from typing import TypeVar

import numpy as np

from training.documents import table

T = TypeVar("T")

_INTERVAL = 2.5, 97.5
_NOT_MEASURED = "–"


@dataclass(frozen=True)
class Estimate:
    """A measured value with its 95% interval; NaN where nothing could be measured."""

    value: float
    low: float = nan
    high: float = nan

    @classmethod
    def from_samples(cls, value: float, samples: Iterable[float]) -> Estimate:
        """Add the interval that 95% of bootstrap samples lie in; NaN are left out."""
        known = np.array(list(samples), np.float64)
        known = known[~np.isnan(known)]
        low, high = np.percentile(known, _INTERVAL) if known.size else (nan, nan)
        return cls(float(value), float(low), float(high))


EstimatesBySet = dict[str, dict[str, Estimate]]
"""Estimates by title of the set of images, then by title of the measure."""

PlainEstimates = Mapping[str, Mapping[str, Mapping[str, float | None]]]
"""The same as JSON has them: `value`, `low` and `high`, null for what could not be measured."""


def estimate_all(
    measures: Mapping[str, Callable[[T], float]], whole: T, draws: Iterable[T]
) -> dict[str, Estimate]:
    """Measure a whole, with intervals over bootstrap draws of it.

    Args:
        measures: By title; a measure gives NaN where it cannot be taken.
        whole: All that was sampled: cells, images, tests.
        draws: Samples of it with replacement, each used once.
    """
    drawn = [[measure(draw) for measure in measures.values()] for draw in draws]
    return {
        name: Estimate.from_samples(measure(whole), (values[column] for values in drawn))
        for column, (name, measure) in enumerate(measures.items())
    }


def estimate(measure: Callable[[T], float], whole: T, draws: Iterable[T]) -> Estimate:
    """Take one measure of a whole, as `estimate_all` does."""
    return estimate_all({"": measure}, whole, draws)[""]


def bootstrap(
    measure: Callable[[Sequence[T]], float], items: Sequence[T], samples: int, seed: int = 0
) -> Estimate:
    """Measure all items, with the interval over samples of them.

    Args:
        measure: Of any number of items.
        items: Independent of each other, such as images.
        samples: Number of samples, each as large as `items`, drawn with replacement.
        seed: Of the draws.
    """
    rng = np.random.default_rng(seed)
    draws = rng.integers(len(items), size=(samples, len(items)))
    return estimate(measure, items, ([items[i] for i in draw] for draw in draws))


def format_estimate(estimate: Estimate) -> str:
    """Return value and interval for one cell of a table; a dash for none."""
    value, interval = format_parts(estimate)
    return value if isnan(estimate.value) else f"{value} ({interval})"


def format_parts(estimate: Estimate) -> tuple[str, str]:
    """Return value and interval for two cells of a table; dashes for none."""
    if isnan(estimate.value):
        return _NOT_MEASURED, _NOT_MEASURED
    return f"{estimate.value:.3f}", f"{estimate.low:.3f} to {estimate.high:.3f}"


def format_tables(sets: EstimatesBySet) -> str:
    """Return estimates as Markdown, a table for each set."""
    return "\n\n".join(
        table(
            (title, "value", "95% interval"),
            [(name, *format_parts(each)) for name, each in estimates.items()],
        )
        for title, estimates in sets.items()
    )


def to_dict(sets: EstimatesBySet) -> dict[str, dict[str, dict[str, float | None]]]:
    """Return estimates as JSON takes them, which knows no NaN."""
    return {
        title: {
            name: {part: None if isnan(number) else number for part, number in asdict(each).items()}
            for name, each in estimates.items()
        }
        for title, estimates in sets.items()
    }


def from_dict(plain: PlainEstimates) -> EstimatesBySet:
    """Return the estimates that `to_dict` was given."""
    return {
        title: {
            name: Estimate(
                **{part: nan if number is None else number for part, number in each.items()}
            )
            for name, each in estimates.items()
        }
        for title, estimates in plain.items()
    }
