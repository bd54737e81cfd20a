from __future__ import annotations

import time

import numpy as np
import pytest

from core.geometry import contained_shares, iou
from models.detector.boxes import Found, suppress

BLAST, WBC, RBC, PLATELET = range(4)


def found(*rows: tuple) -> Found:
    """Rows of x1, y1, x2, y2, class, probability; what is left goes to no class."""
    table = np.array(rows, np.float64).reshape(-1, 6)
    probabilities = np.zeros((len(table), 4))
    probabilities[np.arange(len(table)), table[:, 4].astype(int)] = table[:, 5]
    return Found(table[:, :4].astype(np.float32), probabilities)


def pair_by_pair(given: Found, max_iou: float) -> list[int]:
    """What suppression means, the slow way."""
    kept: list[int] = []
    for row in np.argsort(-given.best, kind="stable"):
        box, white = given.boxes[row], given.is_white[row]
        if not any(
            iou(box, given.boxes[other]) > max_iou
            or (white and given.is_white[other] and contained_shares(box, given.boxes[other]) > 0.8)
            for other in kept
        ):
            kept.append(int(row))
    return kept


def crowd(cells: int, boxes_each: int) -> Found:
    """Cells strewn over a field, each found several times with jitter, under any class."""
    rng = np.random.default_rng(3)
    centres = np.repeat(rng.uniform(0, 60 * cells**0.5, (cells, 2)), boxes_each, axis=0)
    centres += rng.normal(0, 3, centres.shape)
    half = rng.uniform(8, 30, centres.shape)
    boxes = np.concatenate([centres - half, centres + half], axis=1).astype(np.float32)
    return Found(boxes, rng.dirichlet([1, 1, 1, 1], len(boxes)))


def test_what_is_in_a_box_is_the_likeliest_of_white_red_and_platelet():
    given = Found(
        np.zeros((3, 4), np.float32),
        np.array([[0.3, 0.3, 0.5, 0], [0.2, 0.2, 0.5, 0], [0, 0.1, 0.2, 0.6]]),
    )
    assert given.is_white.tolist() == [True, False, False]
    assert given.best.tolist() == pytest.approx([0.6, 0.5, 0.6])
    assert given.red.tolist() == [0.5, 0.5, 0.2]


def test_a_cell_is_counted_once_whatever_its_classes():
    result = suppress(
        found((0, 0, 10, 10, RBC, 0.6), (1, 0, 11, 10, WBC, 0.9), (30, 0, 40, 10, WBC, 0.5)), 0.5
    )
    assert result.best.tolist() == [0.9, 0.5]


def test_a_box_keeps_the_probabilities_of_all_classes():
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 9]], np.float32)
    both = np.array([[0.45, 0.4, 0.1, 0.05], [0.05, 0.6, 0.2, 0.1]])
    result = suppress(Found(boxes, both), 0.5)
    np.testing.assert_array_equal(result.probabilities, both[:1])


def test_touching_cells_stay():
    result = suppress(found((0, 0, 10, 10, BLAST, 0.6), (8, 0, 18, 10, BLAST, 0.9)), 0.5)
    assert len(result.boxes) == 2


def test_a_part_of_a_white_cell_is_no_second_one():
    whole, part = (0, 0, 20, 20, WBC, 0.9), (1, 1, 10, 13, BLAST, 0.95)
    assert suppress(found(whole, part), 0.5).best.tolist() == [0.95]
    half_out = (-8, 5, 8, 12, WBC, 0.5)
    assert len(suppress(found(whole, half_out), 0.5).boxes) == 2


@pytest.mark.parametrize("large", [RBC, WBC])
def test_a_platelet_on_a_cell_stays(large):
    assert (
        len(suppress(found((0, 0, 20, 20, large, 0.9), (5, 5, 9, 9, PLATELET, 0.5)), 0.5).boxes)
        == 2
    )


def test_what_a_box_drove_out_drives_out_nothing():
    left, middle, right = (0, 0, 10, 10), (3, 0, 13, 10), (6, 0, 16, 10)
    result = suppress(found((*left, WBC, 0.9), (*middle, WBC, 0.8), (*right, WBC, 0.7)), 0.5)
    assert result.best.tolist() == [0.9, 0.7]


def test_nothing_is_left_of_nothing():
    assert suppress(found(), 0.5).boxes.shape == (0, 4)


def test_the_fast_way_keeps_what_the_slow_one_keeps():
    given = crowd(60, 8)
    result = suppress(given, 0.5)
    np.testing.assert_array_equal(result.boxes, given.boxes[pair_by_pair(given, 0.5)])
    assert 60 <= len(result.boxes) < 240


def test_three_thousand_boxes_take_no_second():
    given = crowd(600, 5)
    start = time.process_time()
    suppress(given, 0.5)
    assert time.process_time() - start < 1


def test_iou_and_inside_by_hand():
    box = np.array([0, 0, 10, 10], np.float32)
    others = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30], [0, 0, 5, 5]], np.float32)
    np.testing.assert_allclose(iou(box, others), [1, 1 / 3, 0, 0.25])
    np.testing.assert_allclose(contained_shares(box, others), [1, 0.5, 0, 1])
