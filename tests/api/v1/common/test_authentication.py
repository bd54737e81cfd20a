"""Who gets in: a token in the header, as its account, and nothing else."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from records import db, utc_now
from records.accounts.accounts import AccountStatus, Role
from records.accounts.api_tokens import ApiToken, Scope
from records.audit.audit import Event
from tests.cases import open_case
from tests.people import PASSWORD, account_named, post
from tests.programs import program_of, program_with, token_of
from tests.trail import noted

CASES = "/api/v1/cases"


def change_token(app: Flask, **values: object) -> None:
    with app.app_context():
        for name, value in values.items():
            setattr(db.session.scalars(db.select(ApiToken)).one(), name, value)
        db.session.commit()


def change_account(app: Flask, name: str, **values: object) -> None:
    with app.app_context():
        for column, value in values.items():
            setattr(account_named(name), column, value)
        db.session.commit()


def test_a_token_opens_the_api_and_no_page(app: Flask, signed_in: FlaskClient):
    program = program_of(app, "ada")

    assert program.get(CASES).status_code == 200
    assert program.get("/cases").status_code == 302


def test_a_session_opens_no_address_of_the_api(signed_in: FlaskClient):
    assert signed_in.get("/cases").status_code == 200
    answer = signed_in.get(CASES)

    assert answer.status_code == 401
    assert answer.mimetype == "application/problem+json"
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic {}", "{}", "Bearer {}x", "Bearer " + "a" * 500]
)
def test_no_other_header_opens_it(app: Flask, signed_in: FlaskClient, header: str):
    client = app.test_client()
    sent = header.format(token_of(app, "ada"))
    assert client.get(CASES, headers={"Authorization": sent}).status_code == 401


def test_the_scheme_may_be_written_in_any_case(app: Flask, signed_in: FlaskClient):
    sent = {"Authorization": f"bearer {token_of(app, 'ada')}"}
    assert app.test_client().get(CASES, headers=sent).status_code == 200


def test_an_expired_token_opens_nothing(app: Flask, signed_in: FlaskClient):
    program = program_of(app, "ada")
    assert program.get(CASES).status_code == 200
    change_token(app, expires_at=utc_now() - timedelta(seconds=1))
    assert program.get(CASES).status_code == 401


def test_a_revoked_token_opens_nothing(app: Flask, signed_in: FlaskClient):
    program = program_of(app, "ada")
    with app.app_context():
        (token,) = db.session.scalars(db.select(ApiToken))
        token_id = token.id
    post(signed_in, f"/account/tokens/{token_id}/revoke")
    assert program.get(CASES).status_code == 401


def test_a_deactivated_account_s_token_opens_nothing(app: Flask, signed_in, colleague):
    program = program_of(app, "cleo")
    assert program.get(CASES).status_code == 200
    change_account(app, "cleo", status=AccountStatus.DEACTIVATED)
    assert program.get(CASES).status_code == 401


def test_a_token_has_the_present_role_of_its_account(app: Flask, signed_in, colleague):
    program = program_of(app, "cleo")
    assert program.get(CASES).status_code == 200
    change_account(app, "cleo", role=Role.NONE)
    answer = program.get(CASES)

    assert answer.status_code == 403
    assert "viewers, readers and reviewers" in answer.json["detail"]


def test_who_must_change_the_password_does_so_first(app: Flask, signed_in: FlaskClient):
    program = program_of(app, "ada")
    change_account(app, "ada", must_change_password=True)
    answer = program.get(CASES)

    assert answer.status_code == 403
    assert "Choose your own password" in answer.json["detail"]


def test_a_token_without_the_scope_is_told_which(app: Flask, signed_in: FlaskClient):
    answer = program_of(app, "ada", Scope.REPORT).get(CASES)

    assert answer.status_code == 403
    assert "“read”" in answer.json["detail"]


def test_wrong_tokens_are_limited_by_address_and_keep_nobody_out(app: Flask, signed_in):
    wrong = program_with(app, "leuko_wrong")
    assert [wrong.get(CASES).status_code for _ in range(12)] == [401] * 10 + [429] * 2
    assert int(wrong.get(CASES).headers["Retry-After"]) > 0

    assert program_of(app, "ada").get(CASES).status_code == 200
    client = app.test_client()
    assert post(client, "/sign-in", name="ada", password=PASSWORD).status_code == 302


def test_what_a_program_does_is_noted_as_its_account_with_the_token(app: Flask, signed_in):
    with app.app_context():
        case_id = open_case(account_named("ada").id).id
    program_of(app, "ada").get(f"{CASES}/{case_id}")

    with app.app_context():
        (entry,) = noted(Event.VIEW)
        assert (entry.account_name, entry.object_id) == ("ada", case_id)
        assert entry.known == {"page": "api_cases.show", "by_token": "ada’s script"}


def test_refusals_are_noted(app: Flask, signed_in: FlaskClient):
    program_of(app, "ada", Scope.REPORT).get(CASES)
    app.test_client().get(CASES)

    with app.app_context():
        assert [(row.account_name, row.known["status"]) for row in noted(Event.REFUSED)] == [
            ("ada", 403),
            ("", 401),
        ]


def test_no_cookie_is_set_and_english_is_spoken(app: Flask, signed_in: FlaskClient):
    answer = program_of(app, "ada").get(f"{CASES}/{'0' * 32}", headers={"Accept-Language": "de"})

    assert "Set-Cookie" not in answer.headers
    assert answer.json["detail"].startswith("There is nothing at this address")
