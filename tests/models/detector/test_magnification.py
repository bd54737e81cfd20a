from __future__ import annotations

import numpy as np
import pytest

from models.detector.boxes import Found
from models.detector.magnification import (
    Contents,
    TrainedRange,
    median_diameter,
    red_cell_diameters,
)

RANGE = TrainedRange(10, 90)


@pytest.mark.parametrize(
    ("diameter", "factor"),
    [(10, 1), (40, 1), (90, 1), (8, 2.5), (100, 0.45), (450, 0.1)],
)
def test_cells_outside_the_range_are_brought_well_inside(diameter, factor):
    assert RANGE.factor(diameter) == pytest.approx(factor)


def test_confident_red_cells_clear_of_the_edges_are_measured():
    boxes = np.array(
        [[10, 10, 30, 30], [40, 10, 80, 20], [0, 50, 20, 70], [60, 60, 99, 80], [10, 50, 40, 80]],
        np.float32,
    )
    probabilities = np.zeros((5, 4))
    probabilities[:, 2] = (0.9, 0.6, 0.9, 0.9, 0.4)
    diameters = red_cell_diameters(Found(boxes, probabilities), 100, 100)
    assert diameters.tolist() == [20, 20]


def test_a_median_needs_five():
    assert median_diameter(np.array([20, 21, 22, 90], np.float32)) is None
    assert median_diameter(np.array([20, 21, 22, 90, 19], np.float32)) == 21


def test_grain_and_uneven_light_are_no_contents():
    random = np.random.default_rng(0)
    light = np.linspace(180, 240, 1600)[None, :, None]
    field = (light + random.normal(0, 6, (1200, 1600, 3))).clip(0, 255).astype(np.uint8)
    assert not Contents.of(field).present.any()


@pytest.mark.parametrize(("y", "x"), [(100, 100), (600, 800), (1100, 1500)])
def test_the_fullest_part_is_where_cells_are(y, x):
    field = np.full((1200, 1600, 3), 225, np.uint8)
    field[y - 40 : y + 40, x - 40 : x + 40] = (200, 120, 130)
    field[300:306, 1000:1006] = 0
    found_y, found_x = Contents.of(field).fullest(200, 250)
    assert abs(found_y - y) <= 100
    assert abs(found_x - x) <= 125
