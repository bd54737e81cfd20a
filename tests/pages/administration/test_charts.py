from datetime import date, timedelta

import pytest

from pages.administration.charts import (
    HEIGHT,
    LEFT,
    TOP,
    WIDTH,
    Limits,
    Mark,
    bar_chart,
    line_chart,
)


def test_bars_stand_side_by_side_above_their_labels():
    chart = bar_chart("Cases", ["a", "b"], {"opened": [4, 0], "signed": [2, None]})
    assert [(bar.series, bar.title) for bar in chart.bars] == [
        (0, "a, opened: 4"),
        (0, "b, opened: 0"),
        (1, "a, signed: 2"),
    ]
    high, low = chart.bars[0], chart.bars[2]
    assert high.x + high.width == pytest.approx(low.x, abs=0.2)
    assert high.height == pytest.approx(2 * low.height, abs=0.2)
    assert high.y == TOP
    for bar in chart.bars:
        assert bar.y + bar.height == pytest.approx(chart.base, abs=0.2)
        assert LEFT <= bar.x <= WIDTH - bar.width


@pytest.mark.parametrize(
    ("highest", "labels"),
    [
        (0, ["0", "1"]),
        (3, ["0", "1", "2", "3"]),
        (7, ["0", "2", "4", "6", "8"]),
        (23, ["0", "5", "10", "15", "20", "25"]),
        (480, ["0", "100", "200", "300", "400", "500"]),
    ],
)
def test_the_axis_has_few_round_numbers(highest: int, labels: list[str]):
    chart = bar_chart("Cases", ["a"], {"opened": [highest]})
    assert [tick.label for tick in chart.ticks] == labels
    assert all(TOP - 0.1 <= tick.at <= HEIGHT for tick in chart.ticks)


def test_shares_have_an_axis_of_their_own_and_many_labels_are_thinned_out():
    chart = bar_chart("Agreement", [str(n) for n in range(30)], {"a": [50.0] * 30}, 100, "%")
    assert [tick.label for tick in chart.ticks] == ["0%", "20%", "40%", "60%", "80%", "100%"]
    assert [label.label for label in chart.labels] == ["0", "4", "8", "12", "16", "20", "24", "28"]
    assert bar_chart("Nothing", [], {"a": []}).bars == ()


FIRST = date(2026, 3, 1)


def marks(*values: float, every: int = 1) -> list[Mark]:
    return [
        Mark(FIRST + timedelta(days=every * n), value, value > 9, f"{value}")
        for n, value in enumerate(values)
    ]


def test_dots_lie_as_far_to_the_right_as_their_day_is_late():
    shown = marks(4.0, 6.0, 10.0)
    late = Mark(FIRST + timedelta(days=4), 5.0, False, "late")
    line = [(mark.day, mark.value) for mark in shown]
    limits = [Limits(mark.day, 3.0, 8.0) for mark in shown]
    chart = line_chart("Focus", [*shown, late], line, limits, 5.5, least_span=1)
    xs = [dot.x for dot in chart.dots]
    assert xs[1] - xs[0] == pytest.approx(xs[2] - xs[1], abs=0.2)
    assert xs[3] - xs[2] == pytest.approx(2 * (xs[1] - xs[0]), abs=0.2)
    assert [dot.is_out for dot in chart.dots] == [False, False, True, False]
    assert chart.dots[2].y < chart.dots[1].y < chart.dots[0].y
    assert all(LEFT <= dot.x <= WIDTH and TOP - 0.1 <= dot.y <= chart.base for dot in chart.dots)
    assert chart.line == " ".join(f"{dot.x},{dot.y}" for dot in chart.dots[:3])
    low, high = (part.split()[0].split(",")[1] for part in chart.limits)
    assert float(high) < chart.centre < float(low)
    assert [tick.label for tick in chart.ticks] == ["2", "4", "6", "8", "10"]


def test_an_axis_of_days_has_few_labels_and_does_not_blow_up_what_is_equal():
    chart = line_chart("Light", marks(*[230.0] * 30), least_span=8, unit="%")
    assert (chart.line, chart.limits, chart.centre) == ("", (), None)
    days = ["01 Mar", "08 Mar", "15 Mar", "23 Mar", "30 Mar"]
    assert [label.label for label in chart.labels] == days
    assert [tick.label for tick in chart.ticks] == ["226%", "228%", "230%", "232%", "234%"]
    none = line_chart("Share", marks(0.0, 0.0), least_span=4, unit="%")
    assert [tick.label for tick in none.ticks] == ["0%", "1%", "2%", "3%", "4%"]
    assert line_chart("Nothing", []).dots == ()
    (one,) = line_chart("One", marks(3.0)).dots
    assert one.x == pytest.approx((LEFT + WIDTH) / 2)
