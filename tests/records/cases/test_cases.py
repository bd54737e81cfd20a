from datetime import UTC, datetime, timedelta

import pytest

from records import db
from records.cases import cases
from records.cases.cases import Case
from tests.people import team_of
from tests.records.analyses.test_analyses import account, of_another_team

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _in_the_application(app):
    with app.app_context():
        yield


@pytest.fixture
def ada() -> str:
    return account("ada")


def opened(owner_id: str, pseudonym: str = "A-1", hours: int = 0, **values: object) -> Case:
    """Keep a case that was opened so many hours after noon."""
    given = {"specimen": cases.BLOOD, "created_at": NOON + timedelta(hours=hours)}
    case = Case(owner_id=owner_id, pseudonym=pseudonym, **(given | values))
    cases.add(case)
    db.session.commit()
    return case


def test_a_case_belongs_to_the_team_of_its_owner(ada: str):
    case, eve = opened(ada), of_another_team("eve")
    assert case.team_id == team_of(ada)
    assert cases.find_in_team(team_of(ada), case.id) is case
    assert cases.find_in_team(team_of(eve), case.id) is None
    assert cases.any_of(team_of(ada), ada)
    assert not cases.any_of(team_of(eve), eve)
    assert cases.unsigned_of(team_of(eve)) == []
