from __future__ import annotations

import csv

import cv2
import numpy as np
import pytest

from models.classifier.cell_views import Window
from tests.training.drawn import draw_cell_on_black, draw_field, draw_sets
from training.classifier import data
from training.classifier.augmentation import Augmentation
from training.classifier.data import (
    CANVAS,
    CellSource,
    Places,
    _groups,
    classifier_view,
    crop_sources,
    fold_crops,
    held_out_sources,
    make_pool,
    on_black,
    pool_on_black,
    stored_sources,
    training_batch,
)
from training.data import DataError

NONE = Augmentation(rotate=0, flip=0, shear=0, zoom=0, restain=0, vary=0, grey=0, compress=0)
ROWS = (
    # x1, y1, x2, y2, label, kind, subject
    (20, 20, 60, 60, "blast", "all", "34"),
    (70, 20, 110, 60, "blast", "all", "44"),
    (20, 70, 60, 110, "wbc", "hem", "H10"),
    (70, 70, 110, 110, "wbc", "txl", ""),
    (10, 10, 15, 15, "wbc", "txl", ""),
)


def draw_composites(folder):
    """One image with five cells, for every split."""
    for split in ("train", "val", "test"):
        (folder / split / "images").mkdir(parents=True)
        field = draw_field(128, 128, 20, white_cell=True)
        cv2.imwrite(str(folder / split / "images" / "000000.jpg"), field)
        with (folder / split / "cells.csv").open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(("image", "x1", "y1", "x2", "y2", "label", "kind", "subject"))
            writer.writerows(("000000.jpg", *row) for row in ROWS)
    return folder


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    folder = tmp_path_factory.mktemp("places")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "_FOLD_COMPOSITES", 8)
        yield Places(
            draw_sets(folder / "data"),
            draw_composites(folder / "composites"),
            folder / "cutouts",
            folder / "folds",
        )


def test_crops_are_read_but_for_specks(places):
    sources = crop_sources(places.composites / "train")
    assert [(s.kind, s.subject, s.blast) for s in sources] == [
        ("all", "34", 1),
        ("all", "44", 1),
        ("hem", "H10", 0),
        ("txl", "", 0),
    ]
    assert sources[0].window == Window(40, 40, 60)


def test_a_folds_pool_holds_no_held_out_subject(places):
    pool = make_pool(places, "H14")
    groups = [group for view in (pool.crops, pool.on_black) for side in view for group in side]
    subjects = {cell.subject for group in groups for cell in group.cells}
    assert {"34", "33", "H10", "H22", ""} >= subjects >= {"34", "33", "H10", ""}
    of_view = {cell.subject for side in pool.on_black for group in side for cell in group.cells}
    assert of_view == {"34", "33", "H10", "H22", ""}


def test_held_out_cells_are_of_the_fold_or_of_the_test_split(places):
    found = held_out_sources(places, "H14")
    assert {source.subject for source in found["black"]} == {"44", "H14"}
    assert {source.subject for source in found["crop"]} == {"44", ""}
    trained = {cell for side in make_pool(places, "H14").crops for g in side for cell in g.cells}
    assert not trained & set(found["crop"])


def test_crops_made_for_the_folds_are_of_the_test_splits_cells(places):
    assert {source.subject for source in fold_crops(places)} <= {"33", "H22", ""}


def test_missing_composites_are_named_with_the_command(tmp_path):
    with pytest.raises(DataError, match="training composites"):
        crop_sources(tmp_path)


def test_stored_cells_are_of_all_subjects(places):
    sources = stored_sources(places.data)
    assert {s.subject for s in sources} == {"34", "44", "33", "H10", "H14", "H22"}
    assert all(s.blast == (s.kind == "all") for s in sources)


def test_a_pool_on_black_draws_nothing_else(places):
    pool = pool_on_black(stored_sources(places.data))
    images, _ = training_batch(pool, 8, 24, np.random.default_rng(0), NONE)
    assert images[:, 0, 0].max() < 0.1


def test_kinds_get_their_stated_shares_and_subjects_the_root_of_their_size():
    def cells(kind, subject, count):
        return [CellSource(None, None, 0, kind, subject)] * count

    there = cells("hem", "A", 4) + cells("hem", "B", 1) + cells("lymphocyte", "", 9)
    groups = _groups(there, {"hem": 0.35, "lymphocyte": 0.15, "txl": 0.2})
    weights = [group.weight for group in groups]
    # hem 0.35 and lymphocyte 0.15 of what is there: 0.7 and 0.3; within hem 2 to 1
    np.testing.assert_allclose(weights, [0.7 * 2 / 3, 0.7 / 3, 0.3])


def test_a_batch_is_half_blasts_in_the_networks_range(places):
    pool = make_pool(places, "H22")
    images, classes = training_batch(pool, 16, 24, np.random.default_rng(0), Augmentation())
    assert images.shape == (16, 24, 24, 3)
    assert images.dtype == np.float32
    assert (images.min(), images.max()) == (0, 1)
    assert classes.sum() == 8


def test_a_batch_depends_on_its_seed_alone(places):
    pool = make_pool(places, "H22")
    first, again, other = (
        training_batch(pool, 4, 24, np.random.default_rng(seed), Augmentation())[0]
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_cut_out_cells_are_put_on_a_black_canvas_at_scale(tmp_path):
    cell = draw_cell_on_black(30, side=80)
    alpha = (cell.max(axis=2, keepdims=True) > 0).astype(np.uint8) * 255
    cv2.imwrite(str(tmp_path / "cell.png"), np.dstack((cell, alpha)))
    canvas = on_black(tmp_path / "cell.png")
    assert canvas.shape == (CANVAS, CANVAS, 3)
    width = np.ptp(np.flatnonzero(canvas.max(axis=(0, 2)) > 30)) + 1
    assert width == pytest.approx(60 * 118 / 82, abs=5)


def test_a_crop_is_shown_as_the_square_that_is_served(places):
    crop = crop_sources(places.composites / "train")[0]
    assert classifier_view(crop).shape == (60, 60, 3)


def test_a_cell_on_black_is_shown_at_its_own_scale(places):
    stored = next(s for s in stored_sources(places.data) if s.subject == "H10")
    square = classifier_view(stored)
    assert square.shape[0] == square.shape[1] >= 80
    assert not square[0, 0].any()


def test_unreadable_files_are_named(tmp_path):
    (tmp_path / "cell.png").write_text("no image")
    with pytest.raises(DataError, match=r"cell\.png cannot be read"):
        on_black(tmp_path / "cell.png")
