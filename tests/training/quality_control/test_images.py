from pathlib import Path

import cv2
import numpy as np
import pytest

from models.classifier.cell_views import Window
from training.quality_control.images import (
    BLURRED,
    CELL,
    CUT_OFF,
    NO_CELL,
    SEVERAL,
    WhiteCell,
    crop,
    crops,
    evenly,
    image_sets,
    lone_cells,
)


@pytest.fixture(scope="module")
def sets(drawn_sets, tmp_path_factory):
    folder = tmp_path_factory.mktemp("composites")
    (folder / "images").mkdir()
    rng = np.random.default_rng(0)
    cv2.imwrite(str(folder / "images" / "a.png"), rng.integers(0, 256, (90, 200, 3), np.uint8))
    rows = ["image,x1,y1,x2,y2", "a.png,20,20,60,60", "a.png,120,30,150,70", "a.png,90,80,99,89"]
    (folder / "cells.csv").write_text("\n".join(rows) + "\n")
    return {each.title: each for each in image_sets(drawn_sets, folder, 3)}


def test_every_kind_of_answer_is_asked_for(sets):
    assert {each.expected for each in sets.values()} == {CELL, NO_CELL, SEVERAL, BLURRED, CUT_OFF}
    for each in sets.values():
        rgb = next(each.images(), None)
        assert rgb is None or (rgb.dtype == np.uint8 and rgb.shape[2] == 3), each.title


def test_every_run_asks_about_the_same_images(sets):
    for title in ("Drawings", "Text", "Noise", "Parts of these photographs"):
        first, second = (next(sets[title].images()) for _ in range(2))
        np.testing.assert_array_equal(first, second)


def test_at_most_the_limit_is_asked_about(sets):
    assert sum(1 for _ in sets["PBC tiles, whole"].images()) <= 3
    assert evenly(range(10), 3) == [0, 4, 8]
    assert evenly(range(2), 3) == [0, 1]


def test_specks_of_composites_are_left_out_and_fields_of_several_found(sets):
    shapes = [rgb.shape[:2] for rgb in sets["Crops of composites, 1.5 times the box"].images()]
    assert shapes == [(60, 60), (60, 60)]
    assert sum(1 for _ in sets["Composite fields"].images()) == 1


def test_photographs_have_colour(sets):
    photographs = list(sets["Colour photographs of scikit-image and scikit-learn"].images())
    assert len(photographs) > 10
    assert all(np.ptp(rgb, axis=2).mean() > 3 for rgb in photographs)


def test_halves_begin_at_the_middle_of_the_cell(sets):
    whole = next(sets["Crops of PBC tiles, 1.5 times the box"].images())
    half = next(sets["Crops of PBC tiles, cut through the middle"].images())
    np.testing.assert_array_equal(half, whole[:, whole.shape[1] // 2 :])


def test_defocused_cells_have_lost_their_details(sets):
    sharp = next(sets["Crops of PBC tiles, 1.5 times the box"].images()).astype(float)
    soft = next(sets["Crops of PBC tiles, defocused"].images()).astype(float)
    assert np.abs(np.diff(soft, axis=0)).max() < 0.5 * np.abs(np.diff(sharp, axis=0)).max()


def test_a_crop_ends_at_the_edge_of_the_image():
    rgb = np.zeros((50, 60, 3), np.uint8)
    assert crop(rgb, Window(30, 25, 20)).shape == (20, 20, 3)
    assert crop(rgb, Window(5, 25, 20)).shape == (20, 15, 3)


def test_cells_with_neighbours_are_left_out_where_the_crop_shows_both():
    near, far = WhiteCell(Path("a"), Window(50, 50, 20)), WhiteCell(Path("a"), Window(65, 50, 20))
    assert lone_cells([near, far], 1.2) == [near, far]
    assert lone_cells([near, far], 2.0) == []
    assert lone_cells([near, WhiteCell(Path("b"), far.window)], 2.0) != []


def test_cells_that_the_edge_cuts_are_left_out(tmp_path):
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), np.zeros((50, 60, 3), np.uint8))
    cells = [WhiteCell(path, Window(30, 25, 20)), WhiteCell(path, Window(5, 25, 20))]
    assert [rgb.shape for rgb in crops(cells, 1.5)] == [(30, 30, 3)]
