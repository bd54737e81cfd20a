"""The watch over a laboratory's images: charts of what was measured, and what has changed.

A series is what one microscope made, as far as that is known: the fields of one team whose pictures
have one size. Days are those of UTC.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from threading import Lock

from records import utc_now
from records.cases import cases
from records.worklist import field_measures as records
from records.worklist.field_measures import Blasts, Day, Size
from services.statistics import watch_settings
from services.statistics.watch import Baseline, ControlChart, by_week, control_chart, points_of
from services.statistics.watch_settings import ControlSlide


class Measure(StrEnum):
    """What is followed, in the order of the page; names of `records.worklist.field_measures`."""

    DEPTH = "depth"
    BALANCE = "balance"
    CAST = "cast"
    LIGHT = "light"
    FOCUS = "focus"
    OUT_OF_DISTRIBUTION = "out_of_distribution"
    UNCERTAIN = "uncertain"
    AGREEMENT = "agreement"


SHARES = (
    Measure.CAST,
    Measure.OUT_OF_DISTRIBUTION,
    Measure.UNCERTAIN,
    Measure.AGREEMENT,
)
"""Measures that are shares in 0..1."""

OF_CELLS = (Measure.OUT_OF_DISTRIBUTION, Measure.UNCERTAIN, Measure.AGREEMENT)

FEWEST_CELLS = 20
"""White cells of a day under which it has no point in charts of shares of cells."""

LEAST_DEVIATIONS = {
    Measure.LIGHT: 1.0,
    Measure.DEPTH: 0.005,
    Measure.BALANCE: 0.01,
    Measure.CAST: 0.005,
    Measure.FOCUS: 0.005,
    Measure.OUT_OF_DISTRIBUTION: 0.01,
    Measure.UNCERTAIN: 0.01,
    Measure.AGREEMENT: 0.01,
}
"""What the standard deviation of days counts as at the least; light in grey levels of 0..255."""

RECENT = timedelta(days=14)
"""How old the newest point of a measure may be that is alerted of."""

COMPUTED_EVERY = timedelta(hours=1)

Sums = list[tuple[date, float, int]]


@dataclass(frozen=True)
class SlideDay:
    """The QC slide on one day; no `counted` where it is missing."""

    day: date
    counted: Blasts | None
    is_out: bool

    @property
    def share(self) -> float | None:
        """Blasts among the white cells in 0..1; None without any."""
        if self.counted is None or not self.counted.white_cells:
            return None
        return self.counted.blasts / self.counted.white_cells


@dataclass(frozen=True)
class Watched:
    """One series: its charts by measure, with a day's or week's fields, and its QC slide."""

    fields: dict[date, int]
    charts: dict[Measure, ControlChart]
    slide_days: tuple[SlideDay, ...]


@dataclass(frozen=True)
class Alert:
    """A measure that has changed, and since when; without a measure, the QC slide of that day."""

    measure: Measure | None
    day: date


def watched(team_id: str, size: Size, weekly: bool, today: date) -> Watched:
    """Chart one series of a team, and check its QC slide."""
    values = watch_settings.present(team_id)
    days = [day for day in records.days_of(team_id) if day.size == size]
    counted = [(day.day, 0.0, day.fields) for day in days]
    fields = {day: number for day, _, number in (by_week(counted) if weekly else counted)}
    charts = {
        measure: _chart(measure, sums, values.baseline, weekly)
        for measure, sums in {**_sums_of(days), Measure.AGREEMENT: _agreement(team_id)}.items()
    }
    return Watched(fields, charts, _slide_days(team_id, values.slide, today))


def check_slide(
    counted: Iterable[Blasts], slide: ControlSlide, working: Iterable[date], today: date
) -> tuple[SlideDay, ...]:
    """Compare the QC slide with what is expected of it, by day, oldest first.

    Args:
        counted: What the models counted in it.
        slide: What is expected.
        working: Days on which the team had fields analysed.
        today: Which is not over, so that the slide is not missing yet.
    """
    read = {one.day: one for one in counted}
    missing = {day for day in working if slide.since <= day < today and day not in read}
    return tuple(
        SlideDay(day, read.get(day), day in read and not _is_expected(read[day], slide))
        for day in sorted({*read, *missing})
    )


def alerts_of(team_id: str, today: date) -> tuple[Alert, ...]:
    """Return what has changed in any series of a team, what changed last first.

    Only what was measured lately, and each measure once. The QC slide comes before all.
    """
    values = watch_settings.present(team_id)
    found: dict[Measure, date] = {}
    for measure, sums in _all_sums(team_id):
        changed = _changed(_chart(measure, sums, values.baseline), today)
        if changed:
            found[measure] = min(changed, found.get(measure, changed))
    slide = [one for one in _slide_days(team_id, values.slide, today) if one.counted]
    wrong = [Alert(None, one.day) for one in slide[-1:] if one.is_out and _recent(one.day, today)]
    by_day = sorted(found.items(), key=lambda one: one[1], reverse=True)
    return (*wrong, *(Alert(measure, day) for measure, day in by_day))


class Watch:
    """Tells each team what has changed, and computes that once an hour at the most."""

    def __init__(self, clock: Callable[[], datetime] = utc_now) -> None:
        self._clock = clock
        self._kept: dict[str, tuple[datetime, tuple[Alert, ...]]] = {}
        self._computing = Lock()

    def alerts(self, team_id: str) -> tuple[Alert, ...]:
        """Return a team's alerts; while somebody computes them, those of before."""
        now = self._clock()
        computed_at, alerts = self._kept.get(team_id, (None, ()))
        if computed_at and now - computed_at < COMPUTED_EVERY:
            return alerts
        if not self._computing.acquire(blocking=False):
            return alerts
        try:
            alerts = alerts_of(team_id, now.date())
            self._kept[team_id] = now, alerts
        finally:
            self._computing.release()
        return alerts

    def forget(self, team_id: str) -> None:
        """Compute a team's alerts anew when they are asked for next."""
        self._kept.pop(team_id, None)


def _all_sums(team_id: str) -> Iterable[tuple[Measure, Sums]]:
    by_size: dict[Size, list[Day]] = defaultdict(list)
    for day in records.days_of(team_id):
        by_size[day.size].append(day)
    for days in by_size.values():
        yield from _sums_of(days).items()
    yield Measure.AGREEMENT, _agreement(team_id)


def _sums_of(days: Sequence[Day]) -> dict[Measure, Sums]:
    return {
        measure: [(day.day, *day.sums[measure]) for day in days]
        for measure in Measure
        if measure is not Measure.AGREEMENT
    }


def _agreement(team_id: str) -> Sums:
    return [(day, *sums) for day, sums in records.agreement_of(team_id).items()]


def _chart(measure: Measure, sums: Sums, baseline: Baseline, weekly: bool = False) -> ControlChart:
    added = by_week(sums) if weekly else sums
    points = points_of(added, FEWEST_CELLS if measure in OF_CELLS else 1)
    return control_chart(points, LEAST_DEVIATIONS[measure], baseline)


def _changed(chart: ControlChart, today: date) -> date | None:
    if not chart.averages or not _recent(chart.averages[-1].day, today):
        return None
    return chart.changed_on


def _recent(day: date, today: date) -> bool:
    return today - day <= RECENT


def _slide_days(team_id: str, slide: ControlSlide | None, today: date) -> tuple[SlideDay, ...]:
    if slide is None:
        return ()
    counted = records.blasts_of_pseudonym(cases.get(slide.case_id))
    return check_slide(counted, slide, records.working_days(team_id, slide.since), today)


def _is_expected(counted: Blasts, slide: ControlSlide) -> bool:
    if counted.white_cells < slide.least_white or not counted.white_cells:
        return False
    return slide.low <= 100 * counted.blasts / counted.white_cells <= slide.high
