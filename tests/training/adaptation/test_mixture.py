from __future__ import annotations

import numpy as np
import pytest

from models.classifier.cell_views import View
from tests.training.adaptation.conftest import own_cell
from training.adaptation.mixture import (
    HELD_OUT,
    TRAINED,
    MixedSampler,
    divide,
    source_of,
    with_laboratory,
)
from training.data import DataError


@pytest.mark.parametrize("seed", range(5))
def test_a_patient_is_never_on_both_sides_and_both_have_both_classes(own_cells, seed):
    folds = divide(own_cells, seed)
    groups = np.array([cell.group for cell in own_cells])
    held_out, trained = (set(groups[folds == fold]) for fold in (HELD_OUT, TRAINED))
    assert not held_out & trained
    assert (len(held_out), len(trained)) == (2, 4)


def test_another_seed_holds_out_others(own_cells):
    drawn = {tuple(divide(own_cells, seed)) for seed in range(8)}
    assert len(drawn) > 1
    np.testing.assert_array_equal(divide(own_cells, 1), divide(own_cells, 1))


@pytest.mark.parametrize(
    "kept",
    [
        lambda cell: cell.blast != 1,
        lambda cell: cell.group < "patient:3",
        lambda cell: cell.blast != 0 or cell.group == "patient:0",
    ],
    ids=["no blasts", "three patients", "others of one patient"],
)
def test_too_few_are_refused(own_cells, kept):
    with pytest.raises(DataError, match="too few"):
        divide([cell for cell in own_cells if kept(cell)], 1)


def test_a_view_with_too_few_cells_is_named(own_cells):
    more = [*own_cells, own_cell("blast", "patient:9", View.SEGMENTED)]
    with pytest.raises(DataError, match=r"on black 1 \(of 1\) blasts and 0 \(of 0\) others"):
        divide(more, 1)


@pytest.fixture
def joined(pack, own_cells):
    return with_laboratory(pack, own_cells, divide(own_cells, 1))


def test_the_laboratorys_cells_follow_the_open_ones(pack, joined, own_cells):
    assert len(joined) == len(pack) + len(own_cells)
    np.testing.assert_array_equal(joined.image(3), pack.image(3))
    first = len(pack)
    assert joined.source[first] == source_of(View.CONTEXT)
    assert joined.image(first).shape == (192, 192, 3)
    assert joined.rgb([first, first + 1]).shape == (2, 160, 160, 3)
    np.testing.assert_array_equal(joined.mask(2), pack.mask(2))


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_a_batch_has_the_declared_share_of_the_laboratorys_cells(pack, joined, share):
    batch = MixedSampler(joined, share, seed=1).batch(0, 16)
    own = batch.rows >= len(pack)
    assert own.sum() == 16 * share
    assert batch.pictures.shape == (16, 160, 160, 3)
    assert not batch.smudged[own].any()


def test_held_out_cells_are_never_drawn_and_all_classes_are(joined, pack):
    sampler = MixedSampler(joined, 0.5, seed=1)
    rows = np.concatenate([sampler.batch(step, 16).rows for step in range(12)])
    assert (joined.fold[rows] != HELD_OUT).all()
    assert set(joined.blast[rows[rows >= len(pack)]]) == {1, 0, -1}


def test_a_batch_depends_on_seed_and_step_alone(joined):
    first, again = (MixedSampler(joined, 0.5, seed=1).batch(2, 8) for _ in range(2))
    np.testing.assert_array_equal(first.pictures, again.pictures)
    other = MixedSampler(joined, 0.5, seed=2).batch(2, 8)
    assert not np.array_equal(first.rows, other.rows)
