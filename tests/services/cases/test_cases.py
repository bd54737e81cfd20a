from dataclasses import asdict, replace
from datetime import date

import pytest
from flask import Flask

from imaging.images import ImageLimits
from records import db
from records.accounts.accounts import new_id
from records.analyses import analyses
from records.analyses.analyses import Analysis
from records.audit.audit import Event
from records.cases import signatures
from records.cases.cases import Case
from records.cases.signatures import Amendment, Signature
from records.storage.image_store import DiskStore
from services.analyses.analysis import Analyst, Upload
from services.cases import cases, review
from services.cases.cases import CaseError, Details
from tests.cases import entry, meanwhile, open_case, put_cell, put_field
from tests.people import account_named, add_account, move
from tests.stand_ins import stand_in_models
from tests.trail import noted
from tests.uploads import png

DETAILS = Details("Alder-7", "marrow", "Giemsa", "100x oil", date(2026, 3, 1), "dry tap")


@pytest.fixture(autouse=True)
def _in_the_application(app: Flask):
    for name in ("ada", "ben"):
        add_account(app, name)
    move(app, "ben", "another team")
    with app.app_context():
        yield


@pytest.fixture
def case() -> Case:
    return open_case(account_named("ada").id)


@pytest.fixture
def analyst(tmp_path) -> Analyst:
    return Analyst(stand_in_models, DiskStore(tmp_path / "images"), ImageLimits(2**22, 10**6))


def sign(case: Case, *analysis_ids: str) -> None:
    values = {"conclusion": "-", "contents": {}, "sha256": "0" * 64}
    signature = Signature(case_id=case.id, version=1, reader_id=case.owner_id, **values)
    signatures.add_signature(signature, analysis_ids)
    db.session.commit()


def free_field(owner: str = "ada") -> Analysis:
    """A field of nobody's case."""
    field = put_field(open_case(account_named(owner).id))
    field.case_id = None
    db.session.commit()
    return field


def test_a_case_is_opened_for_the_team_and_noted_without_what_it_tells():
    ada = account_named("ada")
    case = cases.open_case(ada.id, DETAILS)

    assert {name: getattr(case, name) for name in asdict(DETAILS)} == asdict(DETAILS)
    assert (case.team_id, cases.state_of(case)) == (ada.team_id, "open")
    (row,) = noted(Event.CASE_OPEN)
    assert (row.object_id, row.known) == (case.id, {"priority": "routine", "specimen": "marrow"})


def test_editing_notes_which_fields_changed(case: Case):
    changed = replace(DETAILS, pseudonym=case.pseudonym)
    cases.edit(case, changed)
    cases.edit(case, changed)

    (row,) = noted(Event.CASE_EDIT)
    assert row.known == {"changed": ["specimen", "stain", "magnification", "collected_on", "notes"]}
    assert case.stain == "Giemsa"


def test_free_analyses_of_the_team_are_put_into_a_case(case: Case):
    own, others, taken = free_field(), free_field("ben"), put_field(open_case(case.owner_id))
    put = cases.put(case, [own.id, others.id, taken.id, "0" * 32])

    assert put == 1
    assert [analysis.id for analysis in analyses.of_case(case.id)] == [own.id]
    assert noted(Event.CASE_ADD)[0].known == {"analyses": [own.id]}


def test_an_analysis_is_taken_out_as_long_as_nobody_reviewed_it(case: Case):
    field, reviewed = put_field(case), put_field(case)
    review.record(case, case.owner_id, [entry(f"{reviewed.id}.0", "blast")])
    cases.take_out(case, field)

    assert field.case_id is None
    assert noted(Event.CASE_REMOVE)[0].known == {"analysis": field.id}
    with pytest.raises(CaseError, match="Reviews are kept"):
        cases.take_out(case, reviewed)
    assert reviewed.case_id == case.id


def test_a_signed_case_does_not_change(case: Case, analyst: Analyst):
    field, free = put_field(case), free_field()
    sign(case)

    for change in (
        lambda: cases.edit(case, DETAILS),
        lambda: cases.put(case, [free.id]),
        lambda: cases.take_out(case, field),
        lambda: analyst.delete(field),
    ):
        with pytest.raises(CaseError, match="signed"):
            change()
    assert (field.case_id, free.case_id, case.specimen) == (case.id, None, "blood")


def test_what_was_signed_once_is_kept_after_an_amendment(case: Case, analyst: Analyst):
    field = put_field(case)
    sign(case, field.id)
    signatures.add_amendment(
        Amendment(case_id=case.id, version=2, opened_by=case.owner_id, reason="-")
    )
    db.session.commit()
    for _ in ("in the case", "taken out"):
        with pytest.raises(CaseError, match="signed version"):
            analyst.delete(field)
        if field.case_id:
            cases.take_out(case, field)

    assert analyses.get(field.id).case_id is None


def test_what_a_colleague_did_since_it_was_read_counts(case: Case, analyst: Analyst):
    field, elsewhere = free_field(), open_case(case.owner_id)
    sign(case)
    assert (field.case_id, elsewhere.stain) == (None, "")
    meanwhile(field, case_id=case.id)
    with pytest.raises(CaseError, match="signed"):
        analyst.delete(field)

    meanwhile(elsewhere, stain="Wright")
    assert elsewhere.stain == ""
    cases.edit(elsewhere, Details(elsewhere.pseudonym, elsewhere.specimen))
    assert noted(Event.CASE_EDIT)[0].known == {"changed": ["stain"]}


def test_a_reviewed_analysis_is_not_deleted(case: Case, analyst: Analyst):
    field = put_field(case)
    (text,) = review.record(case, case.owner_id, [entry(f"{field.id}.0", "other")])
    review.undo(case, case.owner_id, new_id(), text.id)

    with pytest.raises(CaseError, match="“Alder-7”"):
        analyst.delete(field)
    assert analyses.get(field.id)


def test_the_same_image_twice_is_told_unless_it_was_not_read(case: Case):
    refused, cell, other = (put_cell(case, result) for result in ("not_usable", "normal", "normal"))
    field, another = put_field(case), put_field(case)
    another.sha256 = "9" * 64

    assert cases.duplicates([refused, cell, field, another]) == []
    assert cases.duplicates([refused, cell, field, another, other]) == [other]
    assert cases.duplicates([cell, refused]) == []


def test_who_may_put_something_into_a_case(case: Case):
    ada, ben = account_named("ada"), account_named("ben")
    cases.check_takes(ada.team_id, case.id)
    for account, case_id in ((ben, case.id), (ada, "0" * 32)):
        with pytest.raises(CaseError, match="does not belong to your team"):
            cases.check_takes(account.team_id, case_id)
    sign(case)
    with pytest.raises(CaseError, match="signed"):
        cases.check_takes(ada.team_id, case.id)


def test_what_is_read_belongs_to_its_case(case: Case, analyst: Analyst):
    upload = Upload("cell.png", png(), "b" * 32, case.id)
    cell = analyst.classify(case.owner_id, upload)

    assert cell.case_id == case.id
    assert noted(Event.ANALYSIS)[-1].known["case"] == case.id
    assert analyst.detect_again(case.owner_id, cell, new_id()).case_id is None


def test_what_is_read_too_late_is_kept_without_its_case(app, case: Case, analyst: Analyst):
    upload = Upload("cell.png", png(), "b" * 32, case.id)
    sign(case)
    cell = analyst.classify(case.owner_id, upload)
    assert cell.case_id is None
    assert "Not added to its case" in cell.notes[-1]

    elsewhere = open_case(case.owner_id)
    move(app, "ada", "night shift")
    db.session.expire_all()
    cell = analyst.classify(case.owner_id, replace(upload, case_id=elsewhere.id))
    assert cell.case_id is None
