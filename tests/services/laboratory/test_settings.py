from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from imaging.decoding.errors import ImageError
from imaging.images import encode_png
from records import db
from records.accounts.accounts import Account
from records.audit.audit import Event
from records.laboratory.laboratory import find_logo
from services.laboratory.ranges import ADULTS
from services.laboratory.settings import (
    Values,
    laboratory_for,
    present,
    remove_logo,
    save,
    save_logo,
)
from tests.people import account_named, add_account
from tests.stand_ins import drawn_cell
from tests.trail import noted

VALUES = Values(
    name="Elm Hospital",
    contact="12 Elm Street",
    ranges=ADULTS,
    ranges_source="Adults",
    phrases=("No blasts seen.",),
)


@pytest.fixture
def ada(app: Flask) -> Iterator[Account]:
    add_account(app, "ada")
    with app.app_context():
        yield account_named("ada")


def test_without_settings_nothing_is_put_into_reports(ada: Account):
    assert present() is None
    assert laboratory_for("blood") is None


def test_settings_come_back_as_they_were_saved(ada: Account):
    assert save(ada, VALUES)
    assert present() == VALUES
    assert not save(ada, VALUES), "nothing is new"


def test_changes_are_noted_with_what_is_new_of_them(ada: Account):
    save(ada, VALUES)
    save(ada, replace(VALUES, name="Oak Hospital"))
    first, second = noted(Event.LABORATORY)

    assert set(first.known["changed"]) == {"name", "contact", "ranges", "ranges_source", "phrases"}
    assert first.known["changed"]["ranges"]["blast"] == [0, 0]
    assert second.known["changed"] == {"name": "Oak Hospital"}


def test_earlier_settings_stay_and_cannot_be_changed(ada: Account):
    save(ada, VALUES)
    for statement in (
        "UPDATE laboratory_settings SET name = 'x'",
        "DELETE FROM laboratory_settings",
    ):
        with pytest.raises(IntegrityError):
            db.session.execute(text(statement))
        db.session.rollback()


def test_a_logo_is_kept_beside_the_rest_and_stays_when_it_is_removed(ada: Account):
    save(ada, VALUES)
    save_logo(ada, encode_png(drawn_cell(64)))
    values = present()
    save(ada, replace(VALUES, name="Oak Hospital"))

    assert present() == replace(values, name="Oak Hospital")
    assert find_logo(values.logo).startswith(b"\x89PNG")
    remove_logo(ada)
    assert present().logo is None
    assert find_logo(values.logo), "signed reports print it"


def test_a_logo_that_is_refused_changes_nothing(ada: Account):
    with pytest.raises(ImageError):
        save_logo(ada, b"no image")
    assert present() is None


def test_a_logo_alone_saves_no_ranges(ada: Account):
    save_logo(ada, encode_png(drawn_cell(64)))
    assert present().ranges is None
    assert laboratory_for("blood").ranges == {}
    save(ada, Values(ranges={}))
    assert present().ranges == {}


def test_ranges_are_of_blood(ada: Account):
    save(ada, VALUES)
    assert laboratory_for("blood").ranges == ADULTS
    assert laboratory_for("marrow").ranges == {}
    assert laboratory_for("marrow").ranges_source == ""
    save(ada, Values(ranges=ADULTS))
    assert laboratory_for("marrow") is None
