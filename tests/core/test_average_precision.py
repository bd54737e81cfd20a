import numpy as np
import pytest

from core.average_precision import average_precision, match, precision_and_recall

TRUTHS = np.array([[0, 0, 10, 10], [20, 20, 30, 30]], np.float32)


def test_a_cell_found_twice_counts_once():
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10]], np.float32)
    matches = match(boxes, np.array([0.6, 0.9]), TRUTHS)
    assert matches.confidences.tolist() == [0.9, 0.6]
    assert matches.correct[:, 0].tolist() == [True, False]
    assert matches.correct[:, -1].tolist() == [False, True], "at 0.95 only the exact box is right"


def test_perfect_boxes_have_an_average_precision_of_one():
    assert average_precision([match(TRUTHS, np.array([0.5, 0.9]), TRUTHS)]) == pytest.approx(1)


def test_what_is_not_found_lowers_average_precision():
    half = match(TRUTHS[:1], np.array([0.9]), TRUTHS)
    assert average_precision([half])[0] == pytest.approx(0.5, abs=0.01)


def test_confident_mistakes_cost_more_than_hesitant_ones():
    wrong = np.array([[50, 50, 60, 60]], np.float32)
    boxes = np.concatenate([TRUTHS, wrong])
    first = average_precision([match(boxes, np.array([0.5, 0.6, 0.9]), TRUTHS)])[0]
    last = average_precision([match(boxes, np.array([0.5, 0.6, 0.1]), TRUTHS)])[0]
    assert first < 0.7 < last


def test_finding_nothing_is_zero():
    nothing = match(np.zeros((0, 4), np.float32), np.zeros(0), TRUTHS)
    assert average_precision([nothing]).tolist() == [0] * 10


def test_nothing_to_find_is_not_a_number():
    nothing = match(TRUTHS, np.array([0.5, 0.9]), np.zeros((0, 4), np.float32))
    assert np.isnan(average_precision([nothing])).all()


def test_precision_and_recall_at_a_threshold():
    boxes = np.concatenate([TRUTHS, TRUTHS + 100])
    matches = match(boxes, np.array([0.9, 0.1, 0.8, 0.05]), TRUTHS)
    assert precision_and_recall([matches], 0.5) == (0.5, 0.5)
