"""Charts of the statistics: where their bars, lines and labels are, in units of the picture."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from services.language import format_day_month, localize

WIDTH, HEIGHT = 640, 220
LEFT, TOP, BOTTOM = 52, 12, 28
EDGE = 12
GAP = 0.25
MOST_LABELS = 8
DAY_LABELS = 5
STEPS = 1, 2, 2.5, 5, 10


@dataclass(frozen=True)
class Bar:
    """One bar, with what it says; `series` is its place among those side by side, from 0."""

    x: float
    y: float
    width: float
    height: float
    series: int
    title: str


@dataclass(frozen=True)
class Tick:
    """A label of an axis and its place on it."""

    at: float
    label: str


@dataclass(frozen=True)
class Chart:
    """A chart of bars: `ticks` are on the upright axis, `labels` below the bars."""

    title: str
    series: tuple[str, ...]
    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    labels: tuple[Tick, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    base: int = HEIGHT - BOTTOM


@dataclass(frozen=True)
class Mark:
    """A value on a day; `title` is what it says, `is_out` whether it is drawn as an exception."""

    day: date
    value: float
    is_out: bool
    title: str


@dataclass(frozen=True)
class Limits:
    """Between what a value should be on a day."""

    day: date
    low: float
    high: float


@dataclass(frozen=True)
class Dot:
    """A mark in the picture."""

    x: float
    y: float
    is_out: bool
    title: str


@dataclass(frozen=True)
class LineChart:
    """A chart of dots, of a line through their average, and of the limits of that.

    `line` and `limits` are points as SVG has them, `centre` is a height; empty or None where there
    are no limits.
    """

    title: str
    dots: tuple[Dot, ...]
    line: str
    limits: tuple[str, ...]
    centre: float | None
    ticks: tuple[Tick, ...]
    labels: tuple[Tick, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    base: int = HEIGHT - BOTTOM


def line_chart(
    title: str,
    marks: Sequence[Mark],
    line: Sequence[tuple[date, float]] = (),
    limits: Sequence[Limits] = (),
    centre: float | None = None,
    unit: str = "",
    least_span: float = 0.02,
) -> LineChart:
    """Lay out values over days, oldest first, each as far to the right as its day is late.

    Args:
        title: What the chart shows.
        marks: The values.
        line: A line over some of these days.
        limits: Between what the line should be.
        centre: Where it should be.
        unit: What stands behind the numbers of the axis.
        least_span: What the axis covers at the least, so that nothing looks like much.
    """
    days = [mark.day for mark in marks]
    across = _Days(min(days, default=date.min), max(days, default=date.min))
    heights = [mark.value for mark in marks] + [value for _, value in line]
    heights += [bound for one in limits for bound in (one.low, one.high)]
    up = _Heights.around(heights, least_span)
    return LineChart(
        title=title,
        dots=tuple(
            Dot(across.x(mark.day), up.y(mark.value), mark.is_out, mark.title) for mark in marks
        ),
        line=_points((across.x(day), up.y(value)) for day, value in line),
        limits=tuple(
            _points((across.x(one.day), up.y(bound)) for one, bound in bounds)
            for bounds in ([(one, one.low) for one in limits], [(one, one.high) for one in limits])
            if bounds
        ),
        centre=None if centre is None else up.y(centre),
        ticks=tuple(Tick(up.y(value), localize(f"{value:g}") + unit) for value in up.ticks),
        labels=tuple(across.labels) if marks else (),
    )


@dataclass(frozen=True)
class _Days:
    first: date
    last: date

    def x(self, day: date) -> float:
        """Place a day; one alone stands in the middle."""
        width, days = WIDTH - LEFT - 2 * EDGE, (self.last - self.first).days
        share = (day - self.first).days / days if days else 0.5
        return round(LEFT + EDGE + width * share, 1)

    @property
    def labels(self) -> list[Tick]:
        days = (self.last - self.first).days
        number = min(DAY_LABELS - 1, days)
        shown = [
            self.first + timedelta(days=round(days * n / max(1, number))) for n in range(number + 1)
        ]
        return [Tick(self.x(day), format_day_month(day)) for day in shown]


@dataclass(frozen=True)
class _Heights:
    low: float
    high: float
    step: float

    @classmethod
    def around(cls, values: Sequence[float], least_span: float) -> _Heights:
        """Return round ends below and above all values, and the step between numbers."""
        least, most = min(values, default=0.0), max(values, default=0.0)
        spare = max(0.0, least_span - (most - least)) / 2
        low = least - spare if least < 0 else max(0.0, least - spare)
        high = max(most + spare, low + least_span)
        step = _round_step((high - low) / 4)
        return cls(math.floor(low / step) * step, math.ceil(high / step) * step, step)

    @property
    def ticks(self) -> list[float]:
        number = round((self.high - self.low) / self.step)
        return [round(self.low + index * self.step, 6) for index in range(number + 1)]

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * share, 1)


def _points(places: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x},{y}" for x, y in places)


def bar_chart(
    title: str,
    labels: Sequence[str],
    series: Mapping[str, Sequence[float | None]],
    top: float | None = None,
    unit: str = "",
) -> Chart:
    """Lay out bars, one of each series side by side for every label; None is no bar.

    Args:
        title: What the chart shows.
        labels: What stands below the groups of bars.
        series: The values of each series, as many as labels.
        top: The upper end of the axis; by default a round number above all values.
        unit: What stands behind the numbers of the axis.
    """
    values = [value for row in series.values() for value in row if value is not None]
    step = _step(max([*values, 0.0]) if top is None else top)
    top = top or step * max(1, math.ceil(max([*values, 0.0]) / step))
    return Chart(
        title=title,
        series=tuple(series),
        bars=tuple(_bars(labels, series, top, unit)),
        ticks=tuple(
            Tick(_y(step * index, top), localize(f"{step * index:g}") + unit)
            for index in range(round(top / step) + 1)
        ),
        labels=tuple(_labels(labels)),
    )


def _bars(
    labels: Sequence[str], series: Mapping[str, Sequence[float | None]], top: float, unit: str
) -> list[Bar]:
    group = (WIDTH - LEFT) / max(1, len(labels))
    width = group * (1 - GAP) / len(series)
    return [
        Bar(
            x=round(LEFT + place * group + group * GAP / 2 + index * width, 1),
            y=round(_y(value, top), 1),
            width=round(width, 1),
            height=round(HEIGHT - BOTTOM - _y(value, top), 1),
            series=index,
            title=f"{labels[place]}, {name}: {localize(f'{value:.3g}')}{unit}",
        )
        for index, (name, row) in enumerate(series.items())
        for place, value in enumerate(row)
        if value is not None
    ]


def _labels(labels: Sequence[str]) -> list[Tick]:
    """Place the labels, only every so many of them where there are too many."""
    every = -(-len(labels) // MOST_LABELS) if labels else 1
    group = (WIDTH - LEFT) / max(1, len(labels))
    return [
        Tick(round(LEFT + (place + 0.5) * group, 1), label)
        for place, label in enumerate(labels)
        if place % every == 0
    ]


def _y(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * value / top


def _step(highest: float) -> float:
    """Return a round step that divides the axis into five at most; whole below ten."""
    return max(1.0, _round_step(max(highest, 1.0) / 5))


def _round_step(least: float) -> float:
    power = 10 ** math.floor(math.log10(least))
    return next(step * power for step in STEPS if step * power >= least * 0.999)
