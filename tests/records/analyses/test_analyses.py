from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from records import db
from records.accounts.accounts import Account, new_id
from records.accounts.teams import Team
from records.analyses import analyses
from records.analyses.analyses import Analysis, Filters
from tests.people import team_of

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _in_the_application(app):
    with app.app_context():
        yield


@pytest.fixture
def ada() -> str:
    return account("ada")


def account(name: str) -> str:
    person = Account(name=name, name_key=name, password_hash="-")
    db.session.add(person)
    db.session.commit()
    return person.id


def of_another_team(name: str) -> str:
    """The id of an account of another team."""
    person = Account(name=name, name_key=name, password_hash="-", team=Team(name="x", name_key="x"))
    db.session.add(person)
    db.session.commit()
    return person.id


def kept(owner_id: str, hours: int = 0, **values: object) -> Analysis:
    """Keep an analysis that was made so many hours after noon."""
    given = {
        "batch_id": new_id(),
        "kind": analyses.AnalysisKind.CLASSIFICATION,
        "file_name": f"{hours}.png",
        "file_format": "PNG",
        "file_bytes": 1,
        "sha256": "0" * 64,
        "width": 100,
        "height": 80,
        "notes": [],
        "result": analyses.NORMAL,
        "probability": 0.1,
        "finding": {"label": "normal", "width": 100, "height": 80, "detections": [], "model": "1"},
        "model_version": "1",
        "image_name": "image",
        "thumbnail_name": "thumbnail",
    }
    analysis = Analysis(
        owner_id=owner_id, created_at=NOON + timedelta(hours=hours), **(given | values)
    )
    analyses.add(analysis)
    return analysis


def names(page: analyses.Page) -> list[str]:
    return [analysis.file_name for analysis in page.items]


def test_an_analysis_is_found_by_its_owner_alone(ada: str):
    analysis = kept(ada)

    assert analyses.find(ada, analysis.id) is analysis
    assert analyses.find(ada, analysis.id, analyses.AnalysisKind.CLASSIFICATION) is analysis
    assert analyses.find(ada, analysis.id, analyses.AnalysisKind.DETECTION) is None
    assert analyses.find(account("ben"), analysis.id) is None


def test_an_analysis_is_found_in_the_team_of_its_owner_at_that_time(ada: str):
    analysis, team = kept(ada), team_of(ada)
    ben = of_another_team("ben")
    db.session.get(Account, ada).team_id = team_of(ben)
    db.session.commit()

    assert analyses.find_in_team(team, analysis.id) is analysis
    assert analyses.find_in_team(team, analysis.id, analyses.AnalysisKind.DETECTION) is None
    assert analyses.find_in_team(team_of(ben), analysis.id) is None
    assert kept(ada).team_id == team_of(ben)


def test_ids_cannot_be_guessed(ada: str):
    ids = {kept(ada).id for _ in range(3)}

    assert len(ids) == 3
    assert all(len(analysis_id) == 32 for analysis_id in ids)


@pytest.mark.parametrize("values", [{"kind": "guess"}, {"owner_id": "nobody"}])
def test_the_database_refuses_what_makes_no_sense(ada: str, values: dict):
    with pytest.raises(IntegrityError):
        kept(**({"owner_id": ada} | values))
    assert not analyses.any_of(team_of(ada))


def test_an_account_with_analyses_stays(ada: str):
    kept(ada)
    db.session.delete(db.session.get(Account, ada))
    with pytest.raises(IntegrityError):
        db.session.commit()


def test_pages_are_newest_first_and_never_out_of_range(ada: str):
    for hours in range(5):
        kept(ada, hours)
    kept(of_another_team("ben"), 9)

    first = analyses.page_of(team_of(ada), Filters(), 1, size=2)
    assert (names(first), first.number, first.pages, first.total) == (["4.png", "3.png"], 1, 3, 5)
    assert names(analyses.page_of(team_of(ada), Filters(), 3, size=2)) == ["0.png"]
    assert analyses.page_of(team_of(ada), Filters(), 99, size=2).number == 3
    assert analyses.page_of(team_of(ada), Filters(), -1, size=2).number == 1


def test_an_empty_page_is_the_first_of_one(ada: str):
    page = analyses.page_of(team_of(ada), Filters(), 1, size=20)

    assert (page.items, page.number, page.pages, page.total) == ((), 1, 1, 0)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(kind=analyses.AnalysisKind.DETECTION), ["2.png"]),
        (Filters(result=analyses.NORMAL), ["1.png", "0.png"]),
        (Filters(since=NOON + timedelta(hours=1)), ["2.png", "1.png"]),
        (Filters(before=NOON + timedelta(hours=1)), ["0.png"]),
        (Filters(batch_id="together"), ["1.png"]),
        (Filters(kind=analyses.AnalysisKind.DETECTION, result=analyses.NORMAL), []),
    ],
)
def test_filters(ada: str, filters: Filters, expected: list[str]):
    kept(ada, 0)
    kept(ada, 1, batch_id="together")
    kept(ada, 2, kind=analyses.AnalysisKind.DETECTION, result=analyses.BLASTS)

    assert names(analyses.page_of(team_of(ada), filters, 1, size=20)) == expected


def test_the_place_in_a_batch(ada: str):
    ids = [kept(ada, hours, batch_id="one").id for hours in range(3)]
    kept(ada, 4, batch_id="two")
    kept(account("ben"), 5, batch_id="one")
    first, last = (analyses.place_in_batch(db.session.get(Analysis, ids[at])) for at in (0, 2))

    assert (first.number, first.total, first.previous, first.next) == (1, 3, None, ids[1])
    assert (last.number, last.total, last.previous, last.next) == (3, 3, ids[1], None)


def test_a_removed_analysis_names_its_files(ada: str):
    analysis = kept(ada)
    names = analysis.image_names

    assert analyses.remove(analysis) == names
    assert not analyses.any_of(team_of(ada))
    db.session.rollback()
    assert analyses.find(ada, analysis.id) is not None
