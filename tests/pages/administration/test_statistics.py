import re
from datetime import timedelta

from flask import Flask
from flask.testing import FlaskClient

from records import utc_now
from records.audit.audit import Event
from tests.cases import open_case
from tests.people import account_named
from tests.services.statistics.test_laboratory import sign
from tests.trail import noted
from tests.uploads import texts

PATH = "/admin/statistics"


def fill(app: Flask) -> None:
    """One case that took two days, and one that is not signed."""
    with app.app_context():
        ada, now = account_named("ada").id, utc_now()
        case = open_case(ada, created_at=now - timedelta(days=2))
        sign(case.id, ada, now)
        open_case(ada, "B-2")


def test_without_cases_the_page_says_so(signed_in: FlaskClient):
    page = signed_in.get(PATH).text
    assert "No cases in this period" in page
    assert "<svg viewBox" not in page


def test_the_work_is_shown_in_charts_and_tables(app: Flask, signed_in: FlaskClient):
    fill(app)
    page = signed_in.get(PATH).text
    message = texts(page)
    for told in ("Opened 2", "Signed 1", "Cells signed 10", "Turnaround, median 2.0 d"):
        assert told in message
    assert "Agreement with the models 75%" in message
    assert re.search(r"ada 1 10 1 2\.0 d 2\.0 d 75%", message)
    assert page.count('role="img"') == 8
    assert "Turnaround in days, by reader" in page


def test_the_period_is_chosen(app: Flask, signed_in: FlaskClient):
    fill(app)
    assert 'name="since"' in signed_in.get(PATH).text
    assert "No cases in this period" in signed_in.get(f"{PATH}?until=2026-01-01").text
    answer = signed_in.get(f"{PATH}?since=2026-02-01&until=2026-01-01")
    assert answer.status_code == 422
    assert "The end date is before the start date." in answer.text
    assert signed_in.get(f"{PATH}/weeks.csv?since=no").status_code == 422


def test_tables_are_files_too(app: Flask, signed_in: FlaskClient):
    fill(app)
    weeks = signed_in.get(f"{PATH}/weeks.csv").text.lstrip("\ufeff").splitlines()
    readers = signed_in.get(f"{PATH}/readers.csv").text.lstrip("\ufeff").splitlines()
    columns = "signed,cells,blast_cases,median_hours,p90_hours,agreement"
    assert weeks[0] == f"week_from,opened,{columns}"
    assert weeks[-1].endswith(",1,10,1,48.0,48.0,0.7500")
    assert readers == [f"reader,{columns}", "ada,1,10,1,48.0,48.0,0.7500"]
    with app.app_context():
        tables = [entry.known for entry in noted(Event.STATISTICS)]
    assert tables == [{"table": "weeks"}, {"table": "readers"}]
