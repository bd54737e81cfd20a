import cv2
import numpy as np

from training.synthesis.backgrounds import Box
from training.synthesis.composite_sheet import RED_CELL, TILE, save_sheet, tile
from training.synthesis.compositing import Compositor
from training.synthesis.cutouts import cut_all
from training.synthesis.elements import ALL_ELEMENTS

WHITE = Box("wbc", 180, 180, 240, 240)
REDS = [Box("rbc", x, 10, x + 24, 34) for x in (10, 40, 70)]


def test_tiles_show_the_white_cell_at_one_scale():
    field = np.full((400, 400, 3), 200, np.uint8)
    cv2.circle(field, (210, 210), 30, (90, 30, 60), -1)
    part = tile(field, [WHITE, *REDS])
    assert part.shape == (TILE, TILE, 3)
    dark = part[..., 1] < 115
    y, x = np.nonzero(dark)
    assert abs(x.mean() - TILE / 2) < 3
    assert abs(y.mean() - TILE / 2) < 3
    assert abs(x.max() - x.min() - 60 * RED_CELL / 24) < 4


def test_there_is_no_tile_without_white_cell_scale_or_room():
    field = np.full((400, 400, 3), 200, np.uint8)
    assert tile(field, REDS) is None
    assert tile(field, [WHITE, *REDS[:2]]) is None
    assert tile(field[:90, :90], [WHITE, *REDS]) is None


def test_a_sheet_has_both_halves(drawn_sets, tmp_path):
    cells = cut_all(drawn_sets, tmp_path / "cache")
    compositor = Compositor(drawn_sets, tmp_path / "cache", cells, "val", 1, ALL_ELEMENTS)
    save_sheet(compositor, drawn_sets, tmp_path / "docs" / "sheet.jpg")
    sheet = cv2.imread(str(tmp_path / "docs" / "sheet.jpg"))
    assert sheet.shape[1] > 6 * TILE
    assert sheet[:, : 3 * TILE].std() > 10
    assert sheet[:, -3 * TILE :].std() > 10
