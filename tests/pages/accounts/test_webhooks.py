import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from pages.accounts.accounts_forms import NOT_CONFIRMED
from pages.accounts.tokens_forms import NO_SCOPE
from pages.accounts.webhooks_forms import NOT_USABLE
from records.programs import webhooks as records
from services.programs import webhooks as service
from tests.cases import open_case, put_field
from tests.people import PASSWORD, account_named, post

PAGE = "/account/webhooks"
FORM = {"url": "https://lis.example/hook", "field_read": "y", "password": PASSWORD}


def ids(app: Flask, name: str) -> list[str]:
    with app.app_context():
        return [one.id for one in records.of_account(account_named(name).id)]


def test_the_secret_is_shown_once(app: Flask, signed_in: FlaskClient):
    answer = post(signed_in, PAGE, **FORM)
    (secret,) = re.findall(r"whsec_[\w-]+", answer.text)
    (webhook_id,) = ids(app, "ada")

    assert secret == app.extensions["leukoscope_deliveries"].secret_of(webhook_id)
    page = signed_in.get(PAGE).text
    assert "https://lis.example/hook" in page
    assert "A field was read" in page
    assert "whsec_" not in page


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"password": "wrong"}, NOT_CONFIRMED),
        ({"field_read": ""}, NO_SCOPE),
        ({"url": "ftp://lis.example"}, NOT_USABLE),
        ({"url": " "}, NOT_USABLE),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_made(app, signed_in, changed, sentence):
    form = {key: value for key, value in {**FORM, **changed}.items() if value}
    answer = post(signed_in, PAGE, **form)

    assert answer.status_code == 422
    assert str(sentence) in answer.text
    assert ids(app, "ada") == []


def test_the_last_messages_are_listed(app: Flask, signed_in: FlaskClient, monkeypatch):
    monkeypatch.setattr(service, "_wake", [])
    post(signed_in, PAGE, **FORM)
    (webhook_id,) = ids(app, "ada")
    assert "No messages yet." in signed_in.get(f"{PAGE}/{webhook_id}").text
    with app.app_context():
        put_field(open_case(account_named("ada").id))
        (delivery,) = records.newest_of(webhook_id, 2)
        records.note(delivery.id, tries=2, said="HTTP 500")

    page = signed_in.get(f"{PAGE}/{webhook_id}").text
    assert "A field was read" in page
    assert "2 attempts: HTTP 500" in page
    assert "Waiting" in page


def test_one_sees_and_removes_ones_own_alone(app: Flask, signed_in, colleague: FlaskClient):
    post(signed_in, PAGE, **FORM)
    (webhook_id,) = ids(app, "ada")
    assert colleague.get(f"{PAGE}/{webhook_id}").status_code == 404
    assert post(colleague, f"{PAGE}/{webhook_id}/remove").status_code == 404

    answer = post(signed_in, f"{PAGE}/{webhook_id}/remove")
    assert (answer.status_code, answer.headers["Location"]) == (303, PAGE)
    assert ids(app, "ada") == []
