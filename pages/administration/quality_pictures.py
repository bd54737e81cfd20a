"""The charts of the quality page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from pages.administration.charts import Limits, LineChart, Mark, line_chart
from pages.administration.quality_texts import MEASURE_TEXTS, MeasureText
from services.language import format_day_month, format_number, format_percent, gettext
from services.statistics.quality import SHARES, Measure, SlideDay
from services.statistics.watch import Average, ControlChart, Point
from services.statistics.watch_settings import ControlSlide

DECIMALS = {Measure.LIGHT: 1, Measure.DEPTH: 3, Measure.BALANCE: 3, Measure.FOCUS: 3}
"""Of values in tables; percentages have one."""

LEAST_SPANS = {Measure.LIGHT: 8.0, Measure.DEPTH: 0.05, Measure.BALANCE: 0.1, Measure.FOCUS: 0.05}
"""What an axis covers at the least; those of percentages 4."""

Period = Callable[[date], bool]
"""Says whether a day is shown."""


@dataclass(frozen=True)
class Shown:
    """One measure on the page; `is_out` where an average that is shown is outside its limits."""

    text: MeasureText
    picture: LineChart
    chart: ControlChart
    is_out: bool


def shown_measure(measure: Measure, chart: ControlChart, shows: Period) -> Shown:
    """Draw the part of a control chart that is in the period."""
    averages = {one.day: one for one in chart.averages if shows(one.day)}
    points = [one for one in chart.points if shows(one.day)]
    scale = _scale(measure)
    picture = line_chart(
        str(MEASURE_TEXTS[measure].name),
        [_mark(measure, point, averages.get(point.day)) for point in points],
        [(one.day, scale * one.value) for one in averages.values()],
        [Limits(one.day, scale * one.low, scale * one.high) for one in averages.values()],
        None if chart.centre is None or not averages else scale * chart.centre,
        "%" if measure in SHARES else "",
        LEAST_SPANS.get(measure, 4.0),
    )
    is_out = any(one.is_out for one in averages.values())
    return Shown(MEASURE_TEXTS[measure], picture, chart, is_out)


def _mark(measure: Measure, point: Point, average: Average | None) -> Mark:
    said = f"{format_day_month(point.day)}: {format_value(measure, point.value)}"
    if average is not None:
        limits = {
            "average": format_value(measure, average.value),
            "low": format_value(measure, average.low),
            "high": format_value(measure, average.high),
        }
        said += ". " + gettext("Average %(average)s, limits %(low)s to %(high)s", **limits)
    is_out = average is not None and average.is_out
    return Mark(point.day, _scale(measure) * point.value, is_out, said)


def slide_chart(days: Sequence[SlideDay], slide: ControlSlide, shows: Period) -> LineChart | None:
    """Draw the QC slide's share of blasts by day; None where there is nothing to draw."""
    shown = [one for one in days if shows(one.day) and one.share is not None]
    if not shown:
        return None
    return line_chart(
        gettext("Blasts in the QC slide"),
        [
            Mark(
                one.day,
                100 * (one.share or 0),
                one.is_out,
                f"{format_day_month(one.day)}: {format_percent(one.share or 0, 1)}",
            )
            for one in shown
        ],
        limits=[Limits(one.day, slide.low, slide.high) for one in shown],
        unit="%",
        least_span=4.0,
    )


def _scale(measure: Measure) -> float:
    return 100.0 if measure in SHARES else 1.0


def format_value(measure: Measure, value: float) -> str:
    """Write a value of a measure, with its unit."""
    if measure in SHARES:
        return format_percent(value, 1)
    return format_number(value, DECIMALS[measure])
