import numpy as np
import pytest

from training.metrics.average_precision import average_precision, judge, precision_and_recall

TRUTHS = np.array([[0, 0, 10, 10], [20, 20, 30, 30]], np.float32)


def test_a_cell_found_twice_counts_once():
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10]], np.float32)
    judged = judge(boxes, np.array([0.6, 0.9]), TRUTHS)
    assert judged.confidences.tolist() == [0.9, 0.6]
    assert judged.correct[:, 0].tolist() == [True, False]
    assert judged.correct[:, -1].tolist() == [False, True], "at 0.95 only the exact box is right"


def test_perfect_boxes_have_an_average_precision_of_one():
    assert average_precision([judge(TRUTHS, np.array([0.5, 0.9]), TRUTHS)]) == pytest.approx(1)


def test_what_is_not_found_lowers_average_precision():
    half = judge(TRUTHS[:1], np.array([0.9]), TRUTHS)
    assert average_precision([half])[0] == pytest.approx(0.5, abs=0.01)


def test_confident_mistakes_cost_more_than_hesitant_ones():
    wrong = np.array([[50, 50, 60, 60]], np.float32)
    boxes = np.concatenate([TRUTHS, wrong])
    first = average_precision([judge(boxes, np.array([0.5, 0.6, 0.9]), TRUTHS)])[0]
    last = average_precision([judge(boxes, np.array([0.5, 0.6, 0.1]), TRUTHS)])[0]
    assert first < 0.7 < last


def test_finding_nothing_is_zero():
    nothing = judge(np.zeros((0, 4), np.float32), np.zeros(0), TRUTHS)
    assert average_precision([nothing]).tolist() == [0] * 10


def test_nothing_to_find_is_not_a_number():
    nothing = judge(TRUTHS, np.array([0.5, 0.9]), np.zeros((0, 4), np.float32))
    assert np.isnan(average_precision([nothing])).all()


def test_average_precision_is_that_of_ultralytics():
    metrics = pytest.importorskip("ultralytics.utils.metrics")
    rng = np.random.default_rng(0)
    images = []
    for _ in range(40):
        corners = rng.uniform(0, 400, (6, 2))
        truths = np.concatenate([corners, corners + 40], axis=1).astype(np.float32)
        boxes = (truths + rng.normal(0, 4, truths.shape)).astype(np.float32)
        images.append(judge(boxes, rng.uniform(0, 1, 6), truths))
    correct = np.concatenate([image.correct for image in images])
    confidences = np.concatenate([image.confidences for image in images])
    kinds = np.zeros(len(correct))
    theirs = metrics.ap_per_class(correct, confidences, kinds, np.zeros(240))[5][0]
    assert average_precision(images) == pytest.approx(theirs, abs=0.02)


def test_precision_and_recall_at_a_threshold():
    boxes = np.concatenate([TRUTHS, TRUTHS + 100])
    judged = judge(boxes, np.array([0.9, 0.1, 0.8, 0.05]), TRUTHS)
    assert precision_and_recall([judged], 0.5) == (0.5, 0.5)
