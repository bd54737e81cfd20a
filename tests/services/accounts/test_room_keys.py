from dataclasses import replace

import pytest
from flask import Flask

from core.taxonomy import BUILT_IN, CLASS_CODES, CellClass, CellClasses
from services.accounts import room_keys
from services.accounts.room_keys import USUAL
from tests.people import account_named, add_account


@pytest.fixture(autouse=True)
def _in_the_application(app: Flask):
    add_account(app, "ada")
    with app.app_context():
        yield


def test_keys_are_the_usual_ones_until_others_are_chosen():
    account = account_named("ada")
    assert room_keys.keys_of(account, BUILT_IN) == USUAL
    room_keys.choose(account, {**USUAL, "neutrophil": "s", "smudge": "n"})
    assert account.room_keys["smudge"] == "n"
    room_keys.choose(account, USUAL)
    assert account.room_keys is None


@pytest.mark.parametrize(
    ("changed", "sentences"),
    [
        ({"neutrophil": "l"}, {"neutrophil": room_keys.SEVERAL, "lymphocyte": room_keys.SEVERAL}),
        ({"blast": "u"}, {"blast": room_keys.TAKEN}),
        ({"blast": ""}, {"blast": room_keys.NO_KEY}),
        ({"blast": "д"}, {"blast": room_keys.NO_KEY}),
        ({"blast": "7"}, {}),
    ],
)
def test_conflicts_are_told_of_each_class(changed, sentences):
    keys = {**USUAL, **changed}
    told = {code: sentence.format(key=keys[code].upper()) for code, sentence in sentences.items()}
    assert room_keys.conflicts(keys) == told
    if told:
        with pytest.raises(ValueError, match="conflicting"):
            room_keys.choose(account_named("ada"), keys)


def test_a_newer_class_has_its_usual_key_or_a_free_one():
    account = account_named("ada")
    account.room_keys = {"neutrophil": "b", "gone": "q"}
    keys = room_keys.keys_of(account, BUILT_IN)
    assert set(keys) == set(CLASS_CODES)
    assert len(set(keys.values())) == len(CLASS_CODES)
    assert (keys["neutrophil"], keys["lymphocyte"]) == ("b", "l")


PLASMA = CellClass("own_plasma", "Plasma cell", "")


def test_an_own_class_has_no_key_until_one_is_chosen_and_gives_it_back_when_it_retires():
    account, classes = account_named("ada"), CellClasses((PLASMA,))
    assert room_keys.keys_of(account, classes) == {**USUAL, "own_plasma": ""}
    assert room_keys.conflicts({**USUAL, "own_plasma": "", "own_band": ""}) == {}
    assert "own_plasma" in room_keys.conflicts({**USUAL, "own_plasma": "b"})

    room_keys.choose(account, {**USUAL, "own_plasma": ""})
    assert account.room_keys is None
    room_keys.choose(account, {**USUAL, "own_plasma": "y"})
    assert room_keys.keys_of(account, classes)["own_plasma"] == "y"
    retired = CellClasses((replace(PLASMA, retired=True),))
    assert room_keys.keys_of(account, retired) == USUAL
