"""Security keys: added, used in place of a code, and removed."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from pages.accounts.accounts import WRONG_KEY
from pages.accounts.security_keys import NOT_ACCEPTED
from pages.common.site import NEEDS_A_NAME, present_site
from records.accounts import security_keys
from records.audit.audit import Event
from tests.authenticator import Authenticator, options_on
from tests.pages.accounts.test_second_factor import (
    PAGE,
    code_of,
    enrol,
    is_signed_in,
    pass_by,
    sign_in,
)
from tests.people import PASSWORD, account_named, csrf_token, post, sign_in_as
from tests.trail import entries, noted

KEYS = f"{PAGE}/keys"


@pytest.fixture
def secret(app: Flask, signed_in: FlaskClient) -> str:
    """The secret of ada's app, whose last code is of the past."""
    secret, _ = enrol(app, signed_in)
    pass_by(app, minutes=2)
    return secret


def begin(app: Flask, client: FlaskClient, secret: str, name: str = "Ring") -> TestResponse:
    return post(client, f"{KEYS}/new", name=name, password=PASSWORD, code=code_of(app, secret))


def add(app: Flask, client: FlaskClient, secret: str, key: Authenticator, **asked) -> TestResponse:
    page = begin(app, client, secret).text
    return post(client, KEYS, name="Ring", answer=key.create(options_on(page), **asked))


@pytest.fixture
def key(app: Flask, signed_in: FlaskClient, secret: str) -> Authenticator:
    """A key of ada."""
    key = Authenticator()
    assert add(app, signed_in, secret, key).headers["Location"] == PAGE
    pass_by(app, minutes=4)
    return key


@pytest.fixture
def waiting(app: Flask, key: Authenticator) -> FlaskClient:
    """A browser in which ada gave the password."""
    client = app.test_client()
    sign_in(client)
    return client


def asked_on(client: FlaskClient) -> dict:
    return options_on(client.get("/sign-in/code").text)


def give(client: FlaskClient, answer: str, **query: str) -> TestResponse:
    return client.post(
        "/sign-in/key",
        data={"csrf_token": csrf_token(client), "answer": answer},
        query_string=query,
    )


def test_a_key_is_added_and_signs_in(app: Flask, key: Authenticator, waiting: FlaskClient):
    assert not is_signed_in(waiting)
    answer = give(waiting, key.get(asked_on(waiting)), next="/history")

    assert answer.headers["Location"] == "/history"
    assert is_signed_in(waiting)
    page = waiting.get(PAGE).text
    assert "Ring" in page
    assert "last used" in page
    with app.app_context():
        assert json.loads(entries()[-1].details)["second_factor"] == "security key"
        assert len(noted(Event.SECURITY_KEY)) == 1


def test_adding_needs_the_password_and_a_code(app: Flask, signed_in: FlaskClient, secret: str):
    wrong = {"name": "Ring", "password": "not the password", "code": code_of(app, secret)}
    for form in (wrong, wrong | {"password": PASSWORD, "code": "000000"}):
        answer = post(signed_in, f"{KEYS}/new", **form)
        assert answer.status_code == 422
        assert "data-options" not in answer.text

    stray = post(signed_in, KEYS, name="Ring", answer="{}")
    assert stray.status_code == 422
    assert NOT_ACCEPTED in stray.text


def test_adding_signs_other_browsers_out(app: Flask, signed_in: FlaskClient, secret: str):
    other = app.test_client()
    sign_in(other)
    post(other, "/sign-in/code", code=code_of(app, secret))
    pass_by(app, minutes=3)
    assert is_signed_in(other)

    add(app, signed_in, secret, Authenticator())
    assert is_signed_in(signed_in)
    assert not is_signed_in(other)


def test_a_key_that_is_known_is_not_added_again(
    app: Flask, signed_in: FlaskClient, secret: str, key: Authenticator
):
    page = begin(app, signed_in, secret).text
    assert len(options_on(page)["excludeCredentials"]) == 1
    answer = post(signed_in, KEYS, name="Again", answer=key.create(options_on(page)))

    assert NOT_ACCEPTED in answer.text
    assert "Again" not in signed_in.get(PAGE).text


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "https://localhost", "http://localhost:1"]
)
def test_an_answer_from_another_site_is_refused(
    app: Flask, signed_in: FlaskClient, secret: str, origin: str
):
    answer = add(app, signed_in, secret, Authenticator(), origin=origin)
    assert NOT_ACCEPTED in answer.text


@pytest.mark.parametrize(
    "wrong", [{"origin": "http://evil.example"}, {"host": "evil.example"}], ids=str
)
def test_a_sign_in_from_another_site_is_refused(
    key: Authenticator, waiting: FlaskClient, wrong: dict
):
    answer = give(waiting, key.get(asked_on(waiting), **wrong))

    assert answer.status_code == 401
    assert WRONG_KEY in answer.text
    assert not is_signed_in(waiting)


def test_an_answer_works_once(app: Flask, key: Authenticator, waiting: FlaskClient):
    other = app.test_client()
    sign_in(other)
    answer = key.get(asked_on(waiting))
    assert give(waiting, answer).status_code == 302
    assert give(other, answer).status_code == 401


def test_of_the_same_answer_at_once_one_gets_in(
    app: Flask, key: Authenticator, waiting: FlaskClient
):
    answer, token = key.get(asked_on(waiting)), csrf_token(waiting)
    cookie = waiting.get_cookie("leukoscope").value
    together = Barrier(4)

    def attempt(_number: int) -> int:
        client = app.test_client()
        client.set_cookie("leukoscope", cookie)
        together.wait()
        form = {"csrf_token": token, "answer": answer}
        sent = client.post("/sign-in/key", data=form)
        return int(sent.status_code == 302 and is_signed_in(client))

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(attempt, range(4))) == 1


def test_a_wrong_answer_uses_the_challenge_up(key: Authenticator, waiting: FlaskClient):
    asked = asked_on(waiting)
    assert give(waiting, Authenticator().get(asked)).status_code == 401
    assert give(waiting, key.get(asked)).status_code == 401
    assert give(waiting, key.get(asked_on(waiting))).status_code == 302


def test_another_persons_key_opens_nothing(app: Flask, key: Authenticator, waiting: FlaskClient):
    ben = sign_in_as(app, "ben")
    secret, _ = enrol(app, ben)
    pass_by(app, minutes=8)
    bens = Authenticator()
    add(app, ben, secret, bens)

    assert give(waiting, bens.get(asked_on(waiting))).status_code == 401


def test_a_copied_key_is_noticed_by_its_counter(
    app: Flask, key: Authenticator, waiting: FlaskClient
):
    key.count = 10
    assert give(waiting, key.get(asked_on(waiting))).status_code == 302
    key.count = 5
    other = app.test_client()
    sign_in(other)
    assert give(other, key.get(asked_on(other))).status_code == 401


def test_wrong_answers_count_with_wrong_codes(key: Authenticator, waiting: FlaskClient):
    for _ in range(5):
        assert give(waiting, "{}").status_code == 401

    assert give(waiting, key.get(asked_on(waiting))).status_code == 429
    assert post(waiting, "/sign-in/code", code="000000").status_code == 429


def test_an_answer_without_a_password_leads_back(app: Flask, key: Authenticator):
    client = app.test_client()
    assert give(client, "{}").headers["Location"].startswith("/sign-in")


def test_a_code_works_beside_a_key(
    app: Flask, secret: str, key: Authenticator, waiting: FlaskClient
):
    assert 'name="code"' in waiting.get("/sign-in/code").text
    assert post(waiting, "/sign-in/code", code=code_of(app, secret)).status_code == 302


def test_a_key_is_removed_with_password_and_code(
    app: Flask, signed_in: FlaskClient, secret: str, key: Authenticator, waiting: FlaskClient
):
    with app.app_context():
        (kept,) = security_keys.of_account(account_named("ada").id)
    path = f"{KEYS}/{kept.id}/remove"
    assert "Ring" in signed_in.get(path).text
    assert post(signed_in, path, password=PASSWORD, code="000000").status_code == 422

    post(signed_in, path, password=PASSWORD, code=code_of(app, secret))
    assert "removed. Your other browsers" in signed_in.get(PAGE).text
    with app.app_context():
        assert len(noted(Event.SECURITY_KEY_REMOVE)) == 1
    sign_in(waiting)
    assert "data-options" not in waiting.get("/sign-in/code").text


def test_somebody_elses_key_is_not_found(app: Flask, key: Authenticator):
    with app.app_context():
        (kept,) = security_keys.of_account(account_named("ada").id)
    ben = sign_in_as(app, "ben")
    assert ben.get(f"{KEYS}/{kept.id}/remove").status_code == 404
    form = {"password": PASSWORD, "code": "000000"}
    assert post(ben, f"{KEYS}/{kept.id}/remove", **form).status_code == 404


def test_without_an_app_there_are_no_keys(signed_in: FlaskClient):
    assert signed_in.get(f"{KEYS}/new").headers["Location"] == PAGE


def test_removing_the_second_factor_removes_the_keys(
    app: Flask, signed_in: FlaskClient, secret: str, key: Authenticator
):
    post(signed_in, f"{PAGE}/remove", password=PASSWORD, code=code_of(app, secret))
    with app.app_context():
        assert security_keys.of_account(account_named("ada").id) == []


def test_an_administrators_reset_removes_the_keys(app: Flask, signed_in: FlaskClient):
    ben = sign_in_as(app, "ben")
    secret, _ = enrol(app, ben)
    pass_by(app, minutes=2)
    add(app, ben, secret, Authenticator())
    with app.app_context():
        bens_id = account_named("ben").id
        assert len(security_keys.of_account(bens_id)) == 1

    post(signed_in, f"/admin/people/{bens_id}/second-factor")
    with app.app_context():
        assert security_keys.of_account(bens_id) == []


def test_an_ip_address_offers_no_keys(app: Flask, key: Authenticator):
    address = "http://127.0.0.1"
    elsewhere = app.test_client()
    form = {"name": "ada", "password": PASSWORD}
    page = elsewhere.get("/sign-in", base_url=address).text
    token = page.split('name="csrf-token" content="')[1].split('"')[0]
    elsewhere.post("/sign-in", data=form | {"csrf_token": token}, base_url=address)
    page = elsewhere.get("/sign-in/code", base_url=address).text

    assert 'name="code"' in page
    assert "data-options" not in page


def test_the_page_offers_to_add_one(signed_in: FlaskClient, secret: str):
    page = signed_in.get(PAGE).text
    assert "Add a security key" in page
    assert NEEDS_A_NAME not in page


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@hypothesis_settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(place=st.integers(0, 5), junk=JUNK, cut=st.integers(0, 400))
def test_damaged_answers_are_refused(app: Flask, key, place: int, junk, cut: int):
    accounts = app.extensions["leukoscope_accounts"]
    with app.test_request_context("/"):
        site = present_site()
        sign_in_id = accounts.sign_in("ada", PASSWORD).sign_in_id
        asked = json.loads(accounts.ask_for_key(sign_in_id, site))
        answer = json.loads(key.get(asked))
        places = [(answer["response"], name) for name in answer["response"]]
        within, name = [*places, (answer, "id"), (answer, "rawId"), (answer, "type")][place]
        within[name] = junk if cut % 2 else within[name][: -1 - cut % 40]
        text = json.dumps(answer)
        assert accounts.sign_in_with_key(sign_in_id, text, site) is None
