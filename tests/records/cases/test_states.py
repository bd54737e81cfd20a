import pytest

from records import db
from records.accounts.accounts import new_id
from records.cases import cases
from records.cases.cases import Case
from records.cases.reviews import Review
from records.cases.signatures import SignatureRole
from records.worklist import worklist
from records.worklist.worklist import Filters
from tests.people import team_of
from tests.records.analyses.test_analyses import account, kept
from tests.records.cases.test_cases import opened
from tests.records.cases.test_signatures import amended, signed


@pytest.fixture(autouse=True)
def _in_the_application(app):
    with app.app_context():
        yield


@pytest.fixture
def case() -> Case:
    return opened(account("ada"))


def reviewed(case: Case) -> None:
    analysis = kept(case.owner_id, case_id=case.id)
    ids = {"case_id": case.id, "analysis_id": analysis.id, "reviewer_id": case.owner_id}
    db.session.add(Review(key=new_id(), cell="0", label="blast", **ids))
    db.session.commit()


def state(case: Case) -> str:
    return cases.states([case.id])[case.id]


def test_a_case_goes_from_state_to_state(case: Case):
    assert state(case) == "open"
    reviewed(case)
    assert state(case) == "in review"
    signed(case, SignatureRole.FIRST, final=False)
    assert state(case) == "first signed"
    signed(case, SignatureRole.SECOND)
    assert state(case) == "signed"
    amended(case)
    assert state(case) == "amending"
    signed(case, SignatureRole.FIRST, version=2)
    assert state(case) == "signed"


def test_each_case_has_its_own_state(case: Case):
    other = opened(case.owner_id, "B-2")
    amended(other)
    signed(case)

    assert cases.states([case.id, other.id]) == {case.id: "signed", other.id: "amending"}
    team = team_of(case.owner_id)
    assert cases.unsigned_of(team) == [other]
    for wanted, found in (("signed", case), ("amending", other)):
        assert worklist.page_of(team, Filters(state=wanted), 1, 9).items == (found,)
    assert worklist.page_of(team, Filters(state="open"), 1, 9).items == ()
