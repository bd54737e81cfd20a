"""Colour transfer of cell images."""

from __future__ import annotations

import cv2
import numpy as np

from training.studies.reinhard import Reinhard


def cell(colour: tuple[int, int, int]) -> np.ndarray:
    """Draw a BGR cell of two shades on black."""
    image = np.zeros((40, 40, 3), np.uint8)
    cv2.circle(image, (20, 20), 15, colour, -1)
    cv2.circle(image, (20, 20), 7, tuple(value // 2 for value in colour), -1)
    return image


def test_a_cell_takes_the_colours_of_the_reference():
    reference, other = cell((180, 80, 140)), cell((120, 140, 120))
    changed = Reinhard.learn([reference])(other)
    inside = reference.any(axis=2)
    before = np.abs(reference[inside].mean(axis=0) - other[inside].mean(axis=0)).max()
    after = np.abs(reference[inside].mean(axis=0) - changed[inside].mean(axis=0)).max()
    assert before > 30
    assert after < before / 6


def test_its_own_colours_leave_a_cell_as_it_is():
    image = cell((180, 80, 140))
    difference = np.abs(Reinhard.learn([image])(image).astype(int) - image)
    assert difference.max() <= 2


def test_the_black_around_a_cell_stays_black():
    changed = Reinhard.learn([cell((180, 80, 140))])(cell((120, 140, 120)))
    assert not changed[0].any()


def test_a_black_image_is_left_alone():
    black = np.zeros((8, 8, 3), np.uint8)
    assert not Reinhard.learn([cell((180, 80, 140))])(black).any()


def test_one_colour_everywhere_is_no_division_by_zero():
    flat = np.full((8, 8, 3), 120, np.uint8)
    assert np.isfinite(Reinhard.learn([cell((180, 80, 140))])(flat).astype(float)).all()
