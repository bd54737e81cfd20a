import json

import pytest

from training.data import DataError
from training.synthesis.elements import ALL_ELEMENTS, ELEMENTS, claim


def test_each_element_can_be_left_out_by_its_name():
    for name, meaning in ELEMENTS.items():
        assert meaning
        assert ALL_ELEMENTS.without([name]).names == [e for e in ELEMENTS if e != name]


def test_an_unknown_element_is_refused_with_the_list():
    with pytest.raises(DataError, match=r"No element: rims\. There are: rim, "):
        ALL_ELEMENTS.without(["rims"])


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "cells").mkdir()
    return tmp_path


def _add_composite(folder, number=0):
    (folder / "cells" / f"{number:06}.csv").touch()


def test_a_folder_keeps_its_recipe(folder):
    claim(folder, 1, ALL_ELEMENTS, 5)
    assert json.loads((folder / "recipe.json").read_text())["elements"] == list(ELEMENTS)
    _add_composite(folder)
    claim(folder, 1, ALL_ELEMENTS, 5)


@pytest.mark.parametrize(
    ("seed", "without"), [(2, []), (1, ["rim"])], ids=["another seed", "other elements"]
)
def test_another_recipe_is_refused(folder, seed, without):
    claim(folder, 1, ALL_ELEMENTS, 5)
    _add_composite(folder)
    with pytest.raises(DataError, match=r"made by another recipe.*another folder"):
        claim(folder, seed, ALL_ELEMENTS.without(without), 5)


def test_older_composites_may_be_read_but_not_added_to(folder):
    for number in range(3):
        _add_composite(folder, number)
    claim(folder, 1, ALL_ELEMENTS, 3)
    with pytest.raises(DataError, match="another recipe"):
        claim(folder, 1, ALL_ELEMENTS, 4)
    assert not (folder / "recipe.json").exists()
