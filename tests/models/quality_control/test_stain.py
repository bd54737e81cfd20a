from __future__ import annotations

import numpy as np
import pytest

from imaging.images import RgbImage
from models.quality_control.checks import MAX_BLUE
from models.quality_control.eyepiece import Circle
from models.quality_control.stain import EDGE, Stained, StainedCell
from tests.models.quality_control.test_checks import LONE, on_brown
from tests.stand_ins import drawn_cell


def lone_cell(rgb: RgbImage) -> StainedCell:
    """The drawn cell in its square image."""
    return Stained.of(rgb).cell(tuple(edge * len(rgb) for edge in LONE))


def test_nucleus_share_is_that_of_the_box():
    share = Stained.of(drawn_cell(200)).cell((32, 32, 168, 168)).nucleus_share
    assert share == pytest.approx(np.pi * 0.27**2 / 0.68**2, rel=0.05)


def test_cut_share_is_the_length_of_the_cut():
    whole, half = drawn_cell(200), drawn_cell(200)[:, 100:]
    assert Stained.of(whole).cell((32, 32, 168, 168)).cut_share == 0
    cut = Stained.of(half).cell((0, 32, 68, 168)).cut_share
    assert cut == pytest.approx(0.54 / 0.68, rel=0.05)


@pytest.mark.parametrize(("x", "cut"), [(100, 0.54 / 0.68), (-20, 0)])
def test_the_edge_of_an_eyepiece_cuts_too(x, cut):
    """Circles so large that their left edge is nearly straight."""
    circle = Circle(x + 5000 - EDGE, 100, 5000)
    cell = Stained.of(drawn_cell(200), circle).cell((max(32, x), 32, 168, 168))
    assert cell.ends_at_edge == (x == 100)
    assert cell.cut_share == pytest.approx(cut, rel=0.05)


def test_texture_does_not_depend_on_the_exposure():
    half_the_light = (drawn_cell() // 2).astype(np.uint8)
    usual = lone_cell(drawn_cell()).texture
    assert lone_cell(half_the_light).texture == pytest.approx(usual, rel=0.1)


def test_what_is_about_a_stained_cell_lets_blue_light_pass():
    assert lone_cell(drawn_cell()).blue_density[1] < MAX_BLUE[1] / 2
    assert lone_cell(on_brown()).blue_density[1] > MAX_BLUE[1]
