import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from pages.accounts.accounts_forms import NOT_CONFIRMED
from pages.accounts.tokens_forms import NO_SCOPE
from records.accounts import api_tokens as records
from records.audit.audit import Event
from services.accounts import api_tokens
from tests.people import PASSWORD, account_named, post
from tests.trail import noted

PAGE = "/account/tokens"
FORM = {"name": "Camera 2", "read": "y", "upload": "y", "days": "30", "password": PASSWORD}


def token_on(page: str) -> str:
    (text,) = re.findall(r"leuko_[\w-]+", page)
    return text


def ids(app: Flask, name: str) -> list[str]:
    with app.app_context():
        return [token.id for token in records.of_account(account_named(name).id)]


def test_a_token_is_shown_once_and_acts_as_its_owner(app: Flask, signed_in: FlaskClient):
    answer = post(signed_in, PAGE, **FORM)
    text = token_on(answer.text)

    assert answer.status_code == 200
    with app.app_context():
        token = api_tokens.find(text)
        assert (token.account.name, token.name) == ("ada", "Camera 2")
        assert token.scopes == ["read", "upload"]
    page = signed_in.get(PAGE).text
    assert "Camera 2" in page
    assert "leuko_" not in page


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"password": "wrong"}, NOT_CONFIRMED),
        ({"read": "", "upload": ""}, NO_SCOPE),
        ({"name": " "}, "Enter a name."),
        ({"days": "366"}, "Not a valid choice"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_made(app, signed_in, changed, sentence):
    form = {key: value for key, value in {**FORM, **changed}.items() if value}
    answer = post(signed_in, PAGE, **form)

    assert answer.status_code == 422
    assert str(sentence) in answer.text
    assert ids(app, "ada") == []


def test_wrong_passwords_are_limited(signed_in: FlaskClient):
    answers = [post(signed_in, PAGE, **{**FORM, "password": "wrong"}) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [422] * 5 + [429]


def test_one_revokes_ones_own_tokens_alone(app: Flask, signed_in, colleague: FlaskClient):
    post(signed_in, PAGE, **FORM)
    (token_id,) = ids(app, "ada")
    assert post(colleague, f"{PAGE}/{token_id}/revoke").status_code == 404
    assert ids(app, "ada") == [token_id]

    answer = post(signed_in, f"{PAGE}/{token_id}/revoke")
    assert (answer.status_code, answer.headers["Location"]) == (303, PAGE)
    assert "Token “Camera 2” revoked." in signed_in.get(PAGE).text
    assert ids(app, "ada") == []
    assert post(signed_in, f"{PAGE}/{token_id}/revoke").status_code == 404


def test_administrators_see_and_revoke_everybodys(app: Flask, signed_in, colleague: FlaskClient):
    post(colleague, PAGE, **FORM)
    (token_id,) = ids(app, "cleo")
    page = signed_in.get("/admin/tokens").text
    assert "Camera 2" in page
    assert "cleo" in page

    answer = post(signed_in, f"/admin/tokens/{token_id}/revoke")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/admin/tokens")
    assert ids(app, "cleo") == []
    with app.app_context():
        (entry,) = noted(Event.TOKEN_REVOKE)
        assert (entry.account_name, entry.known) == ("ada", {"name": "cleo", "token": "Camera 2"})
    assert post(signed_in, f"/admin/tokens/{token_id}/revoke").status_code == 404
