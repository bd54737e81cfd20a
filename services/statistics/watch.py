"""Control charts: whether a measure still is what it was, from day to day or from week to week.

The exponentially weighted moving average (EWMA) of Roberts, Technometrics 1 (1959) 239-250, with
the limits of Lucas and Saccucci, Technometrics 32 (1990) 1-12. Why not CUSUM, and how often it is
wrong: docs/adr/0052-ewma-charts.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import sqrt
from statistics import mean, stdev

SMOOTHING = 0.2
"""Weight of the newest point in the average, the lambda of the literature."""

WIDTH = 3.0
"""Distance of the limits from the centre in standard deviations of the average, the L."""

BASELINE = 20
"""Points from which centre and standard deviation come, unless a last day is named."""

FEWEST = 12
"""Points under which there are no limits."""


@dataclass(frozen=True)
class Point:
    """The mean of a measure on one day, or in the week that begins with it.

    `number` fields or cells went into it.
    """

    day: date
    value: float
    number: int


@dataclass(frozen=True)
class Baseline:
    """From which points the limits come.

    Attributes:
        first: The first day that is charted; None for the first there is.
        last: The last day of the baseline; None for the day of the `BASELINE`th point.
    """

    first: date | None = None
    last: date | None = None


@dataclass(frozen=True)
class Average:
    """The moving average at a point, with its limits."""

    day: date
    value: float
    low: float
    high: float

    @property
    def is_out(self) -> bool:
        """Whether it is beyond a limit."""
        return not self.low <= self.value <= self.high


@dataclass(frozen=True)
class ControlChart:
    """A measure over time.

    Attributes:
        points: All points, oldest first.
        averages: Of those from the baseline's first day on; empty where there are no limits.
        centre: Mean of the baseline; None without limits.
        number: Points of the baseline, also where they are too few.
    """

    points: tuple[Point, ...]
    averages: tuple[Average, ...]
    centre: float | None
    number: int

    @property
    def changed_on(self) -> date | None:
        """The day from which on the measure is another, as far as the newest average is out.

        The likeliest day of a step: that from which on the points are as many, and as far from the
        centre on average, as nowhere else (Samuel, Pignatiello and Calvin, Quality Engineering 10
        (1998) 521-527). The average crosses its limit some points after the change.
        """
        if self.centre is None or not self.averages or not self.averages[-1].is_out:
            return None
        total, likeliest, since = 0.0, -1.0, self.averages[-1].day
        for number, point in enumerate(reversed(self.points[-len(self.averages) :]), start=1):
            total += point.value - self.centre
            if total**2 / number > likeliest:
                likeliest, since = total**2 / number, point.day
        return since


def control_chart(
    points: Sequence[Point], least_deviation: float = 0.0, baseline: Baseline | None = None
) -> ControlChart:
    """Compute the moving average of a measure and its limits.

    Args:
        points: Oldest first; days or weeks without a point are left out.
        least_deviation: What the standard deviation of the baseline counts as at the least, in the
            unit of the measure: days that were all alike by chance would else make any day differ.
        baseline: Where the limits come from.
    """
    baseline = baseline or Baseline()
    charted = [one for one in points if baseline.first is None or one.day >= baseline.first]
    base = [one.value for one in _base(charted, baseline)]
    if len(base) < FEWEST:
        return ControlChart(tuple(points), (), None, len(base))
    centre, deviation = mean(base), max(stdev(base), least_deviation)
    averages = tuple(_averages(charted, centre, deviation))
    return ControlChart(tuple(points), averages, centre, len(base))


def by_week(days: Iterable[tuple[date, float, int]]) -> list[tuple[date, float, int]]:
    """Add up totals and numbers of days by the Monday of their week."""
    weeks: dict[date, tuple[float, int]] = {}
    for day, total, number in days:
        monday = day - timedelta(days=day.weekday())
        before = weeks.get(monday, (0.0, 0))
        weeks[monday] = before[0] + total, before[1] + number
    return [(monday, *weeks[monday]) for monday in sorted(weeks)]


def points_of(sums: Iterable[tuple[date, float, int]], least: int = 1) -> list[Point]:
    """Return the means of totals over numbers; none of days with fewer than `least`."""
    return [
        Point(day, total / number, number) for day, total, number in sums if number >= max(least, 1)
    ]


def _base(charted: Sequence[Point], baseline: Baseline) -> Sequence[Point]:
    if baseline.last is None:
        return charted[:BASELINE]
    return [one for one in charted if one.day <= baseline.last]


def _averages(points: Sequence[Point], centre: float, deviation: float) -> Iterable[Average]:
    value, kept = centre, 1.0
    for point in points:
        value += SMOOTHING * (point.value - value)
        kept *= (1 - SMOOTHING) ** 2
        width = WIDTH * deviation * sqrt(SMOOTHING / (2 - SMOOTHING) * (1 - kept))
        # Equal values give an average that differs in its last digits.
        width += 1e-9 * max(1.0, abs(centre))
        yield Average(point.day, value, centre - width, centre + width)
