"""The laboratory's own cell classes: added, renamed, retired, and what is refused."""

from collections.abc import Iterator

import pytest
from flask import Flask

from core.taxonomy import CELL_CLASSES
from records.accounts.accounts import Account
from records.audit.audit import Event
from services.laboratory import classes
from services.laboratory.classes import MOST, OwnClassError, cell_classes
from services.laboratory.settings import Values, present, save
from tests.people import account_named, add_account
from tests.trail import noted


@pytest.fixture
def ada(app: Flask) -> Iterator[Account]:
    add_account(app, "ada")
    with app.app_context():
        yield account_named("ada")


def add(by: Account, name: str = "Plasma cell", code: str = "plasma", **changes) -> str:
    return classes.add(by, name, code, **{"loinc": "", "white": True, **changes}).code


def test_a_class_is_added_behind_the_built_in_ones(ada: Account):
    assert cell_classes().every == CELL_CLASSES
    assert add(ada, loinc="26446-5") == "own_plasma"
    add(ada, "Megakaryocyte", "mega", white=False)

    assert cell_classes().codes[-2:] == ("own_plasma", "own_mega")
    plasma, mega = cell_classes().own
    assert (plasma.name, plasma.key, plasma.loinc) == ("Plasma cell", "", ("26446-5", ""))
    assert "own_plasma" in cell_classes().white
    assert "own_mega" not in cell_classes().white
    assert mega.reported
    _, second = noted(Event.LABORATORY)
    assert [one["code"] for one in second.known["changed"]["classes"]] == [
        "own_plasma",
        "own_mega",
    ]


@pytest.mark.parametrize(
    ("wrong", "field", "sentence"),
    [
        ({"name": ""}, "name", classes.NO_NAME),
        ({"name": "x" * 41}, "name", classes.LONG_NAME),
        ({"name": "BLAST"}, "name", classes.NAME_TAKEN),
        ({"name": "band  Cell"}, "name", classes.NAME_TAKEN),
        ({"code": ""}, "code", classes.NOT_A_CODE),
        ({"code": "Plasma"}, "code", classes.NOT_A_CODE),
        ({"code": "plasma-c"}, "code", classes.NOT_A_CODE),
        ({"code": "plasmä"}, "code", classes.NOT_A_CODE),
        ({"code": "x" * 11}, "code", classes.NOT_A_CODE),
        ({"code": "blast"}, "code", classes.CODE_TAKEN),
        ({"code": "wbc"}, "code", classes.CODE_TAKEN),
        ({"code": "band"}, "code", classes.CODE_TAKEN),
        ({"loinc": "26446-6"}, "loinc", classes.NOT_LOINC),
        ({"loinc": "26446"}, "loinc", classes.NOT_LOINC),
    ],
)
def test_what_is_wrong_with_a_class_is_said_and_nothing_kept(ada: Account, wrong, field, sentence):
    add(ada, "Band cell", "band")
    with pytest.raises(OwnClassError) as refused:
        add(ada, **wrong)
    assert (refused.value.field, str(refused.value)) == (field, str(sentence))
    assert [one.code for one in cell_classes().own] == ["own_band"]


def test_a_retired_class_stays_and_can_be_used_again(ada: Account):
    code = add(ada)
    assert classes.retire(ada, code)
    assert not classes.retire(ada, code), "it is already"

    (plasma,) = cell_classes().own
    assert plasma.retired
    assert plasma not in cell_classes().given
    assert code in cell_classes().white, "cells that have it still count"
    with pytest.raises(OwnClassError, match="retired"):
        add(ada, "Another name", "plasma")

    add(ada, "Plasma cell", "plasma_2")
    with pytest.raises(OwnClassError) as refused:
        classes.use_again(ada, code)
    assert str(refused.value) == str(classes.NAME_TAKEN)
    classes.change(ada, code, "Plasma cell, old", "")
    assert classes.use_again(ada, code)
    assert len(cell_classes().given) == len(CELL_CLASSES) + 2


def test_a_class_is_renamed_and_keeps_code_and_denominator(ada: Account):
    code = add(ada, white=False)
    assert not classes.change(ada, code, "Plasma cell", "")
    assert classes.change(ada, code, "Plasmazelle", "26446-5")
    (plasma,) = cell_classes().own
    assert (plasma.code, plasma.name, plasma.loinc) == (code, "Plasmazelle", ("26446-5", ""))
    assert not plasma.differential
    with pytest.raises(OwnClassError):
        classes.change(ada, code, "Monocyte", "")
    with pytest.raises(LookupError):
        classes.change(ada, "own_none", "x", "")


def test_so_many_can_be_in_use_and_no_more(ada: Account):
    for number in range(MOST):
        add(ada, f"Class {number}", f"c{number}")
    with pytest.raises(OwnClassError, match="Retire one first"):
        add(ada)
    classes.retire(ada, "own_c0")
    add(ada)
    with pytest.raises(OwnClassError, match="Retire one first"):
        classes.use_again(ada, "own_c0")


def test_other_settings_and_classes_leave_each_other_alone(ada: Account):
    add(ada)
    assert present().ranges is None
    save(ada, Values(name="Elm Hospital"))
    assert [one.code for one in present().classes] == ["own_plasma"]
    add(ada, "Band", "band")
    assert present().name == "Elm Hospital"
