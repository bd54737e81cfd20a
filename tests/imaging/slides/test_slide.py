"""What holds of every slide, whichever library reads it."""

from pathlib import Path

import numpy as np
import pytest

from imaging.slides.openslide_reader import OpenSlideReader
from imaging.slides.slide import Level, SlideError, SlideInfo, check, plausible, read_scaled

PYRAMID = SlideInfo("TIFF", (Level(8000, 4000, 1.0), Level(2000, 1000, 4.0)), 0.25, 40.0)


def test_the_smallest_level_that_is_fine_enough_is_read():
    assert [PYRAMID.level_for(scale) for scale in (0.5, 1, 3.9, 4, 100)] == [0, 0, 0, 1, 1]


def test_what_a_slide_says_survives_being_sent():
    assert SlideInfo.from_dict(PYRAMID.to_dict()) == PYRAMID


@pytest.mark.parametrize(("said", "kept"), [(0.25, 0.25), (0.0, None), (None, None), (254.0, None)])
def test_a_pixel_of_no_plausible_size_has_none(said, kept):
    assert plausible(said) == kept


@pytest.mark.parametrize(
    ("levels", "sentence"),
    [
        ([Level(40_000, 30_000, 1)], "40000 × 30000 pixels but no smaller copies"),
        ([Level(9_000, 9_000, 1), Level(300, 300, 30)], "no smaller copies"),
        ([Level(2_000_000, 100, 1)], "more than any slide has"),
        ([Level(0, 100, 1)], "without pixels"),
    ],
)
def test_a_slide_that_costs_too_much_to_show_is_refused(levels, sentence):
    with pytest.raises(SlideError, match=sentence):
        check(SlideInfo("TIFF", tuple(levels)))


def test_a_whole_pyramid_and_a_small_single_level_pass():
    check(PYRAMID)
    check(SlideInfo("TIFF", (Level(5000, 5000, 1.0),)))


def test_any_part_is_read_at_any_size(slides: dict[str, Path]):
    slide = OpenSlideReader(slides["plain"])
    whole = read_scaled(slide, (0, 0, 7168, 7168), 224, 224).astype(int)
    assert whole.shape == (224, 224, 3)
    part = read_scaled(slide, (3072, 0, 5120, 2048), 64, 64).astype(int)
    assert np.abs(part - whole[:64, 96:160]).mean() < 4
    slide.close()


@pytest.mark.parametrize("box", [(-1, 0, 10, 10), (0, 0, 7169, 10), (5, 5, 5, 10), (9, 0, 3, 4)])
def test_no_part_outside_is_read(slides: dict[str, Path], box):
    slide = OpenSlideReader(slides["plain"])
    with pytest.raises(SlideError, match="outside"):
        read_scaled(slide, box, 4, 4)
    slide.close()
