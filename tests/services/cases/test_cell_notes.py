from dataclasses import replace

import pytest
from flask import Flask

from core.morphology import ATTRIBUTES
from records.accounts.accounts import new_id
from records.audit.audit import Event
from records.cases.cases import Case
from services.cases import cell_notes, review
from services.cases.cases import CaseError, take_out
from services.cases.review import LockedError, ReviewError
from tests.cases import open_case, put_cell, put_field
from tests.people import account_named, add_account
from tests.services.analyses.fields import READ_CELLS, read_field
from tests.services.cases.test_review import sign
from tests.trail import noted

FORM = {"cell_size": "big", "chromatin_density": "loosely"}


@pytest.fixture(autouse=True)
def _in_the_application(app: Flask):
    for name in ("ada", "ben"):
        add_account(app, name)
    with app.app_context():
        yield


@pytest.fixture
def case() -> Case:
    return open_case(reader("ada"))


@pytest.fixture
def cell(case: Case) -> str:
    """The id of a cell whose form the classifier read."""
    read = replace(READ_CELLS[0], morphology=FORM, morphology_probabilities={"cell_size": 0.9})
    return f"{put_field(case, read_field(detections=(read,), candidates=())).id}.0"


def reader(name: str) -> str:
    return account_named(name).id


def test_a_comment_is_kept_once_with_its_author_and_noted_without_its_text(case: Case, cell: str):
    key = new_id()
    for _ in range(2):
        cell_notes.comment(case, reader("ada"), cell, key, "  Auer rod? <b>  ")
    cell_notes.comment(case, reader("ben"), cell, new_id(), "None seen.")

    kept = [(one.author.name, one.text) for one in cell_notes.comments_on(case, cell)]
    assert kept == [("ada", "Auer rod? <b>"), ("ben", "None seen.")]
    rows = noted(Event.CELL_COMMENT)
    assert [(row.object_id, row.known) for row in rows] == [(case.id, {"cell": cell})] * 2


@pytest.mark.parametrize(
    ("text", "sentence"),
    [(" \n", cell_notes.EMPTY_COMMENT), ("x" * 501, cell_notes.LONG_COMMENT)],
)
def test_an_empty_or_endless_comment_is_refused(case: Case, cell: str, text: str, sentence: str):
    with pytest.raises(ReviewError) as error:
        cell_notes.comment(case, reader("ada"), cell, new_id(), text)
    assert str(error.value) == sentence


def test_only_cells_of_the_case_take_a_comment(case: Case, cell: str):
    other = open_case(reader("ada"))
    for wrong in (f"{cell}9", "nonsense"):
        with pytest.raises(ReviewError, match="no longer"):
            cell_notes.comment(case, reader("ada"), wrong, new_id(), "here")
    with pytest.raises(ReviewError, match="no longer"):
        cell_notes.comment(other, reader("ada"), cell, new_id(), "here")
    with pytest.raises(ReviewError, match="key"):
        cell_notes.comment(case, reader("ada"), cell, "short", "here")


def test_a_key_of_somebody_else_is_refused(case: Case, cell: str):
    key = new_id()
    cell_notes.comment(case, reader("ada"), cell, key, "mine")
    cell_notes.correct(case, reader("ada"), cell, key, "cell_size", "small")
    with pytest.raises(ReviewError, match="another one"):
        cell_notes.comment(case, reader("ben"), cell, key, "mine")
    with pytest.raises(ReviewError, match="another one"):
        cell_notes.correct(case, reader("ben"), cell, key, "cell_size", "small")


def test_a_signed_case_takes_neither(case: Case, cell: str):
    sign(case)
    with pytest.raises(LockedError):
        cell_notes.comment(case, reader("ada"), cell, new_id(), "late")
    with pytest.raises(LockedError):
        cell_notes.correct(case, reader("ada"), cell, new_id(), "cell_size", "small")


def test_a_correction_of_the_form_stands_beside_the_finding(case: Case, cell: str):
    key = new_id()
    for _ in range(2):
        cell_notes.correct(case, reader("ada"), cell, key, "cell_size", "small")
    form = {one.name: one for one in cell_notes.form_of(case, cell)}

    assert list(form) == list(ATTRIBUTES)
    size, chromatin = form["cell_size"], form["chromatin_density"]
    assert (size.found, size.probability, size.value) == ("big", 0.9, "small")
    assert size.review.reviewer.name == "ada"
    assert (chromatin.value, chromatin.probability, chromatin.review) == ("loosely", None, None)
    (kept,) = cell_notes.corrections_of(case, cell)
    assert (kept.value_before, kept.value) == ("big", "small")
    (row,) = noted(Event.MORPHOLOGY)
    assert row.known == {"cell": cell, "cell_size": ["big", "small"]}


def test_a_cell_of_which_nothing_was_read_can_be_described(case: Case):
    cell = f"{put_cell(case).id}.0"
    assert {one.value for one in cell_notes.form_of(case, cell)} == {None}
    cell_notes.correct(case, reader("ada"), cell, new_id(), "granularity", "yes")
    assert cell_notes.form_of(case, cell)[-1].value == "yes"


@pytest.mark.parametrize(("attribute", "value"), [("cell_size", "huge"), ("age", "old")])
def test_what_no_cell_can_be_is_refused(case: Case, cell: str, attribute: str, value: str):
    with pytest.raises(ReviewError, match="no such attribute"):
        cell_notes.correct(case, reader("ada"), cell, new_id(), attribute, value)


def test_an_analysis_with_a_comment_stays_in_its_case(case: Case):
    field = put_field(case)
    cell_notes.comment(case, reader("ada"), f"{field.id}.0", new_id(), "keep")
    with pytest.raises(CaseError):
        take_out(case, field)
    assert review.holds_cell(case, f"{field.id}.0")
