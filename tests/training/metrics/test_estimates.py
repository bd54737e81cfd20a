import json

import numpy as np
import pytest

from training.metrics.estimates import (
    Estimate,
    bootstrap,
    estimate_all,
    format_estimate,
    format_tables,
    from_dict,
    to_dict,
)


def test_the_interval_holds_the_value_and_repeats():
    values = list(np.random.default_rng(1).normal(5, 1, 60))
    one, again = (bootstrap(lambda v: float(np.mean(v)), values, 200) for _ in range(2))
    assert one == again
    assert one.low < one.value < one.high
    assert one.high - one.low == pytest.approx(0.5, abs=0.2)


def test_samples_without_a_value_are_left_out():
    assert Estimate.from_samples(3, [np.nan, *range(101)]) == Estimate(3, 2.5, 97.5)
    assert np.isnan(Estimate.from_samples(3, [np.nan]).low)


def test_what_could_not_be_measured_is_null_and_a_dash():
    sets = {
        "nothing": {"AP50": Estimate(np.nan, np.nan, np.nan)},
        "some": {"AP": Estimate(0.5, 0, 1)},
    }
    assert json.loads(json.dumps(to_dict(sets), allow_nan=False))["nothing"]["AP50"] == {
        "value": None,
        "low": None,
        "high": None,
    }
    assert "| AP50 | – | – |" in format_tables(sets)
    assert "| AP | 0.500 | 0.000 to 1.000 |" in format_tables(sets)


def test_estimates_come_back_from_json():
    sets = {"one": {"AP": Estimate(0.5, 0, 1), "AP50": Estimate(np.nan, np.nan, np.nan)}}
    back = from_dict(json.loads(json.dumps(to_dict(sets))))
    assert back["one"]["AP"] == Estimate(0.5, 0, 1)
    assert np.isnan(back["one"]["AP50"].value)


def test_what_could_not_be_measured_is_written_as_a_dash():
    assert format_estimate(Estimate(0.5, 0.25, 0.75)) == "0.500 (0.250 to 0.750)"
    assert format_estimate(Estimate(np.nan, np.nan, np.nan)) == "–"


def test_several_measures_share_their_draws():
    draws = iter([[1, 2], [3, 4]])
    found = estimate_all({"sum": sum, "largest": max}, [1, 4], draws)
    assert found["sum"] == Estimate(5, pytest.approx(3.1), pytest.approx(6.9))
    assert found["largest"].value == 4
