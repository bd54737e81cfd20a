from datetime import timedelta

import pytest

from core.taxonomy import BUILT_IN
from records import db
from records.accounts.accounts import new_id
from records.cases import cases
from records.cases.reviews import Review
from records.cases.signatures import Signature, SignatureRole
from records.slides.slides import Slide
from records.worklist import worklist
from records.worklist.summaries import SignedCounts
from records.worklist.worklist import Counts, Filters, Order, View
from services.cases.review import cells_of, differential
from services.cases.summaries import summary_of
from tests.cases import put_cell, put_field
from tests.people import team_of
from tests.records.analyses.test_analyses import account
from tests.records.cases.test_cases import NOON, opened
from tests.records.cases.test_signatures import amended, signed


@pytest.fixture(autouse=True)
def _in_the_application(app):
    with app.app_context():
        yield


@pytest.fixture
def ada() -> str:
    return account("ada")


def found(team_id: str, **filters: object) -> list[str]:
    page = worklist.page_of(team_id, Filters(**filters), 1, 10)
    return [case.pseudonym for case in page.items]


@pytest.mark.parametrize(
    ("filters", "pseudonyms"),
    [
        ({}, ["c-3", "B-2", "a-1"]),
        ({"order": Order.OLDEST}, ["a-1", "B-2", "c-3"]),
        ({"order": Order.PSEUDONYM}, ["a-1", "B-2", "c-3"]),
        ({"text": "b-"}, ["B-2"]),
        ({"text": "RELAPSE"}, ["c-3"]),
        ({"text": "%"}, []),
        ({"specimen": cases.MARROW}, ["a-1"]),
        ({"since": NOON + timedelta(hours=1)}, ["c-3", "B-2"]),
        ({"before": NOON + timedelta(hours=1), "order": Order.NEWEST}, ["a-1"]),
    ],
)
def test_cases_are_found_and_ordered(ada: str, filters: dict, pseudonyms: list[str]):
    opened(ada, "a-1", specimen=cases.MARROW)
    opened(ada, "B-2", 1)
    opened(ada, "c-3", 2, notes="A relapse?")
    assert found(team_of(ada), **filters) == pseudonyms


def test_slides_are_found_by_their_file_too(ada: str):
    case = opened(ada, "a-1")
    opened(ada, "B-2")
    values = {"file_bytes": 1, "folder_name": "f", "case_id": case.id}
    db.session.add(Slide(owner_id=ada, file_name="Großer Schnitt.svs", **values))
    db.session.commit()
    assert found(team_of(ada), text="GROSSER") == ["a-1"]


def test_a_case_to_co_sign_is_nobodys_who_signed_it(ada: str):
    ben, case = account("ben"), opened(ada)
    opened(ada, "B-2")
    signed(case, SignatureRole.FIRST, final=False)
    team = team_of(ada)
    for who, names in ((ada, []), (ben, ["A-1"])):
        assert found(team, view=View.TO_CO_SIGN, account_id=who) == names
        assert worklist.sizes_of(team, who)[View.TO_CO_SIGN] == len(names)
        assert worklist.sizes_of(team, who)[View.TO_REVIEW] == 1
    signed(case, SignatureRole.SECOND)
    assert found(team, view=View.TO_CO_SIGN, account_id=ben) == []


def test_an_amended_case_is_reviewed_again_unless_closed_or_archived(ada: str):
    case, team = opened(ada), team_of(ada)
    case.assignee_id = ada
    signed(case)
    assert worklist.sizes_of(team, ada) == {
        **dict.fromkeys(View, 0),
        View.ALL: 1,
    }
    amended(case)
    changed = {View.MINE: 1, View.TO_REVIEW: 1, View.AMENDED: 1, View.ALL: 1}
    assert worklist.sizes_of(team, ada) == {**dict.fromkeys(View, 0), **changed}
    case.closed_at = NOON
    db.session.commit()
    assert found(team, view=View.TO_REVIEW) == []
    assert found(team, state="closed") == ["A-1"]
    case.archived_at = NOON
    db.session.commit()
    assert worklist.sizes_of(team, ada) == {**dict.fromkeys(View, 0), View.ARCHIVED: 1}
    assert cases.unsigned_of(team) == []


def test_cases_are_ordered_by_who_has_them(ada: str):
    ben = account("ben")
    for name, assignee in (("none", None), ("bens", ben), ("adas", ada)):
        opened(ada, name).assignee_id = assignee
    db.session.commit()
    assert found(team_of(ada), order=Order.ASSIGNEE) == ["adas", "bens", "none"]


def reviewed(case: cases.Case, analysis_id: str, cell: str, **values: object) -> Review:
    ids = {"case_id": case.id, "analysis_id": analysis_id, "reviewer_id": case.owner_id}
    review = Review(key=new_id(), cell=cell, label="blast", **ids, **values)
    db.session.add(review)
    db.session.commit()
    return review


def test_what_a_case_holds_is_added_up(ada: str):
    case, other = opened(ada), opened(ada, "B-2")
    field = put_field(case)
    put_field(case, name="second.png")
    put_cell(case)
    empty = worklist.counts_of([case.id, other.id])
    assert empty[other.id] == Counts()
    assert empty[case.id] == Counts(2, 1, cells=9, reviewed=0, white_cells=8, blasts=4)

    candidate = next(cell for cell in range(5) if f",{cell}," in summary_of(field).candidates)
    counted = next(cell for cell in range(5) if cell != candidate)
    reviewed(case, field.id, str(counted))
    reviewed(case, field.id, str(counted))
    reviewed(case, field.id, str(candidate))
    box = [1.0, 1.0, 9.0, 9.0]
    drawn = reviewed(case, field.id, "d0000000a", box=box)
    counts = worklist.counts_of([case.id])[case.id]
    assert (counts.reviewed, counts.cells) == (3, 11)
    differ = differential(cells_of(case), BUILT_IN)
    assert (differ.reviewed, differ.total) == (3, 11)
    reviewed(case, field.id, "d0000000a", undoes=drawn.id)
    counts = worklist.counts_of([case.id])[case.id]
    assert (counts.reviewed, counts.cells) == (2, 10)


def test_what_was_signed_last_is_known(ada: str):
    case = opened(ada)
    for version, blasts in ((1, 2), (2, 5)):
        signed(case, version=version)
        newest = db.session.scalars(db.select(Signature.id).order_by(Signature.id.desc())).first()
        counts = {"cells": 9, "white_cells": 8, "compared": 7, "agreed": 6}
        db.session.add(SignedCounts(signature_id=newest, blasts=blasts, **counts))
        db.session.commit()
    assert worklist.signed_counts([case.id])[case.id].blasts == 5
