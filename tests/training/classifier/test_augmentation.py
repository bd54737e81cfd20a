from __future__ import annotations

import cv2
import numpy as np
import pytest

from models.classifier.cell_views import Window
from tests.training.drawn import draw_cell_on_black
from training.classifier.augmentation import (
    Augmentation,
    random_view,
    restain_on_black,
    vary,
)
from training.commands import parse

NONE = Augmentation(rotate=0, flip=0, shear=0, zoom=0, restain=0, vary=0, grey=0, compress=0)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def image() -> np.ndarray:
    """Four colours in four quarters, 80 x 80."""
    quarters = np.array([[[250, 0, 0], [0, 250, 0]], [[0, 0, 250], [99, 99, 99]]], np.uint8)
    return cv2.resize(quarters, (80, 80), interpolation=cv2.INTER_NEAREST)


def test_all_off_is_a_plain_cut(image, rng):
    view = random_view(image, Window(39.5, 39.5, 40), 40, rng, NONE)
    np.testing.assert_array_equal(view, image[20:60, 20:60])


def test_shrinking_keeps_the_places(image, rng):
    view = random_view(image, Window(40, 40, 80), 10, rng, NONE)
    assert view.shape == (10, 10, 3)
    assert np.abs(view[1, 1].astype(int) - image[8, 8]).max() < 3
    assert np.abs(view[8, 8].astype(int) - image[72, 72]).max() < 3


def test_rotation_by_a_half_turn_swaps_the_quarters(image):
    class HalfTurn:
        def uniform(self, low, high, size=None):
            return high

        def random(self, size=None):
            return np.ones(2)

    strength = Augmentation(rotate=180, flip=0, shear=0, zoom=0)
    view = random_view(image, Window(39.5, 39.5, 80), 80, HalfTurn(), strength)
    assert np.abs(view[10, 10].astype(int) - image[70, 70]).max() < 3


def test_always_flipping_both_ways_is_a_half_turn(image, rng):
    strength = Augmentation(rotate=0, flip=1, shear=0, zoom=0)
    view = random_view(image, Window(39.5, 39.5, 80), 80, rng, strength)
    assert np.abs(view[10, 10].astype(int) - image[70, 70]).max() < 3


def test_outside_is_black_if_asked(image, rng):
    view = random_view(image, Window(0, 0, 40), 40, rng, NONE, cv2.BORDER_CONSTANT)
    assert view[:15, :15].max() == 0
    assert view[25:, 25:].max() == 250


def test_restaining_changes_the_cell_and_leaves_the_black(rng):
    cell = draw_cell_on_black(40)
    stained = restain_on_black(cell, rng, 1.0)
    inside = cell.max(axis=2) > 12
    assert np.abs(stained[inside].astype(int) - cell[inside]).mean() > 5
    assert stained[~inside].max() == 0


def test_restaining_can_be_switched_off_and_survives_an_empty_image(rng):
    cell = draw_cell_on_black(40)
    assert restain_on_black(cell, rng, 0) is cell
    empty = np.zeros((20, 20, 3), np.uint8)
    assert restain_on_black(empty, rng, 1.0).max() == 0


def test_varying_keeps_shape_and_type_and_can_be_switched_off(image, rng):
    varied = vary(image, rng, Augmentation(vary=1, compress=1))
    assert (varied.shape, varied.dtype) == (image.shape, np.uint8)
    assert not np.array_equal(varied, image)
    assert vary(image, rng, NONE) is image


def test_every_strength_is_an_option():
    assert parse(Augmentation, []) == Augmentation()
    options = [word for name in vars(NONE) for word in (f"--{name}", "0")]
    assert parse(Augmentation, options) == NONE
