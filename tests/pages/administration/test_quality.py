import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, event

from records import db, utc_now
from records.accounts.accounts import Role
from records.audit.audit import Event
from tests.cases import open_case
from tests.people import account_named, add_account, move, post
from tests.trail import noted
from tests.uploads import texts
from tests.watch import PALE, SIZE, STEADY, put_days, put_watched

PATH = "/statistics/quality"


def fill(app: Flask, name: str = "ada", depths: tuple[float, ...] = (*STEADY, *PALE)) -> str:
    """A field a day up to today; gives the id of the team."""
    with app.app_context():
        account = account_named(name)
        put_days(account.id, depths, utc_now().date())
        return account.team_id


def become(app: Flask, name: str, role: Role, administrator: bool = False) -> None:
    with app.app_context():
        account = account_named(name)
        account.role, account.is_administrator = role, administrator
        db.session.commit()


def test_without_fields_the_page_says_so(signed_in: FlaskClient):
    page = signed_in.get(PATH)
    assert page.status_code == 200
    assert "No fields yet" in page.text
    assert "<svg viewBox" not in page.text
    assert signed_in.get(f"{PATH}/measures.csv").status_code == 404


def test_charts_and_table_show_what_changed(app: Flask, signed_in: FlaskClient):
    fill(app)
    page = signed_in.get(PATH).text
    message = texts(page)
    assert page.count('role="img"') == 6  # None of out-of-distribution cells, nor of agreement.
    assert "Stain depth outside the limits" in message
    assert message.count("outside the limits") == 1
    assert "Laboratory · 2592 × 1944 (29 fields)" in message
    assert message.count("No limits yet: they need 12 points, and the baseline has 0.") == 2
    assert re.search(r"0\.200 outside 0\.600 5\.0% 230\.0 0\.400 – 10\.0% –", message)
    assert page.count("chart-dot is-out") >= 2


def test_many_teams_cost_no_further_queries(app: Flask, signed_in: FlaskClient):
    fill(app)
    with app.app_context(), counted(db.engine) as before:
        signed_in.get(PATH)
    for name in ("ben", "cleo", "dora"):
        add_account(app, name)
        move(app, name, f"team of {name}")
        fill(app, name)
    with app.app_context(), counted(db.engine) as after:
        page = signed_in.get(PATH).text
    assert "team of dora" in page
    assert len(after) == len(before)


@contextmanager
def counted(engine: Engine) -> Iterator[list[str]]:
    """What is asked of the database meanwhile."""
    asked: list[str] = []

    def note(*shown: object) -> None:
        asked.append(str(shown[2]))

    event.listen(engine, "before_cursor_execute", note)
    yield asked
    event.remove(engine, "before_cursor_execute", note)


def test_the_period_series_and_weeks_are_chosen(app: Flask, signed_in: FlaskClient):
    team = fill(app)
    with app.app_context():
        put_watched(account_named("ada").id, utc_now().date(), size=(800, 600))
    today = utc_now().date()
    few = signed_in.get(f"{PATH}?since={today - timedelta(days=2)}").text
    assert few.count("<tr>") == 4
    assert "No fields in this period" in signed_in.get(f"{PATH}?until=2020-01-01").text
    small = texts(signed_in.get(f"{PATH}?series={team}:800x600").text)
    assert "Laboratory · 800 × 600 (1 field)" in small
    assert "the baseline has 1" in small
    weekly = signed_in.get(f"{PATH}?by=week").text
    assert "Week from" in weekly
    assert signed_in.get(f"{PATH}?series={team}:1x1").status_code == 422
    wrong = signed_in.get(f"{PATH}?since=2026-02-01&until=2026-01-01")
    assert wrong.status_code == 422
    assert "The end date is before the start date." in wrong.text
    assert signed_in.get(f"{PATH}/measures.csv?since=no").status_code == 422


def test_the_numbers_are_a_file_too(app: Flask, signed_in: FlaskClient):
    fill(app)
    rows = signed_in.get(f"{PATH}/measures.csv").text.lstrip("\ufeff").splitlines()
    assert rows[0] == "measure,day,value,number,average,low,high,outside"
    depth = [row for row in rows if row.startswith("depth,")]
    assert len(depth) == len(STEADY) + len(PALE)
    assert re.fullmatch(rf"depth,{utc_now().date()},0\.2000,1,0\.2\d+,0\.2\d+,0\.3\d+,1", depth[-1])
    with app.app_context():
        assert [entry.known for entry in noted(Event.STATISTICS)] == [{"table": "quality"}]


def test_a_reviewer_sees_the_own_team_alone(
    app: Flask, signed_in: FlaskClient, other_client: FlaskClient
):
    own, others = fill(app, "ben", STEADY), fill(app, "ada")
    assert other_client.get(PATH).status_code == 403
    become(app, "ben", Role.REVIEWER)
    page = other_client.get(PATH)
    assert page.status_code == 200
    assert others not in page.text
    assert "outside the limits" not in page.text
    for path in (PATH, f"{PATH}/measures.csv"):
        assert other_client.get(f"{path}?series={others}:2592x1944").status_code == 422
    assert "Baseline and QC slide of" not in page.text
    assert post(other_client, f"{PATH}/{own}").status_code == 403
    administrators = signed_in.get(f"{PATH}?series={own}:2592x1944").text
    assert "another team · 2592 × 1944 (24 fields)" in texts(administrators)


def alerts(client: FlaskClient) -> list[str]:
    return re.findall(r'notice-warning" role="status">(.*?) <a', client.get("/cases").text)


def test_the_worklist_says_what_changed_and_since_when(app: Flask, signed_in: FlaskClient):
    fill(app)
    (said,) = alerts(signed_in)
    assert re.fullmatch(r"Staining has changed since \d\d \w{3}\.", said)
    assert f'href="{PATH}"' in signed_in.get("/cases").text


@pytest.mark.parametrize("depths", [STEADY, STEADY[:8]])
def test_the_worklist_says_nothing_of_what_is_as_before(
    app: Flask, signed_in: FlaskClient, depths: list[float]
):
    fill(app, depths=tuple(depths))
    assert alerts(signed_in) == []


def test_alerts_are_for_those_who_may_see_the_charts(
    app: Flask, signed_in: FlaskClient, colleague: FlaskClient, other_client: FlaskClient
):
    fill(app)
    become(app, "ben", Role.REVIEWER)
    assert alerts(other_client) == []
    assert alerts(colleague) == []
    become(app, "cleo", Role.REVIEWER)
    assert len(alerts(colleague)) == 1


def test_no_more_than_two_sentences(app: Flask, signed_in: FlaskClient):
    with app.app_context():
        ada, today = account_named("ada").id, utc_now().date()
        for before in range(24, 0, -1):
            put_watched(ada, today - timedelta(days=before))
        for _ in range(3):
            changed = {"light": 150.0, "focus": 0.2, "cast": 0.2, "balance": 0.9, "depth": 0.1}
            put_watched(ada, today, measures=changed)
    assert len(alerts(signed_in)) == 2


def test_a_new_baseline_is_saved_and_noted(app: Flask, signed_in: FlaskClient):
    team = fill(app)
    assert len(alerts(signed_in)) == 1
    day = str(utc_now().date() - timedelta(days=4))
    answer = post(signed_in, f"{PATH}/{team}", baseline_from=day)
    assert (answer.status_code, answer.headers["Location"]) == (
        303,
        f"{PATH}?series={team}:{SIZE[0]}x{SIZE[1]}",
    )
    page = signed_in.get(PATH).text
    assert "Settings of the quality watch saved." in page
    assert f'value="{day}"' in page
    assert alerts(signed_in) == []
    post(signed_in, f"{PATH}/{team}", baseline_from=day)
    assert "Nothing was changed." in signed_in.get(PATH).text
    with app.app_context():
        (entry,) = noted(Event.WATCH)
        assert (entry.object_id, entry.known["baseline_from"]) == (team, day)


def slide(app: Flask, blasts: int, day: date) -> None:
    with app.app_context():
        ada = account_named("ada").id
        case = open_case(ada, "QC-1")
        put_watched(ada, day, case.id, blast=blasts)


EXPECTED = {"pseudonym": "qc-1", "low": "20", "high": "30,5", "least_white": "50"}


def test_a_slide_is_named_and_compared(app: Flask, signed_in: FlaskClient):
    today = utc_now().date()
    slide(app, 44, today)
    team = fill(app, depths=tuple(STEADY))
    post(signed_in, f"{PATH}/{team}", **EXPECTED)
    page = signed_in.get(PATH).text
    message = texts(page)
    assert "Expected: 20 to 30.5% blasts among at least 50 white cells" in message
    assert "100 44% Outside" in message
    assert 'value="QC-1"' in page
    (said,) = alerts(signed_in)
    assert said.startswith("The QC slide was outside its limits on ")
    post(signed_in, f"{PATH}/{team}", **{**EXPECTED, "high": "50"})
    assert "100 44% As expected" in texts(signed_in.get(PATH).text)
    assert alerts(signed_in) == []
    post(signed_in, f"{PATH}/{team}", pseudonym="")
    assert "Expected:" not in texts(signed_in.get(PATH).text)
    with app.app_context():
        assert "QC-1" not in " ".join(entry.details for entry in noted(Event.WATCH))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"pseudonym": "QC-2"}, "The team has no case of this pseudonym."),
        ({"low": ""}, "Enter a percentage."),
        ({"low": "40"}, "Must not be below the lowest."),
        ({"high": "101"}, "Use 0 to 100, as 40 or 0.5."),
        ({"least_white": "many"}, "Use a whole number, as 100."),
        (
            {"baseline_from": "2026-03-02", "baseline_until": "2026-03-01"},
            "The end date is before the start date.",
        ),
    ],
)
def test_what_cannot_be_set_is_said(
    app: Flask, signed_in: FlaskClient, changes: dict[str, str], sentence: str
):
    slide(app, 25, utc_now().date())
    team = fill(app, depths=(0.3,))
    answer = post(signed_in, f"{PATH}/{team}", **{**EXPECTED, **changes})
    assert answer.status_code == 422
    assert sentence in answer.text
    assert "Nothing was saved." in answer.text
    with app.app_context():
        assert noted(Event.WATCH) == []


def test_a_team_that_is_not_there_has_no_settings(signed_in: FlaskClient):
    assert post(signed_in, f"{PATH}/{'0' * 32}").status_code == 404
