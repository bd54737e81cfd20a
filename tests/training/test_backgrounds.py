import numpy as np
import pytest

from tests.training.drawn import PLASMA
from training.backgrounds import Backgrounds, Box, visible


def test_boxes_are_clipped_and_slivers_dropped():
    inside, half, sliver = Box("rbc", 2, 2, 8, 8), Box("rbc", -4, 0, 6, 8), Box("rbc", 9, 0, 19, 8)
    kept = visible([inside, half, sliver], 10, 10)
    assert kept == [inside, Box("rbc", 0, 0, 6, 8)]


@pytest.fixture(scope="module")
def pieces(drawn_sets, tmp_path_factory):
    backgrounds = Backgrounds(drawn_sets, tmp_path_factory.mktemp("cache"), "train")
    return [backgrounds.draw(np.random.default_rng(seed), 256) for seed in range(25)]


def test_pieces_are_square_and_of_many_scales(pieces):
    assert {piece.bgr.shape for piece in pieces} == {(256, 256, 3)}
    scales = [piece.red_cell for piece in pieces]
    assert min(scales) < 20
    assert max(scales) > 50


def test_boxes_lie_on_the_cells(pieces):
    ground = np.array(PLASMA).sum()
    on_cell = []
    for piece in pieces:
        for box in piece.boxes:
            pixel = piece.bgr[int((box.y1 + box.y2) / 2), int((box.x1 + box.x2) / 2)]
            on_cell.append(int(pixel.sum()) < ground - 60)
    assert np.mean(on_cell) > 0.95


def test_white_cells_come_with_the_fields_that_have_them(pieces):
    labels = {box.label for piece in pieces for box in piece.boxes}
    assert labels == {"wbc", "rbc"}
