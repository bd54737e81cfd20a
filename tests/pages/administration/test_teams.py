"""Colleagues of a team share its analyses; what each may do with a colleague's."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from records import db
from records.accounts.accounts import Role
from records.analyses.analyses import Analysis
from tests.people import account_named, move, post
from tests.uploads import texts, upload_cell

NAME = re.compile(r'class="history-name">([^<]*)<')


@pytest.fixture
def cell(signed_in: FlaskClient) -> str:
    """The id of a cell of ada's."""
    return upload_cell(signed_in, "adas.png")


def names(client: FlaskClient, query: str = "") -> list[str]:
    return NAME.findall(client.get(f"/history{query}").text)


def give_role(app: Flask, name: str, role: str) -> None:
    with app.app_context():
        account_named(name).role = role
        db.session.commit()


def test_colleagues_see_each_others_with_the_owners_name(cell: str, signed_in, colleague):
    upload_cell(colleague, "cleos.png")

    assert names(colleague) == names(signed_in) == ["cleos.png", "adas.png"]
    page = texts(colleague.get("/history").text)
    assert re.search(r"adas.png Cell, [^,]*, [^,]* UTC ?, ada", page)
    assert not re.search(r"cleos.png Cell, [^,]*, [^,]* UTC ?, cleo", page)
    assert "by ada" in texts(colleague.get(f"/classify/{cell}").text)


def test_the_history_shows_only_ones_own_if_asked(cell: str, colleague: FlaskClient):
    upload_cell(colleague, "cleos.png")

    assert names(colleague, "?whose=mine") == ["cleos.png"]


def test_another_team_sees_nothing(cell: str, other_client: FlaskClient):
    assert names(other_client) == []
    assert other_client.get(f"/classify/{cell}").status_code == 404


def test_whose_team_it_was_stays_when_the_owner_moves(app: Flask, cell, signed_in, colleague):
    move(app, "ada", "night shift")

    assert names(signed_in) == []
    assert names(colleague) == ["adas.png"]
    upload_cell(signed_in, "later.png")
    assert names(signed_in) == ["later.png"]
    assert names(colleague) == ["adas.png"]


def test_what_a_colleague_reads_again_stays_in_the_team_of_the_image(app, cell, colleague):
    move(app, "ada", "night shift")
    post(colleague, f"/classify/{cell}/detect")

    with app.app_context():
        rows = db.session.scalars(db.select(Analysis)).all()
        assert len(rows) >= 1
        assert len({row.team_id for row in rows}) == 1


def test_a_colleagues_is_deleted_by_a_reviewer_only(app: Flask, cell: str, colleague: FlaskClient):
    for method in ("get", "post"):
        path = f"/history/{cell}/delete"
        answer = colleague.get(path) if method == "get" else post(colleague, path)
        assert answer.status_code == 403
        assert "or a reviewer of the team" in answer.text
    for page in ("/history", f"/classify/{cell}"):
        assert "/delete" not in colleague.get(page).text

    give_role(app, "cleo", Role.REVIEWER)
    assert f"/history/{cell}/delete" in colleague.get("/history").text
    assert post(colleague, f"/history/{cell}/delete").status_code == 303
    assert names(colleague) == []


def test_a_reviewer_of_another_team_deletes_nothing(app: Flask, cell: str, other_client):
    give_role(app, "ben", Role.REVIEWER)

    assert post(other_client, f"/history/{cell}/delete").status_code == 404
