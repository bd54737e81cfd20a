import cv2
import numpy as np
import pytest

from tests.training.drawn import draw_field
from training.cells.segment import box_of, central_cell
from training.data import read_pbc


def overlap(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    both = max(width, 0) * max(height, 0)
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def test_a_cell_is_found_without_a_box():
    rng = np.random.default_rng(0)
    field = draw_field(256, 256, 50, True)
    noisy = np.clip(field + rng.normal(0, 5, field.shape), 0, 255).astype(np.uint8)
    assert overlap(box_of(central_cell(noisy)), (88, 88, 168, 168)) > 0.6


@pytest.mark.parametrize("level", [0, 120, 255])
def test_a_picture_of_nothing_has_no_cell(level):
    assert not central_cell(np.full((200, 200, 3), level, np.uint8)).any()


def test_red_cells_alone_are_no_cell():
    field = draw_field(256, 256, 50, False)
    assert central_cell(field).mean() < 0.2


def test_real_cells_are_found_where_people_boxed_them(shared_data):
    tiles = read_pbc(shared_data)[::60]
    found = []
    for tile in tiles:
        mask = central_cell(cv2.imread(str(tile.path)))
        found.append(overlap(box_of(mask), tile.box) if mask.any() else 0.0)
    assert np.median(found) > 0.8
    assert np.percentile(found, 10) > 0.6
