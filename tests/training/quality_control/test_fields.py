import numpy as np
import pytest

from models.quality_control.eyepiece import find_circle
from models.quality_control.measures import ImageMeasures
from tests.stand_ins import drawn_field
from training.quality_control.fields import (
    DEGRADED,
    chosen,
    defocused,
    good_fields,
    light,
    no_fields,
    reduced,
)
from training.quality_control.images import through_eyepiece

FIELD = drawn_field()


def test_at_most_the_limit_is_chosen_the_same_every_time():
    assert chosen(range(100), 5) == chosen(range(100), 5)
    assert len(set(chosen(range(100), 5))) == 5
    assert chosen(range(3), 5) == (0, 1, 2)


def test_good_fields_come_from_three_sources(shared_data):
    txl, snam, chula = good_fields(shared_data, 2)
    assert [len(each.paths) for each in (txl, snam, chula)] == [2, 2, 2]
    assert max(next(snam.images()).shape) == 3 * 363


@pytest.mark.parametrize("title", DEGRADED)
def test_every_degradation_changes_the_image_and_not_its_kind(title: str):
    made = DEGRADED[title](FIELD, 32.0)
    assert made.dtype == np.uint8
    assert made.shape[2] == 3
    assert made.shape != FIELD.shape or (made != FIELD).any()
    np.testing.assert_array_equal(made, DEGRADED[title](FIELD, 32.0))
    np.testing.assert_array_equal(FIELD, drawn_field())


def test_degradations_do_what_they_are_called():
    assert ImageMeasures.of(light(0.5)(FIELD, 32)).light == 119
    assert light(2.5)(FIELD, 32).max() == 255
    assert reduced(8)(FIELD, 32).shape == (90, 120, 3)
    assert reduced(64)(FIELD, 32).shape == FIELD.shape
    soft, softer = (
        np.abs(np.diff(defocused(s)(FIELD, 32).astype(int), axis=0)).max() for s in (0.04, 0.3)
    )
    assert soft > 2 * softer
    assert find_circle(through_eyepiece(FIELD)) is not None


def test_what_is_no_field_is_made_anew_the_same(shared_data):
    for title, make in no_fields(shared_data, 2).items():
        images = list(make())
        assert 0 < len(images) <= 2, title
        np.testing.assert_array_equal(images[0], next(make()))
