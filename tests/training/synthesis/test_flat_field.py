import cv2
import numpy as np
import pytest

from tests.training.drawn import PLASMA, RED_CELL, draw_field, red_cell_centres
from training.data import FieldBox
from training.synthesis.flat_field import Field, correct_flat_field, density_of

WIDTH, HEIGHT, RED = 320, 240, 40


@pytest.fixture
def field(tmp_path):
    """Draw a field lit from one side, with a red cell cut by its left edge."""

    def make(scale_bar=False):
        bgr = draw_field(WIDTH, HEIGHT, RED, white_cell=False)
        cv2.circle(bgr, (2, 100), RED // 2, RED_CELL, -1)
        if scale_bar:
            cv2.line(bgr, (250, 215), (290, 215), (0, 0, 0), 1)
        light = np.linspace(0.8, 1.1, WIDTH)[None, :, None]
        path = tmp_path / f"{scale_bar}.png"
        cv2.imwrite(str(path), np.clip(bgr * light, 0, 255).astype(np.uint8))
        centres = [*red_cell_centres(WIDTH, HEIGHT, RED), (2, 100)]
        boxes = tuple(_box(x, y) for x, y in centres)
        return Field(path, RED, boxes, scale_bar)

    return make


def _box(x, y):
    edges = max(x - 20, 0) / WIDTH, (y - 20) / HEIGHT, (x + 20) / WIDTH, (y + 20) / HEIGHT
    return FieldBox("rbc", *edges)


def test_plasma_has_no_density_on_either_side(field):
    density = density_of(correct_flat_field(field(), True).bgr)
    assert np.abs(density[5:20, 20:-20]).max() < 0.04


def test_red_cells_have_the_depth_that_they_were_drawn_with(field):
    depth = correct_flat_field(field(), True).depth
    assert depth == pytest.approx(np.log(np.array(PLASMA) / RED_CELL), abs=0.05)


def test_the_colour_of_plasma_is_kept(field):
    plasma = correct_flat_field(field(), True).plasma
    assert plasma / plasma[0] == pytest.approx(np.array(PLASMA) / PLASMA[0], rel=0.02)


def test_cells_cut_by_the_edge_are_taken_away_and_others_stay(field):
    whole, all_cells = correct_flat_field(field(), True), correct_flat_field(field(), False)
    assert len(whole.boxes) == len(all_cells.boxes) - 1
    assert density_of(all_cells.bgr)[100, 6, 1] > 0.2
    assert density_of(whole.bgr)[100, 6, 1] < 0.05
    x, y = red_cell_centres(WIDTH, HEIGHT, RED)[0]
    assert density_of(whole.bgr)[y, x, 1] > 0.2


def test_a_scale_bar_is_filled_in(field):
    line = density_of(correct_flat_field(field(True), True).bgr)[215, 252:288, 1]
    assert line.max() < density_of(correct_flat_field(field(False), True).bgr)[..., 1].max() + 0.1
