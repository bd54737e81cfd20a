import json

import numpy as np
import pytest

from training.metrics.estimates import (
    Figure,
    as_plain,
    as_tables,
    estimate,
    from_plain,
    told,
    with_interval,
)


def test_the_interval_holds_the_value_and_repeats():
    values = list(np.random.default_rng(1).normal(5, 1, 60))
    one, again = (with_interval(lambda v: float(np.mean(v)), values, 200) for _ in range(2))
    assert one == again
    assert one.low < one.value < one.high
    assert one.high - one.low == pytest.approx(0.5, abs=0.2)


def test_samples_without_a_value_are_left_out():
    assert estimate(3, [np.nan, *range(101)]) == Figure(3, 2.5, 97.5)
    assert np.isnan(estimate(3, [np.nan]).low)


def test_what_could_not_be_measured_is_null_and_a_dash():
    sets = {"nothing": {"AP50": Figure(np.nan, np.nan, np.nan)}, "some": {"AP": Figure(0.5, 0, 1)}}
    assert json.loads(json.dumps(as_plain(sets), allow_nan=False))["nothing"]["AP50"] == {
        "value": None,
        "low": None,
        "high": None,
    }
    assert "| AP50 | – | – |" in as_tables(sets)
    assert "| AP | 0.500 | 0.000 to 1.000 |" in as_tables(sets)


def test_figures_come_back_from_json():
    sets = {"one": {"AP": Figure(0.5, 0, 1), "AP50": Figure(np.nan, np.nan, np.nan)}}
    back = from_plain(json.loads(json.dumps(as_plain(sets))))
    assert back["one"]["AP"] == Figure(0.5, 0, 1)
    assert np.isnan(back["one"]["AP50"].value)


def test_what_could_not_be_measured_is_told_as_a_dash():
    assert told(Figure(0.5, 0.25, 0.75)) == "0.500 (0.250 to 0.750)"
    assert told(Figure(np.nan, np.nan, np.nan)) == "–"
