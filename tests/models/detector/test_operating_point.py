from __future__ import annotations

import numpy as np
import pytest

from models.detector.operating_point import KINDS, OperatingPoint, calibrated
from models.manifest import WeightsError


def test_one_confidence_stands_for_every_kind():
    point = OperatingPoint.of({"confidence": 0.25, "iou": 0.6})
    assert point == OperatingPoint(dict.fromkeys(KINDS, 0.25), iou=0.6, floor=0.05)
    assert point.kinds == {"blast": 0.25, "white": 0.25, "rbc": 0.25, "platelet": 0.25}


def test_kinds_may_have_their_own():
    point = OperatingPoint.of({"confidence": 0.25, "blast": 0.4, "rbc": 0.3, "floor": 0.1})
    assert point == OperatingPoint(
        {"blast": 0.4, "white": 0.25, "rbc": 0.3, "platelet": 0.25}, iou=0.5, floor=0.1
    )


@pytest.mark.parametrize("thresholds", [{"blast": 0.4}, {"confidence": 0.25, "lymphocyte": 0.3}])
def test_thresholds_that_cannot_be_used_are_told(thresholds):
    with pytest.raises(WeightsError, match="manifest has other thresholds"):
        OperatingPoint.of(thresholds)


def test_without_calibration_a_lone_score_is_the_probability():
    scores = np.array([[0.9, 0, 0, 0], [0, 0.3, 0, 0], [0, 0, 0.7, 0], [0, 0, 0, 0.2]], np.float32)
    np.testing.assert_allclose(calibrated(scores, {}), scores, atol=1e-5)


def test_both_scores_of_a_white_cell_add_up_and_split_by_their_odds():
    ((blast, wbc, rbc, platelet),) = calibrated(np.array([[0.5, 0.2, 0.1, 0]], np.float32), {})
    assert blast + wbc == pytest.approx(0.7)
    # odds 1 against 1/4
    assert blast / (blast + wbc) == pytest.approx(0.8)
    assert (rbc, platelet) == (pytest.approx(0.1), pytest.approx(0, abs=1e-5))


def test_scores_that_add_up_to_more_than_one_are_sure():
    (row,) = calibrated(np.array([[0.9, 0.9, 0, 0]], np.float32), {})
    assert row[:2].sum() == pytest.approx(1, abs=1e-5)


def test_every_question_has_its_own_line():
    lines = {
        "white": {"slope": 2.0, "offset": 1.0},
        "blast": {"slope": 0.5, "offset": -1.0},
        "platelet": {"slope": 1.0, "offset": 3.0},
    }
    scores = np.array([[0.25, 0.25, 0.5, 0.5]], np.float32)
    ((blast, wbc, rbc, platelet),) = calibrated(scores, lines)
    sigmoid = {x: 1 / (1 + np.exp(-x)) for x in (1, -1, 3)}
    assert blast == pytest.approx(sigmoid[1] * sigmoid[-1], abs=1e-5)
    assert wbc == pytest.approx(sigmoid[1] * (1 - sigmoid[-1]), abs=1e-5)
    assert (rbc, platelet) == (pytest.approx(0.5), pytest.approx(sigmoid[3], abs=1e-5))
