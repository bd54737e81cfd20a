from dataclasses import replace

import cv2
import numpy as np
import pytest

from tests.training.drawn import PLASMA, draw_field
from training.synthesis.backgrounds import Backgrounds, Box, _add, _has_arrow, erased, visible
from training.synthesis.elements import ALL_ELEMENTS


def test_boxes_are_clipped_and_slivers_dropped():
    inside, half, sliver = Box("rbc", 2, 2, 8, 8), Box("rbc", -4, 0, 6, 8), Box("rbc", 9, 0, 19, 8)
    kept = visible([inside, half, sliver], 10, 10)
    assert kept == [inside, Box("rbc", 0, 0, 6, 8)]


@pytest.fixture(scope="module")
def backgrounds(drawn_sets, tmp_path_factory):
    return Backgrounds(drawn_sets, tmp_path_factory.mktemp("cache"), "train")


@pytest.fixture(scope="module")
def pieces(backgrounds):
    return [backgrounds.draw(np.random.default_rng(seed), 256, ALL_ELEMENTS) for seed in range(25)]


def test_pieces_are_square_and_of_many_scales(pieces):
    assert {piece.density.shape for piece in pieces} == {(256, 256, 3)}
    scales = [piece.red_cell for piece in pieces]
    assert min(scales) < 24
    assert max(scales) > 50


def test_without_a_range_of_scales_there_is_one(backgrounds):
    one = ALL_ELEMENTS.without(["scale_range"])
    scales = {backgrounds.draw(np.random.default_rng(n), 256, one).red_cell for n in range(5)}
    assert scales == {40}


def test_boxes_lie_on_the_cells(pieces):
    on_cell = []
    for piece in pieces:
        for box in piece.boxes:
            middle = int((box.y1 + box.y2) / 2), int((box.x1 + box.x2) / 2)
            on_cell.append(piece.density[middle][1] > 0.15)
    assert len(on_cell) > 100
    assert np.mean(on_cell) > 0.95


def test_most_of_a_piece_is_even_plasma_of_its_fields_colour(pieces):
    for piece in pieces:
        assert abs(np.median(piece.density)) < 0.05
        assert piece.plasma / piece.plasma[1] == pytest.approx(np.array(PLASMA) / PLASMA[1], 0.05)


def test_white_cells_come_with_the_fields_that_have_them(pieces):
    labels = {box.label for piece in pieces for box in piece.boxes}
    assert labels == {"wbc", "rbc"}


def test_overlapping_red_cells_add_up_and_white_cells_hide_them():
    density = np.zeros((4, 4, 3), np.float32)
    for depth in (0.2, 0.2):
        _add(density, np.full((4, 4, 3), depth, np.float32), 0, 0)
    assert density == pytest.approx(0.4)
    _add(density, np.full((2, 2, 3), 1.5, np.float32), -1, -1)
    assert density[0, 0] == pytest.approx(1.5)
    assert density[1, 1] == pytest.approx(0.4)


def test_what_is_erased_is_plasma():
    density = erased(np.full((60, 60, 3), 0.5, np.float32), [Box("rbc", 20, 20, 40, 40)])
    assert density[30, 30].max() < 0.01
    assert density[5, 5].min() == pytest.approx(0.5)


def test_a_field_with_an_arrow_drawn_into_it_is_known(tmp_path):
    field = draw_field(160, 120, 30, white_cell=False)
    cv2.imwrite(str(tmp_path / "plain.png"), field)
    cv2.line(field, (50, 50), (80, 60), (0, 240, 250), 5)
    cv2.imwrite(str(tmp_path / "arrow.png"), field)
    assert not _has_arrow(tmp_path / "plain.png")
    assert _has_arrow(tmp_path / "arrow.png")


def test_a_box_moves_and_is_cut(pieces):
    box = replace(Box("rbc", 1, 2, 5, 6), source_file="f")
    assert box.moved(2, -1) == Box("rbc", 3, 1, 7, 5, "f")
    assert box.clipped(4, 4).area == 3 * 2
