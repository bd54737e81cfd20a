from datetime import UTC, datetime, timedelta

import pytest

from records import db
from records.cases import cases
from records.cases.cases import MARROW, NEWEST, OLDEST, PSEUDONYM, Case, Filters
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


def found(team_id: str, **filters: object) -> list[str]:
    return [case.pseudonym for case in cases.page_of(team_id, Filters(**filters), 1, 10).items]


def test_a_case_belongs_to_the_team_of_its_owner(ada: str):
    case, eve = opened(ada), of_another_team("eve")
    assert case.team_id == team_of(ada)
    assert cases.find_in_team(team_of(ada), case.id) is case
    assert cases.find_in_team(team_of(eve), case.id) is None
    assert cases.any_of(team_of(ada))
    assert not cases.any_of(team_of(eve))
    assert cases.unsigned_of(team_of(eve)) == []


@pytest.mark.parametrize(
    ("filters", "pseudonyms"),
    [
        ({}, ["c-3", "B-2", "a-1"]),
        ({"order": OLDEST}, ["a-1", "B-2", "c-3"]),
        ({"order": PSEUDONYM}, ["a-1", "B-2", "c-3"]),
        ({"text": "b-"}, ["B-2"]),
        ({"text": "RELAPSE"}, ["c-3"]),
        ({"text": "%"}, []),
        ({"specimen": MARROW}, ["a-1"]),
        ({"since": NOON + timedelta(hours=1)}, ["c-3", "B-2"]),
        ({"before": NOON + timedelta(hours=1), "order": NEWEST}, ["a-1"]),
    ],
)
def test_cases_are_found_and_ordered(ada: str, filters: dict, pseudonyms: list[str]):
    opened(ada, "a-1", specimen=MARROW)
    opened(ada, "B-2", 1)
    opened(ada, "c-3", 2, notes="A relapse?")
    assert found(team_of(ada), **filters) == pseudonyms
