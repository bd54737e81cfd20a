"""A grown installation has the rows that the program would have written."""

from __future__ import annotations

import pytest
from flask import Flask

from benchmarks import grown_rows, grown_trail
from benchmarks.grown import pages_of
from benchmarks.grown_rows import ADMINISTRATOR, FIELDS, WHITE_CELLS, Size
from records import db
from records.accounts.teams import Team
from records.analyses.analyses import Analysis
from records.audit import external_log
from records.audit.audit import Event
from records.cases import cases
from records.cases.cases import Case
from records.cases.reviews import Review
from records.cases.signatures import Signature, SignedAnalysis
from records.cases.states import CaseState
from records.worklist.field_measures import FieldMeasures
from records.worklist.summaries import AnalysisSummary
from services.audit import audit
from services.audit.check import verify
from services.cases.review import Entry, cells_of, record
from services.cases.signed_contents import read_contents
from settings import Settings
from tests.people import PASSWORD, account_named, post
from tests.programs import program_with, token_of

pytestmark = pytest.mark.postgres_only("SQL of PostgreSQL makes the rows")

SIZE = Size(teams=3, analyses=40 * FIELDS, entries=6_000)
TEMPLATES = 4


@pytest.fixture
def grown(app: Flask, settings: Settings) -> Flask:
    """The application on an installation that has grown."""
    url = settings.database_url.get_secret_value()
    grown_rows.fill(app, url, SIZE)
    newest = grown_trail.replace_trail(url, SIZE.entries, days=10)
    with app.app_context():
        external_log.path().unlink()
        external_log.write([newest])
    return app


def count(table: type) -> int:
    return db.session.scalar(db.select(db.func.count()).select_from(table)) or 0


def copies() -> list[Case]:
    """The cases that SQL made, oldest first."""
    made = db.select(Case).where(Case.accession != "")
    return list(db.session.scalars(made.order_by(Case.created_at)))


def test_it_is_as_large_as_asked_and_the_program_goes_on_with_it(grown: Flask):
    with grown.app_context():
        check_numbers()
        check_signatures()
        check_trail()
        review_a_cell()
    check_pages(grown)


def check_numbers() -> None:
    analyses = SIZE.analyses + TEMPLATES * FIELDS
    assert [count(each) for each in (Analysis, AnalysisSummary, FieldMeasures)] == [analyses] * 3
    assert count(Case) == SIZE.cases + TEMPLATES
    assert count(Team) == SIZE.teams
    of_teams = {case.team_id for case in copies()}
    assert len(of_teams) == SIZE.teams
    white = db.select(db.func.sum(AnalysisSummary.white_cells))
    assert db.session.scalar(white) == analyses * WHITE_CELLS
    states = [cases.states([case.id])[case.id] for case in copies()]
    assert states == [*[CaseState.SIGNED] * 38, CaseState.OPEN, CaseState.IN_REVIEW]


def check_signatures() -> None:
    """What was signed names its own case, and fits its hash."""
    case = copies()[0]
    signature = db.session.scalars(db.select(Signature).filter_by(case_id=case.id)).one()
    snapshot = read_contents(signature).snapshot
    kept = {
        analysis.id
        for analysis in db.session.scalars(db.select(Analysis).filter_by(case_id=case.id))
    }
    assert {cell.id.partition(".")[0] for cell in snapshot.cells} == kept
    covered = db.select(SignedAnalysis.analysis_id).filter_by(signature_id=signature.id)
    assert set(db.session.scalars(covered)) == kept
    reviewed = db.select(Review.analysis_id).filter_by(case_id=case.id)
    assert set(db.session.scalars(reviewed)) == kept


def check_trail() -> None:
    audit.keep(Event.VIEW)
    found = verify()
    assert found.findings == ()
    assert found.head
    assert found.head.number == SIZE.entries + 1


def review_a_cell() -> None:
    case = copies()[-1]
    cell = next(each for each in cells_of(case) if each.review is None)
    (kept,) = record(case, case.owner_id, [Entry("f" * 32, cell.id, "lymphocyte")])
    assert kept.id == count(Review)


def check_pages(app: Flask) -> None:
    """All pages that the benchmark asks for are there."""
    token = token_of(app, ADMINISTRATOR)
    browser, program = app.test_client(), program_with(app, token)
    post(browser, "/sign-in", name=ADMINISTRATOR, password=PASSWORD)
    with app.app_context():
        pages = pages_of(app)
    statuses = {
        page.name: (program if page.by_program else browser).get(page.path).status_code
        for page in pages
    }
    assert statuses == dict.fromkeys(statuses, 200)
    with app.app_context():
        assert account_named(ADMINISTRATOR).team_id == copies()[9].team_id
