"""Measured values with 95% intervals by bootstrap, as JSON and as Markdown."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isnan, nan
from typing import TypeVar

import numpy as np

from training.documents import table

T = TypeVar("T")
_PARTS = ("value", "low", "high")


@dataclass(frozen=True)
class Figure:
    """A measured value with its 95% interval; NaN where nothing could be measured."""

    value: float
    low: float
    high: float


Sets = dict[str, dict[str, Figure]]
"""Figures by title of the set of images, then by title of the measure."""


def share(part: float, whole: float) -> float:
    """Return part / whole, NaN for a share of nothing."""
    return part / whole if whole else float("nan")


def with_interval(
    measure: Callable[[Sequence[T]], float], images: Sequence[T], rounds: int, seed: int = 0
) -> Figure:
    """Measure all images, and the 95% interval over `rounds` samples of them with replacement."""
    rng = np.random.default_rng(seed)
    draws = rng.integers(len(images), size=(rounds, len(images)))
    return estimate(measure(images), [measure([images[i] for i in draw]) for draw in draws])


def estimate(value: float, samples: Sequence[float]) -> Figure:
    """Return a value with the interval that 95% of bootstrap samples lie in; NaN are left out."""
    known = np.asarray(samples, np.float64)
    known = known[~np.isnan(known)]
    low, high = np.percentile(known, (2.5, 97.5)) if known.size else (np.nan, np.nan)
    return Figure(float(value), float(low), float(high))


def told(figure: Figure) -> str:
    """Return a figure and its interval as they stand in one cell of a table; a dash for none."""
    if isnan(figure.value):
        return "–"
    return f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"


def as_plain(sets: Sets) -> dict[str, dict[str, dict[str, float | None]]]:
    """Return figures as JSON takes them, which knows no NaN."""
    return {
        title: {name: _without_nan(figure) for name, figure in figures.items()}
        for title, figures in sets.items()
    }


def from_plain(plain: Mapping[str, Mapping[str, Mapping[str, float | None]]]) -> Sets:
    """Return the figures that `as_plain` was given."""
    return {
        title: {name: _with_nan(figure) for name, figure in figures.items()}
        for title, figures in plain.items()
    }


def as_tables(sets: Sets) -> str:
    """Return figures as Markdown, a table for each set."""
    return "\n\n".join(
        table((title, "value", "95% interval"), [_row(name, f) for name, f in figures.items()])
        for title, figures in sets.items()
    )


def _without_nan(figure: Figure) -> dict[str, float | None]:
    return {part: None if isnan(value) else value for part, value in asdict(figure).items()}


def _with_nan(figure: Mapping[str, float | None]) -> Figure:
    return Figure(*(nan if figure[part] is None else figure[part] for part in _PARTS))


def _row(name: str, figure: Figure) -> tuple[str, str, str]:
    if isnan(figure.value):
        return name, "–", "–"
    return name, f"{figure.value:.3f}", f"{figure.low:.3f} to {figure.high:.3f}"
