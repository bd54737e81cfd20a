import tracemalloc

import numpy as np
import pytest

from models.classifier.cell_views import (
    VIEWS,
    Window,
    context_window,
    cut,
    on_black,
    segmented_window,
)


@pytest.fixture
def cell_on_black():
    image = np.zeros((450, 450, 3), np.uint8)
    image[180:280, 230:330] = (120, 60, 160)
    return image


@pytest.fixture
def raw_crop():
    image = np.full((90, 120, 3), 225, np.uint8)
    image[30:60, 40:80] = (90, 40, 140)
    return image


def test_a_cell_cut_out_on_black_is_told_from_a_raw_crop(cell_on_black, raw_crop):
    assert on_black(cell_on_black)
    assert not on_black(raw_crop)


def test_one_bright_corner_is_no_black_ground(cell_on_black):
    cell_on_black[:60, :60] = 200
    assert not on_black(cell_on_black)


def test_the_window_on_black_is_centred_on_the_cell_and_keeps_the_scale(cell_on_black):
    window = segmented_window(cell_on_black)
    assert (window.x, window.y) == pytest.approx((280, 230), abs=1)
    assert window.side == 300


def test_a_cell_larger_than_two_thirds_lies_whole_in_its_window():
    image = np.zeros((450, 450, 3), np.uint8)
    image[40:410, 60:400] = 150
    x1, y1, x2, y2 = segmented_window(image).box
    assert x1 < 60
    assert y1 < 40
    assert x2 > 400
    assert y2 > 410


def test_stray_pixels_do_not_move_the_window(cell_on_black):
    cell_on_black[2, 3] = 255
    assert segmented_window(cell_on_black).x == pytest.approx(280, abs=1)


def test_an_all_black_image_gives_its_middle():
    assert segmented_window(np.zeros((90, 60, 3), np.uint8)) == Window(30, 45, 40)


def test_a_crop_window_is_square_around_the_box():
    window = context_window((10, 20, 30, 60))
    assert (window.x, window.y) == (20, 40)
    assert window.side == pytest.approx(60)


@pytest.mark.parametrize("view", VIEWS)
def test_a_window_inside_the_image_is_cut_as_it_is(raw_crop, view):
    part = cut(raw_crop, Window(60, 45, 40), view)
    assert np.array_equal(part, raw_crop[25:65, 40:80])


def test_outside_of_the_image_is_black_or_mirrored(raw_crop):
    outer = Window(0, 0, 60)
    assert not cut(raw_crop, outer, "black")[:30, :30].any()
    mirrored = cut(raw_crop, outer, "crop")
    assert mirrored.shape == (60, 60, 3)
    assert np.array_equal(mirrored[:30, 30:], raw_crop[:30, :30][::-1])


def test_a_window_far_larger_than_the_image_is_filled(raw_crop):
    assert cut(raw_crop, Window(60, 45, 400), "crop").min() > 0


def test_a_cell_at_the_edge_of_a_huge_field_does_not_copy_the_field():
    field = np.full((3000, 3000, 3), 200, np.uint8)
    tracemalloc.start()
    window = cut(field, context_window((2960, 2960, 3000, 3000)), "crop")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert window.shape == (60, 60, 3)
    assert peak < field.nbytes / 100
