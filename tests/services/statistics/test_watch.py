from datetime import date, timedelta

import numpy as np
import pytest

from services.statistics.watch import (
    BASELINE,
    FEWEST,
    Baseline,
    ControlChart,
    Point,
    by_week,
    control_chart,
    points_of,
)

FIRST = date(2026, 2, 2)


def series(values: list[float], every: int = 1) -> list[Point]:
    """One point a day, or every so many days."""
    return [Point(FIRST + timedelta(days=every * n), value, 9) for n, value in enumerate(values)]


def noise(number: int, seed: int = 0, shift_at: int | None = None, shift: float = 0) -> list[float]:
    values = np.random.default_rng(seed).normal(200, 2, number)
    if shift_at is not None:
        values[shift_at:] += shift
    return values.tolist()


def days_out(chart: ControlChart) -> list[date]:
    return [average.day for average in chart.averages if average.is_out]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("shift", [-4, 4])
def test_a_step_of_two_deviations_is_found_within_days(seed: int, shift: float):
    chart = control_chart(series(noise(60, seed, shift_at=40, shift=shift)))
    after = [day for day in days_out(chart) if day >= FIRST + timedelta(days=40)]
    assert after[0] <= FIRST + timedelta(days=46)
    assert chart.changed_on is not None
    assert abs((chart.changed_on - (FIRST + timedelta(days=40))).days) <= 1


def test_noise_alone_is_rarely_out():
    rows = [control_chart(series(noise(120, seed))) for seed in range(50)]
    assert sum(len(days_out(chart)) for chart in rows) < 0.03 * 50 * 120
    assert sum(chart.changed_on is not None for chart in rows) <= 4


def test_the_limits_are_those_of_lucas_and_saccucci():
    values = noise(BASELINE)
    chart = control_chart(series(values))
    deviation = np.std(values, ddof=1)
    assert chart.centre == pytest.approx(np.mean(values))
    first, last = chart.averages[0], chart.averages[-1]
    assert first.high - chart.centre == pytest.approx(3 * 0.2 * deviation)
    assert first.value == pytest.approx(0.2 * values[0] + 0.8 * chart.centre)
    assert last.high - chart.centre == pytest.approx(deviation, rel=1e-3)  # 3 sqrt(0.2 / 1.8)
    assert chart.centre - last.low == pytest.approx(last.high - chart.centre)


def test_what_never_changes_is_in_its_limits_and_the_least_change_is_not():
    same = [0.1 + 0.2] * 30
    assert days_out(control_chart(series(same))) == []
    moved = series([*same, 0.31])
    assert days_out(control_chart(moved)) == [moved[-1].day]
    assert days_out(control_chart(moved, least_deviation=0.01)) == []


def test_too_few_points_have_no_limits():
    chart = control_chart(series(noise(FEWEST - 1)))
    assert (chart.averages, chart.centre, chart.number) == ((), None, FEWEST - 1)
    assert chart.changed_on is None
    assert len(chart.points) == FEWEST - 1
    assert control_chart([]).points == ()
    assert len(control_chart(series(noise(FEWEST))).averages) == FEWEST


def test_days_without_fields_are_left_out():
    values = noise(40)
    gaps, daily = control_chart(series(values, every=7)), control_chart(series(values))
    assert [one.value for one in gaps.averages] == [one.value for one in daily.averages]


def test_the_baseline_begins_and_ends_where_one_says():
    points = series(noise(90, shift_at=45, shift=6))
    assert control_chart(points).changed_on is not None
    anew = control_chart(points, baseline=Baseline(first=points[45].day))
    assert anew.changed_on is None
    assert (len(anew.points), len(anew.averages)) == (90, 45)
    longer = control_chart(points, baseline=Baseline(last=points[39].day))
    assert longer.number == 40
    assert longer.changed_on is not None
    short = control_chart(points, baseline=Baseline(points[80].day))
    assert (short.number, short.averages) == (10, ())


def test_days_are_added_up_by_week_and_few_cells_are_no_point():
    days = [(date(2026, 3, 2), 3.0, 10), (date(2026, 3, 8), 1.0, 10), (date(2026, 3, 17), 1.0, 5)]
    assert by_week(days) == [(date(2026, 3, 2), 4.0, 20), (date(2026, 3, 16), 1.0, 5)]
    assert points_of(by_week(days), least=10) == [Point(date(2026, 3, 2), 0.2, 20)]
    assert points_of([(FIRST, 0.0, 0)]) == []
