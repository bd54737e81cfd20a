import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from records.accounts import accounts as records
from records.accounts import teams
from records.audit.audit import Event
from tests.people import PASSWORD, account_named, add_account, move, post
from tests.trail import noted
from tests.uploads import texts

DECISIONS = ("approve", "refuse", "deactivate", "reactivate")


@pytest.fixture
def carla(app: Flask, signed_in: FlaskClient) -> str:
    """The id of an account that waits."""
    with app.app_context():
        return app.extensions["leukoscope_accounts"].sign_up("carla", PASSWORD).id


def status(app: Flask, name: str) -> str | None:
    with app.app_context():
        account = records.find_account(name)
        return account.status if account else None


def decide(client: FlaskClient, account_id: str, decision: str):
    return post(client, f"/admin/people/{account_id}/{decision}")


def test_anonymous_visitors_are_asked_to_sign_in(client: FlaskClient, carla: str):
    assert client.get("/admin/people").headers["Location"].startswith("/sign-in")
    assert decide(client, carla, "approve").headers["Location"].startswith("/sign-in")


def test_readers_may_not(app: Flask, other_client: FlaskClient):
    with app.app_context():
        ada = account_named("ada").id

    assert other_client.get("/admin/people").status_code == 403
    assert "People" not in other_client.get("/account/password").text
    for decision in DECISIONS:
        assert decide(other_client, ada, decision).status_code == 403
    assert status(app, "ada") == "active"


def test_the_administrator_sees_everybody_and_who_waits(
    signed_in: FlaskClient, other_client: FlaskClient, carla: str
):
    page = signed_in.get("/admin/people").text

    assert page.index("Pending requests") < page.index("carla") < page.index("ben")
    assert f"/admin/people/{carla}/approve" in page


def test_many_accounts_come_a_page_at_a_time(app: Flask, signed_in: FlaskClient, carla: str):
    app.config["LEUKOSCOPE"] = app.config["LEUKOSCOPE"].model_copy(update={"page_size": 2})
    for name in ("dora", "Emil", "frida"):
        add_account(app, name)
    move(app, "frida", "ward 7")

    first, last = (signed_in.get(f"/admin/people{page}").text for page in ("", "?page=2"))
    assert [shown_accounts(page) for page in (first, last)] == [["ada", "dora"], ["Emil", "frida"]]
    assert all(f"/admin/people/{carla}/approve" in page for page in (first, last))
    for text, names in {"EMI": ["Emil"], "ward": ["frida"], "%": [], "carla": []}.items():
        assert shown_accounts(signed_in.get(f"/admin/people?text={text}").text) == names
    assert "No matching accounts" in signed_in.get("/admin/people?text=nobody").text
    assert signed_in.get(f"/admin/people?text={'x' * 2000}").status_code == 422


def shown_accounts(page: str) -> list[str]:
    """The names of those who may be changed, from top to bottom."""
    return re.findall(r'Change<span class="visually-hidden"> ([^<]+)</span>', page)


@pytest.mark.parametrize(
    ("decisions", "after"),
    [
        (["approve"], "active"),
        (["refuse"], None),
        (["approve", "deactivate"], "deactivated"),
        (["approve", "deactivate", "reactivate"], "active"),
    ],
)
def test_decisions(app: Flask, signed_in: FlaskClient, carla: str, decisions: list[str], after):
    for decision in decisions:
        answer = decide(signed_in, carla, decision)
        assert answer.headers["Location"] == "/admin/people"
        assert "carla" in signed_in.get("/admin/people").text

    assert status(app, "carla") == after


def test_a_decision_needs_its_token(app: Flask, signed_in: FlaskClient, carla: str):
    for decision in DECISIONS:
        assert signed_in.post(f"/admin/people/{carla}/{decision}").status_code == 400
    assert status(app, "carla") == "waiting"


def test_a_decision_is_no_link(signed_in: FlaskClient, carla: str):
    assert signed_in.get(f"/admin/people/{carla}/approve").status_code == 405


def test_a_decision_already_taken_is_said_so(signed_in: FlaskClient, carla: str):
    decide(signed_in, carla, "approve")
    decide(signed_in, carla, "approve")

    assert "has already changed this account" in signed_in.get("/admin/people").text


def test_one_does_not_deactivate_oneself(app: Flask, signed_in: FlaskClient):
    with app.app_context():
        ada = account_named("ada").id
    decide(signed_in, ada, "deactivate")

    assert status(app, "ada") == "active"
    assert "cannot change your own account" in signed_in.get("/admin/people").text


def test_deactivation_signs_out_at_once(app: Flask, signed_in, other_client: FlaskClient):
    with app.app_context():
        ben = account_named("ben").id
    decide(signed_in, ben, "deactivate")

    assert other_client.get("/account/password").status_code == 302


@pytest.mark.parametrize("path", ["/admin/people/unknown/approve", "/admin/people/unknown/dance"])
def test_unknown_accounts_and_decisions_are_not_found(signed_in: FlaskClient, path: str):
    assert post(signed_in, path).status_code == 404


def place(app: Flask, client: FlaskClient, name: str, **form: str):
    """Send the form of one person, whose team stays as it is if none is given."""
    account = person(app, name)
    form = {"team": account.team_id, **form}
    return post(client, f"/admin/people/{account.id}/place", **form)


def person(app: Flask, name: str) -> records.Account:
    with app.app_context():
        return account_named(name)


def test_approval_gives_role_and_team(app: Flask, signed_in, other_client, carla: str):
    team = person(app, "ben").team_id
    post(signed_in, f"/admin/people/{carla}/approve", role="viewer", team=team)

    assert (person(app, "carla").status, person(app, "carla").role) == ("active", "viewer")
    assert person(app, "carla").team_id == team


def test_a_role_and_administration_are_given_and_taken(app: Flask, signed_in, other_client):
    place(app, signed_in, "ben", role="viewer", is_administrator="y")
    assert (person(app, "ben").role, person(app, "ben").is_administrator) == ("viewer", True)
    assert other_client.get("/admin/people").status_code == 200

    place(app, signed_in, "ben", role="reviewer")
    assert (person(app, "ben").role, person(app, "ben").is_administrator) == ("reviewer", False)
    assert other_client.get("/admin/people").status_code == 403
    with app.app_context():
        assert [entry.known["after"] for entry in noted(Event.ROLE)] == ["viewer", "reviewer"]
        assert [entry.known["after"] for entry in noted(Event.ADMINISTRATOR)] == [True, False]


def test_the_last_administrator_stays_one(app: Flask, signed_in: FlaskClient, other_client):
    place(app, signed_in, "ada", role="none")

    assert person(app, "ada").is_administrator
    assert "There must be an administrator" in signed_in.get("/admin/people").text

    place(app, signed_in, "ben", role="none", is_administrator="y")
    place(app, signed_in, "ada", role="none")
    assert not person(app, "ada").is_administrator
    assert signed_in.get("/admin/people").status_code == 403


def test_a_role_that_is_none_changes_nothing(app: Flask, signed_in: FlaskClient, other_client):
    place(app, signed_in, "ben", role="surgeon", is_administrator="y")

    assert (person(app, "ben").role, person(app, "ben").is_administrator) == ("reader", False)
    assert "Nothing was changed" in signed_in.get("/admin/people").text


def test_a_new_password_is_shown_once_and_signs_out(app: Flask, signed_in, other_client):
    answer = post(signed_in, f"/admin/people/{person(app, 'ben').id}/password")
    given = re.search(r"<code>([a-z2-9-]{23})</code>", answer.text)[1]

    assert answer.headers["Cache-Control"] == "no-store"
    assert given not in signed_in.get("/admin/people").text
    assert other_client.get("/account/password").status_code == 302
    assert post(other_client, "/sign-in", name="ben", password=PASSWORD).status_code == 401
    signed = post(other_client, "/sign-in", name="ben", password=given)
    assert signed.status_code == 302
    assert other_client.get("/classify").headers["Location"] == "/account/password"


def test_ones_own_password_is_changed_elsewhere(app: Flask, signed_in: FlaskClient):
    post(signed_in, f"/admin/people/{person(app, 'ada').id}/password")

    assert "cannot change your own account" in signed_in.get("/admin/people").text


def test_teams_are_made_renamed_and_filled(app: Flask, signed_in: FlaskClient, colleague):
    post(signed_in, "/admin/teams", name="  Night   shift ")
    with app.app_context():
        night = teams.named("night shift")
    place(app, signed_in, "cleo", role="reader", team=night.id)
    post(signed_in, f"/admin/teams/{night.id}", name="Late shift")

    assert person(app, "cleo").team_id == night.id
    assert "Late shift, since" in texts(signed_in.get("/admin/people").text)
    with app.app_context():
        assert noted(Event.TEAM_CREATE)[0].known == {"name": "Night shift"}
        assert noted(Event.TEAM)[0].known["after"] == "Night shift"
        assert noted(Event.TEAM_RENAME)[0].known["after"] == "Late shift"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("LABORATORY", "Another team already has this name."),
        ("x", "3 to 64 characters"),
        ("", "3 to 64 characters"),
        ("<b>", "letters, digits"),
    ],
)
def test_a_team_needs_a_name_of_its_own(app: Flask, signed_in, other_client, name, sentence):
    with app.app_context():
        ids = {team.name: team.id for team in teams.all_teams()}
    for path in ("/admin/teams", f"/admin/teams/{ids['another team']}"):
        post(signed_in, path, name=name)
        assert sentence in signed_in.get("/admin/people").text

    with app.app_context():
        assert {team.name: team.id for team in teams.all_teams()} == ids


def test_a_team_may_be_called_otherwise_in_case_only(app: Flask, signed_in: FlaskClient):
    team = person(app, "ada").team_id
    post(signed_in, f"/admin/teams/{team}", name="LABORATORY")

    with app.app_context():
        assert teams.get(team).name == "LABORATORY"


def test_a_team_that_is_none_changes_nothing(app: Flask, signed_in, other_client: FlaskClient):
    place(app, signed_in, "ben", role="viewer", team="0" * 32)

    assert person(app, "ben").role == "reader"
    assert post(signed_in, "/admin/teams/" + "0" * 32, name="Ghosts").status_code == 404
