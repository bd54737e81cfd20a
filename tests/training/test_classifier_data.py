from __future__ import annotations

import csv

import cv2
import numpy as np
import pytest

from models.cells import Window
from tests.training.drawn import draw_cell_on_black, draw_field, draw_sets
from training.augmentation import Augmentation
from training.classifier_data import (
    CANVAS,
    CellSource,
    _groups,
    black_sources,
    crop_sources,
    evaluation_crops,
    make_pool,
    on_black,
    training_batch,
    upright_crop,
)
from training.data import DataError

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
    return draw_sets(folder / "data"), draw_composites(folder / "composites"), folder / "cutouts"


def test_crops_of_other_splits_subjects_and_specks_are_left_out(places):
    sources = crop_sources(places[1] / "train", ("train",))
    assert [(s.kind, s.subject, s.blast) for s in sources] == [
        ("all", "34", 1),
        ("hem", "H10", 0),
        ("txl", "", 0),
    ]
    assert sources[0].window == Window(40, 40, 40)


def test_missing_composites_are_named_with_the_command(tmp_path):
    with pytest.raises(DataError, match="training composites"):
        crop_sources(tmp_path, ("train",))


def test_black_cells_are_those_of_the_split(places):
    data, _, cutouts = places
    sources = black_sources(data, cutouts, ("train",))
    assert {s.subject for s in sources if s.subject} == {"34", "H10"}
    assert {s.kind for s in sources if not s.subject} == {"lymphocyte", "monocyte"}
    assert all(s.blast == (s.kind == "all") for s in sources)


def test_kinds_get_their_stated_shares_and_subjects_the_root_of_their_size():
    def cells(kind, subject, count):
        return [CellSource(None, None, 0, kind, subject)] * count

    groups = _groups(cells("hem", "A", 4) + cells("hem", "B", 1) + cells("lymphocyte", "", 9))
    weights = [group.weight for group in groups]
    # hem 0.35 and lymphocyte 0.15 of what is there: 0.7 and 0.3; within hem 2 to 1
    np.testing.assert_allclose(weights, [0.7 * 2 / 3, 0.7 / 3, 0.3])


def test_a_batch_is_half_blasts_in_the_networks_range(places):
    pool = make_pool(*places, ("train",))
    images, classes = training_batch(pool, 16, 24, np.random.default_rng(0), Augmentation())
    assert images.shape == (16, 24, 24, 3)
    assert images.dtype == np.float32
    assert (images.min(), images.max()) == (0, 1)
    assert classes.sum() == 8


def test_a_batch_depends_on_its_seed_alone(places):
    pool = make_pool(*places, ("train",))
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


def test_crops_are_clipped_at_the_edge():
    image = np.zeros((50, 60, 3), np.uint8)
    assert upright_crop(image, Window(30, 25, 20)).shape == (20, 20, 3)
    assert upright_crop(image, Window(5, 25, 20)).shape == (20, 15, 3)


def test_evaluation_crops_are_larger_than_the_box(places):
    crops = evaluation_crops(crop_sources(places[1] / "val", ("val",)))
    assert [crop.shape for crop in crops] == [(56, 56, 3), (56, 56, 3)]


def test_unreadable_files_are_named(tmp_path):
    (tmp_path / "cell.png").write_text("no image")
    with pytest.raises(DataError, match=r"cell\.png cannot be read"):
        on_black(tmp_path / "cell.png")
