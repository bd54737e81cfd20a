import numpy as np
import pytest

from core.geometry import (
    Box,
    areas,
    clipped,
    contained_shares,
    ends_at_edge,
    intersections,
    iou,
    pixels_in,
    square_around,
)

SQUARE = np.array([0, 0, 10, 10], np.float32)
OTHERS = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [2, 2, 7, 7], [20, 20, 30, 30]], np.float32)


def test_boxes_are_compared_pair_by_pair_and_one_against_all():
    assert areas(OTHERS).tolist() == [100, 100, 25, 100]
    assert intersections(SQUARE, OTHERS).tolist() == [100, 50, 25, 0]
    assert iou(SQUARE, OTHERS).tolist() == pytest.approx([1, 1 / 3, 0.25, 0])
    assert iou(OTHERS, OTHERS).tolist() == pytest.approx([1] * 4)
    assert contained_shares(SQUARE, OTHERS).tolist() == pytest.approx([1, 0.5, 1, 0])


def test_boxes_without_area_overlap_nothing():
    point = np.array([5, 5, 5, 5], np.float32)
    assert (float(iou(point, point)), float(contained_shares(point, SQUARE))) == (0, 0)


def test_a_box_is_cut_to_its_image():
    assert clipped((-5.0, 10.0, 95.0, 110.0), 90, 100) == (0, 10, 90, 100)
    assert clipped((1.0, 2.0, 3.0, 4.0), 90, 100) == (1, 2, 3, 4)


def test_the_square_around_a_box_keeps_its_centre():
    assert square_around((0.0, 4.0, 10.0, 8.0)) == (0, 1, 10, 11)
    assert square_around((0.0, 4.0, 10.0, 8.0), 2) == (-5, -4, 15, 16)
    assert square_around((3.0, 3.0, 3.0, 3.0), 2, least=1) == (2, 2, 4, 4)


def test_pixels_in_a_box_are_a_view_without_what_lies_outside():
    image = np.arange(60).reshape(6, 10)
    part = pixels_in(image, (-3.0, 1.4, 2.0, 3.0))
    assert part.tolist() == [[10, 11], [20, 21]]
    assert np.shares_memory(part, image)


@pytest.mark.parametrize(
    ("box", "at_edge"),
    [
        ((10.0, 10.0, 50.0, 50.0), False),
        ((2.0, 10.0, 50.0, 50.0), True),
        ((10.0, 3.0, 50.0, 50.0), True),
        ((960.0, 10.0, 998.0, 50.0), True),
        ((10.0, 760.0, 50.0, 800.0), True),
    ],
)
def test_a_box_ends_at_an_edge_a_few_pixels_short_of_it(box: Box, at_edge: bool):
    assert ends_at_edge(box, (0.0, 0.0, 1000.0, 800.0)) is at_edge


def test_the_larger_the_frame_the_more_pixels_a_box_may_end_short_of_it():
    assert ends_at_edge((8.0, 100.0, 200.0, 300.0), (0.0, 0.0, 4000.0, 3000.0))
    assert ends_at_edge((105.0, 150.0, 200.0, 190.0), (103.0, 100.0, 400.0, 400.0))
