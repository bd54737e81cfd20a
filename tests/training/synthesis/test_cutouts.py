import cv2
import numpy as np
import pytest

from tests.training.drawn import draw_cell_on_black, draw_field
from training.data import read_cnmc, read_pbc
from training.synthesis.cutouts import CNMC_RED_CELL, cut_all, cut_from_black, cut_from_box


def test_the_rim_and_the_tail_are_left_out():
    mask = cut_from_black(draw_cell_on_black(48))
    radius = np.sqrt(mask.sum() / np.pi)
    assert 40 < radius < 45
    assert not mask[110:].any()


def test_nothing_on_black_gives_an_empty_mask():
    assert not cut_from_black(np.zeros((80, 80, 3), np.uint8)).any()


def test_the_boxed_cell_is_cut_with_its_cytoplasm():
    field = draw_field(180, 180, 40, white_cell=True)
    mask = cut_from_box(field, (58, 58, 122, 122))
    disc = cv2.circle(np.zeros((180, 180), np.uint8), (90, 90), 32, 1, -1).astype(bool)
    overlap = (mask & disc).sum() / (mask | disc).sum()
    assert overlap > 0.85


def test_every_cell_is_cut_once(drawn_sets, tmp_path):
    first = cut_all(drawn_sets, tmp_path)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.png")}
    assert cut_all(drawn_sets, tmp_path) == first
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.png")} == times
    assert len(first) == len(read_cnmc(drawn_sets)) + len(read_pbc(drawn_sets))


def test_a_cutout_keeps_its_origin_and_has_transparent_corners(drawn_sets, tmp_path):
    cell = next(cell for cell in cut_all(drawn_sets, tmp_path) if cell.subject == "H22")
    assert (cell.kind, cell.split, cell.red_cell) == ("hem", "test", CNMC_RED_CELL)
    assert cell.source_file == "UID_H22_hem.png"
    rgba = cv2.imread(str(cell.path), cv2.IMREAD_UNCHANGED)
    assert rgba[0, 0, 3] == 0
    assert rgba[rgba.shape[0] // 2, rgba.shape[1] // 2, 3] == 255


def test_real_cells_are_cut_to_plausible_sizes(shared_data):
    masks = [cut_from_black(cv2.imread(str(cell.path))) for cell in read_cnmc(shared_data)[:300:30]]
    diameters = [2 * np.sqrt(mask.sum() / np.pi) / CNMC_RED_CELL for mask in masks]
    assert min(diameters) > 0.9
    assert np.median(diameters) == pytest.approx(1.4, abs=0.35)
