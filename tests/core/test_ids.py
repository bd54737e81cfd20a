import re

import pytest

from core.ids import derived_id, is_id, new_id


def test_identifiers_are_random_and_fit_their_columns():
    made = {new_id() for _ in range(1000)}
    assert len(made) == 1000
    assert all(re.fullmatch(r"[0-9a-f]{32}", one) for one in made)
    assert all(is_id(one) for one in made)


def test_a_derived_identifier_has_the_form_of_one():
    assert is_id(derived_id("ada", "1"))


@pytest.mark.parametrize("text", ["9e107d9d372bb6826bd81d3542a419d6", "0" * 32])
def test_an_identifier_is_known_by_its_form(text: str):
    assert is_id(text)


@pytest.mark.parametrize(
    "text", ["", "0" * 31, "0" * 33, "A" * 32, "g" * 32, "0" * 32 + "\n", "../" + "0" * 29]
)
def test_anything_else_is_none(text: str):
    assert not is_id(text)
