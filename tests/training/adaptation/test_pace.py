from __future__ import annotations

from itertools import count

import pytest

from training.adaptation.pace import Pace, paced
from training.data import DataError


def taken(steps, seconds, tick):
    ticks = count(step=tick)
    pace = Pace(steps, batch=1, rate=1e-3, seed=1, seconds=seconds)
    return list(paced(pace, lambda: float(next(ticks))))


def test_the_steps_bound_it_where_there_is_time():
    assert [step for step, _ in taken(10, 100, 0)] == list(range(10))


def test_the_time_bounds_it_and_the_rate_falls_to_its_end_nevertheless():
    rates = [rate for _, rate in taken(1000, 100, 9)]
    assert len(rates) == 11
    assert rates[1] > rates[5] > rates[-1]
    assert rates[-1] < 0.1 * max(rates)


def test_without_time_it_ends_with_a_sentence():
    with pytest.raises(DataError, match="Give more --minutes"):
        taken(10, 0, 1)
