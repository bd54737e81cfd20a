"""Sign-on at an identity provider: who gets in, who does not, and who signs a case."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from joserfc.jwk import ECKey, OctKey
from pydantic import SecretStr
from werkzeug.test import TestResponse

from app import create_app
from pages.accounts.provider import NOT_IDENTIFIED
from records import db, utc_now
from records.accounts import accounts as records
from records.accounts.accounts import AccountStatus, Role
from records.accounts.confirmations import Confirmation
from records.audit.audit import Event
from records.cases.signatures import Signature
from services.cases import review
from services.cases.review import cells_of
from settings import Settings, SettingsError
from tests import identity_provider
from tests.applications import empty_app
from tests.cases import entry, open_case, put_cell
from tests.identity_provider import CLIENT, SECRET, Provider
from tests.people import PASSWORD, account_named, add_account, post
from tests.stand_ins import stand_in_models
from tests.trail import noted

ROLES = ("haematology=reviewer", "students=viewer", "it=administrator")


@pytest.fixture
def provider() -> Iterator[Provider]:
    with identity_provider.running() as provider:
        yield provider


@pytest.fixture
def settings(settings: Settings, provider: Provider) -> Settings:
    return settings.model_copy(
        update={
            "oidc_issuer": provider.address,
            "oidc_client_id": CLIENT,
            "oidc_client_secret": SecretStr(SECRET),
            "oidc_name": "Clinic login",
            "oidc_roles": ROLES,
            "oidc_teams": ("haematology=Ward 7",),
        }
    )


def begin(client: FlaskClient, provider: Provider, path: str = "/sign-in/provider") -> dict:
    """Follow the browser to the provider and sign in there; the parameters that come back."""
    answer = client.get(path)
    assert answer.status_code == 302, answer.text
    assert answer.headers["Location"].startswith(f"{provider.address}/login?")
    return provider.authorize(answer.headers["Location"])


def come_back(client: FlaskClient, parameters: dict[str, str]) -> TestResponse:
    return client.get("/sign-in/provider/answer", query_string=parameters)


def sign_in(client: FlaskClient, provider: Provider, **claims: Any) -> TestResponse:
    provider.claims = claims
    return come_back(client, begin(client, provider))


def is_signed_in(client: FlaskClient) -> bool:
    return client.get("/account/sessions").status_code == 200


def events(app: Flask, event: Event) -> list[dict]:
    with app.app_context():
        return [entry.known for entry in noted(event)]


def test_the_first_sign_in_makes_an_account_with_role_and_team(
    app: Flask, client: FlaskClient, provider: Provider
):
    assert "Sign in with Clinic login" in client.get("/sign-in").text

    answer = sign_in(client, provider)

    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert is_signed_in(client)
    assert provider.asked["code_challenge_method"] == "S256"
    assert provider.asked["scope"] == "openid profile email"
    with app.app_context():
        account = account_named("m.curie")
        assert account.is_external
        assert (account.role, account.team.name) == (Role.REVIEWER, "Ward 7")
        assert (account.full_name, account.is_administrator) == ("Marie Curie", False)
    (made,) = events(app, Event.PROVIDER_ACCOUNT)
    assert (made["subject"], made["issuer"]) == ("4711", provider.address)
    assert events(app, Event.SIGN_IN) == [{"issuer": provider.address}]


def test_the_first_of_all_is_no_administrator_unless_a_group_says_so(
    app: Flask, client: FlaskClient, provider: Provider
):
    sign_in(client, provider, groups=["it"])

    with app.app_context():
        account = account_named("m.curie")
        assert (account.is_administrator, account.role) == (True, Role.NONE)
        assert account.founder is None


def test_the_subject_leads_to_the_account_and_neither_name_nor_address(
    app: Flask, client: FlaskClient, provider: Provider
):
    add_account(app, "m.curie")
    sign_in(client, provider, email="m.curie@clinic.example")
    other = app.test_client()
    sign_in(other, provider, sub="4712")
    again = app.test_client()
    sign_in(again, provider, preferred_username="marie", email="other@clinic.example")

    with app.app_context():
        names = [account.name for account in records.all_accounts()]
    assert names == ["m.curie", "m.curie 2", "m.curie 3"]
    assert "m.curie 2" in again.get("/account/sessions").text


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"iss": "https://evil.example"},
        {"aud": "another program"},
        {"aud": [CLIENT, "another program"]},
        {"azp": "another program"},
        {"exp": int(time.time()) - 600},
        {"exp": None},
        {"iat": int(time.time()) + 6000},
        {"sub": None},
        {"sub": ""},
        {"sub": "4" * 300},
        {"sub": 4711},
    ],
    # Not their values: each process of a run has a time of its own.
    ids="-".join,
)
def test_a_token_that_is_not_for_this_question_is_refused(
    app: Flask, client: FlaskClient, provider: Provider, claims: dict
):
    answer = sign_in(client, provider, **claims)

    assert answer.status_code == 401
    assert NOT_IDENTIFIED.format("Clinic login") in answer.text
    assert not is_signed_in(client)
    assert len(events(app, Event.PROVIDER_REFUSED)) == 1
    assert events(app, Event.REFUSED) == []


def test_a_token_without_a_signature_is_refused(client: FlaskClient, provider: Provider):
    provider.header = {"alg": "none"}

    assert sign_in(client, provider).status_code == 401


def test_a_token_signed_with_a_shared_secret_is_refused(client: FlaskClient, provider: Provider):
    provider.key, provider.header = OctKey.import_key(SECRET * 2), {"alg": "HS256"}

    assert sign_in(client, provider).status_code == 401


def test_a_token_signed_with_a_key_of_somebody_else_is_refused(
    client: FlaskClient, provider: Provider
):
    provider.key = ECKey.generate_key("P-256")

    assert sign_in(client, provider).status_code == 401


def test_a_new_key_of_the_provider_is_fetched(app: Flask, client: FlaskClient, provider: Provider):
    sign_in(client, provider)
    provider.change_key()
    provider.requests.clear()

    assert sign_in(app.test_client(), provider).status_code == 302
    assert provider.requests == ["/token", "/keys"]


def test_a_wrong_state_is_refused_and_the_question_is_used_up(
    client: FlaskClient, provider: Provider
):
    answer = begin(client, provider)

    assert come_back(client, {**answer, "state": "another"}).status_code == 401
    assert come_back(client, answer).status_code == 401
    assert not is_signed_in(client)


def test_another_browser_cannot_use_an_answer(app: Flask, client: FlaskClient, provider: Provider):
    answer, other = begin(client, provider), app.test_client()

    assert come_back(other, answer).status_code == 401
    assert not is_signed_in(other)


def test_a_code_that_was_redeemed_is_refused(client: FlaskClient, provider: Provider):
    first = begin(client, provider)
    come_back(client, first)
    post(client, "/sign-out")
    second = begin(client, provider)

    assert come_back(client, {**second, "code": first["code"]}).status_code == 401
    assert not is_signed_in(client)


def test_an_answer_of_another_issuer_is_refused(client: FlaskClient, provider: Provider):
    answer = {**begin(client, provider), "iss": "https://evil.example"}

    assert come_back(client, answer).status_code == 401


def test_an_answer_that_took_too_long_is_refused(
    app: Flask, client: FlaskClient, provider: Provider
):
    answer = begin(client, provider)
    app.extensions["leukoscope_accounts"].clock = lambda: utc_now() + timedelta(minutes=11)

    assert come_back(client, answer).status_code == 401


def test_whoever_cancels_at_the_provider_can_try_again(client: FlaskClient, provider: Provider):
    answer = begin(client, provider)

    page = come_back(client, {"state": answer["state"], "error": "access_denied"})
    assert page.status_code == 401
    assert "Sign in with Clinic login" in page.text


def test_refused_answers_are_limited_as_wrong_passwords_are(
    client: FlaskClient, provider: Provider
):
    statuses = [come_back(client, {"state": "x", "code": "y"}).status_code for _ in range(11)]

    assert statuses == [401] * 10 + [429]


def test_without_a_mapped_group_there_is_no_account_and_it_is_said_whom_to_ask(
    app: Flask, client: FlaskClient, provider: Provider
):
    add_account(app, "ada")
    answer = sign_in(client, provider, groups=["kitchen"])

    assert answer.status_code == 403
    assert "Ask an administrator (ada)" in answer.text
    with app.app_context():
        assert [one.name for one in records.all_accounts()] == ["ada"]
    assert events(app, Event.PROVIDER_REFUSED) == [{"reason": "no group", "signed_out": 0}]


@pytest.mark.parametrize("groups", [None, 7, {"haematology": 1}, [7, None], []], ids=str)
def test_groups_that_are_no_list_of_names_give_nothing(
    client: FlaskClient, provider: Provider, groups: object
):
    provider.user_info = {"sub": "4711", "groups": []}

    assert sign_in(client, provider, groups=groups).status_code == 403


def test_groups_may_come_from_the_userinfo_endpoint_of_the_same_person(
    app: Flask, client: FlaskClient, provider: Provider
):
    provider.user_info = {"sub": "4712", "groups": ["haematology"]}
    assert sign_in(client, provider, groups=None).status_code == 401

    provider.user_info["sub"] = "4711"
    assert sign_in(client, provider, groups=None).status_code == 302


def test_role_and_team_follow_the_groups_and_the_trail_says_so(
    app: Flask, client: FlaskClient, provider: Provider
):
    sign_in(client, provider)
    post(client, "/sign-out")
    sign_in(client, provider, groups=["students"])

    with app.app_context():
        assert account_named("m.curie").role == Role.VIEWER
        (entry,) = noted(Event.ROLE)
        assert (entry.account_name, entry.account_id) == ("identity provider", None)
        assert (entry.known["before"], entry.known["after"]) == ("reviewer", "viewer")
        # No group gives another team.
        assert account_named("m.curie").team.name == "Ward 7"


def test_who_is_in_no_group_any_more_is_signed_out_everywhere(
    app: Flask, client: FlaskClient, provider: Provider
):
    sign_in(client, provider)
    sign_in(app.test_client(), provider, groups=[])

    assert not is_signed_in(client)


def test_an_administrator_is_deposed_but_not_the_last(
    app: Flask, client: FlaskClient, provider: Provider
):
    sign_in(client, provider, groups=["it", "haematology"])
    sign_in(app.test_client(), provider, groups=["haematology"])
    with app.app_context():
        assert account_named("m.curie").is_administrator

    sign_in(app.test_client(), provider, sub="4712", groups=["it"], preferred_username="eve")
    sign_in(app.test_client(), provider, groups=["haematology"])
    with app.app_context():
        assert not account_named("m.curie").is_administrator


def test_a_deactivated_account_stays_out(app: Flask, client: FlaskClient, provider: Provider):
    sign_in(client, provider)
    with app.app_context():
        account_named("m.curie").status = AccountStatus.DEACTIVATED
        db.session.commit()

    again = app.test_client()
    answer = sign_in(again, provider)
    assert answer.status_code == 403
    assert "Your account is deactivated" in answer.text
    assert not is_signed_in(again)


@pytest.mark.parametrize("name", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_only_a_path_on_this_server_is_followed(client: FlaskClient, provider: Provider, name: str):
    answer = begin(client, provider, f"/sign-in/provider?next={name}")

    assert come_back(client, answer).headers["Location"] == "/"


def test_the_page_that_was_wanted_is_shown(client: FlaskClient, provider: Provider):
    assert "/sign-in/provider?next=/cases" in client.get("/sign-in?next=/cases").text
    answer = begin(client, provider, "/sign-in/provider?next=/cases")

    assert come_back(client, answer).headers["Location"] == "/cases"


def test_a_provider_that_is_down_stops_nothing_but_its_own_sign_in(
    app: Flask, client: FlaskClient, provider: Provider
):
    add_account(app, "ada")
    provider.down = True
    answer = client.get("/sign-in/provider?next=/cases")

    assert answer.status_code == 503
    assert "Clinic login cannot be reached now" in answer.text
    assert 'action="/sign-in?next=/cases"' in answer.text
    assert post(client, "/sign-in", name="ada", password=PASSWORD).status_code == 302


def test_a_provider_that_is_down_is_not_asked_again_at_once(
    app: Flask, client: FlaskClient, provider: Provider
):
    provider.down = True
    for _ in range(3):
        assert client.get("/sign-in/provider").status_code == 503
    assert len(provider.requests) == 1

    provider.down = False
    app.extensions["leukoscope_accounts"].clock = lambda: utc_now() + timedelta(seconds=11)
    assert sign_in(client, provider).status_code == 302


def test_no_redirect_of_the_provider_is_followed(client: FlaskClient, provider: Provider):
    answer = begin(client, provider)
    provider.moved = True

    assert come_back(client, answer).status_code == 503
    assert "/elsewhere" not in provider.requests


@pytest.mark.parametrize(
    "described",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": None},
        {"jwks_uri": "ftp://evil.example/keys"},
    ],
    ids=str,
)
def test_a_provider_that_describes_itself_wrongly_is_not_used(
    client: FlaskClient, provider: Provider, described: dict
):
    provider.described = described

    assert client.get("/sign-in/provider").status_code == 503


def test_behind_a_proxy_the_answer_comes_to_the_address_of_the_browser(
    settings: Settings, provider: Provider
):
    with empty_app(settings.model_copy(update={"proxies": 1})) as app:
        client = app.test_client()
        headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"}
        answer = client.get("/sign-in/provider", headers=headers, base_url="http://leuko.clinic")
        provider.authorize(answer.headers["Location"])

    assert provider.asked["redirect_uri"] == "https://leuko.clinic/sign-in/provider/answer"


def test_signing_out_offers_to_do_so_at_the_provider(client: FlaskClient, provider: Provider):
    sign_in(client, provider)
    answer = post(client, "/sign-out")

    assert answer.headers["Location"] == "/sign-in/provider/signed-out"
    assert not is_signed_in(client)
    page = client.get("/sign-in/provider/signed-out").text
    assert f"{provider.address}/logout?client_id={CLIENT}&amp;post_logout_redirect_uri=" in page

    provider.down = True
    assert client.get("/sign-in/provider/signed-out").status_code == 200


def test_there_is_no_password_to_use_change_or_reset(
    app: Flask, client: FlaskClient, provider: Provider
):
    sign_in(client, provider)
    asking = ("password", "second-factor", "second-factor/keys/new", "tokens", "webhooks")
    for page in asking:
        assert client.get(f"/account/{page}").status_code == 403
    assert "Change password" not in client.get("/account/sessions").text
    assert post(client, "/account/sessions").status_code == 302
    for password in ("", PASSWORD):
        local = post(app.test_client(), "/sign-in", name="m.curie", password=password)
        assert local.status_code == 401

    with app.app_context():
        curie = account_named("m.curie").id
    ada = app.test_client()
    add_account(app, "ada")
    with app.app_context():
        account_named("ada").is_administrator = True
        db.session.commit()
    post(ada, "/sign-in", name="ada", password=PASSWORD)
    post(ada, f"/admin/people/{curie}/password")
    with app.app_context():
        assert account_named("m.curie").is_external
    assert "has no password here" in ada.get("/admin/people").text
    command = ["accounts", "reset-password", "m.curie", "--password", PASSWORD]
    at_the_shell = app.test_cli_runner().invoke(args=command)
    assert at_the_shell.exit_code == 1
    assert "has no password here" in at_the_shell.output


def test_without_a_provider_there_is_no_trace_of_one(settings: Settings):
    with empty_app(settings.model_copy(update={"oidc_issuer": ""})) as app:
        client = app.test_client()
        add_account(app, "ada")

        assert "provider" not in client.get("/sign-in").text
        assert post(client, "/sign-in", name="ada", password=PASSWORD).status_code == 302
        for path in ("", "/answer", "/confirm", "/confirm/ask", "/signed-out"):
            assert client.get(f"/sign-in/provider{path}").status_code == 404
        assert "dentity provider" not in client.get("/admin/people").text


def test_a_team_that_can_have_no_such_name_stops_the_start(settings: Settings):
    with pytest.raises(SettingsError, match="OIDC_TEAMS names the team “x”"):
        create_app(settings.model_copy(update={"oidc_teams": ("a=x",)}), stand_in_models())


def test_no_second_factor_of_the_program_is_asked_for(settings: Settings, provider: Provider):
    with empty_app(settings.model_copy(update={"second_factor": "everybody"})) as app:
        client = app.test_client()
        sign_in(client, provider)

        assert is_signed_in(client)


def test_passwords_may_be_left_to_administrators(settings: Settings):
    with empty_app(settings.model_copy(update={"oidc_local": "administrators"})) as app:
        client = app.test_client()
        assert client.get("/sign-up").status_code == 200
        add_account(app, "ada")
        add_account(app, "ben")

        assert client.get("/sign-up").status_code == 403
        refused = post(client, "/sign-in", name="ben", password=PASSWORD)
        assert (refused.status_code, "only administrators" in refused.text) == (401, True)
        assert post(client, "/sign-in", name="ada", password=PASSWORD).status_code == 302


def test_passwords_may_be_turned_off(settings: Settings):
    with empty_app(settings.model_copy(update={"oidc_local": "off"})) as app:
        client = app.test_client()
        add_account(app, "ada")

        assert "password" not in client.get("/sign-in").text
        assert client.get("/sign-up").status_code == 403
        assert post(client, "/sign-in", name="ada", password=PASSWORD).status_code == 403


TYPED = {"conclusion": "No blasts.", "reason_white_cells": "Only two cells."}


@pytest.fixture
def path(app: Flask, client: FlaskClient, provider: Provider) -> str:
    """The sign-off of a case with nothing left to review, of somebody from the provider."""
    sign_in(client, provider)
    return reviewed_case(app, "m.curie")


def reviewed_case(app: Flask, name: str) -> str:
    with app.app_context():
        reader = account_named(name).id
        case = open_case(reader)
        put_cell(case, "normal", 0.02)
        db.session.commit()
        review.record(case, reader, [entry(cell.id, "lymphocyte") for cell in cells_of(case)])
        return f"/cases/{case.id}/sign-off"


def send(client: FlaskClient, path: str, **changes: str) -> TestResponse:
    """Fill the form in and send it, with whatever warns given a reason."""
    page = client.get(path).text
    return post(
        client, path.split("?")[0], **{**_hidden(page), **_reasons(page), **TYPED, **changes}
    )


def _hidden(page: str) -> dict[str, str]:
    form = page.split('id="sign-form"')[1]
    values = {}
    for name in ("seen", *(["identity"] if 'name="identity"' in form else [])):
        value = form.split(f'name="{name}"')[1].split(">")[0]
        values[name] = value.split('value="')[1].split('"')[0]
    return values


def _reasons(page: str) -> dict[str, str]:
    names = {part.split('"')[0] for part in page.split('name="reason_')[1:]}
    return {f"reason_{name}": "Known." for name in names}


def confirm(client: FlaskClient, provider: Provider, **claims: Any) -> str:
    """Go to the provider, sign in there, come back; the address of the case."""
    assert "Continue with Clinic login" in client.get("/sign-in/provider/confirm").text
    provider.claims = claims
    answer = come_back(client, begin(client, provider, "/sign-in/provider/confirm/ask"))
    assert answer.status_code == 302
    return answer.headers["Location"].split("#")[0]


def signatures(app: Flask) -> list[Signature]:
    with app.app_context():
        return list(db.session.scalars(db.select(Signature)))


def test_a_case_is_signed_after_the_provider_confirmed_who_it_is(
    app: Flask, client: FlaskClient, provider: Provider, path: str
):
    assert 'type="password"' not in client.get(path).text
    asked = send(client, path)
    assert (asked.status_code, asked.headers["Location"]) == (303, "/sign-in/provider/confirm")
    assert signatures(app) == []

    back = confirm(client, provider)
    assert (provider.asked["prompt"], provider.asked["max_age"]) == ("login", "0")
    page = client.get(back).text
    assert "Identity confirmed by Clinic login" in page
    assert "No blasts." in page

    assert send(client, back).status_code == 303
    (signature,) = signatures(app)
    assert signature.conclusion == "No blasts."
    assert len(events(app, Event.IDENTITY_CONFIRMED)) == 1


def test_the_provider_is_not_asked_before_the_form_is_complete(
    client: FlaskClient, provider: Provider, path: str
):
    assert send(client, path, conclusion=" ").status_code == 422
    assert send(client, path, reason_white_cells="").status_code == 422


@pytest.mark.parametrize(
    "claims",
    [
        {"auth_time": int(time.time()) - 3600},
        {"auth_time": None},
        {"auth_time": "now"},
        {"sub": "4712"},
        {"nonce": "another"},
    ],
    # Not their values: each process of a run has a time of its own.
    ids="-".join,
)
def test_without_a_sign_in_just_now_of_the_same_person_nothing_is_signed_and_all_is_kept(
    app: Flask, client: FlaskClient, provider: Provider, path: str, claims: dict
):
    send(client, path)
    back = confirm(client, provider, **claims)

    page = client.get(back).text
    assert "did not confirm your identity" in page
    assert "No blasts." in page
    assert send(client, back).headers["Location"] == "/sign-in/provider/confirm"
    assert signatures(app) == []
    assert is_signed_in(client)


def test_a_confirmation_holds_for_what_was_typed_alone(
    app: Flask, client: FlaskClient, provider: Provider, path: str
):
    send(client, path)
    back = confirm(client, provider)

    again = send(client, back, conclusion="Many blasts.")
    assert again.headers["Location"] == "/sign-in/provider/confirm"
    assert signatures(app) == []


@pytest.mark.parametrize("identity", ["0" * 32, "%00", "a" * 9000, "-"], ids=len)
def test_a_confirmation_that_is_none_leaves_the_page_as_it_is(
    client: FlaskClient, path: str, identity: str
):
    page = client.get(f"{path}?identity={identity}")

    assert page.status_code == 200
    assert "Identity confirmed by" not in page.text


def test_a_confirmation_does_not_hold_for_long(
    app: Flask, client: FlaskClient, provider: Provider, path: str
):
    send(client, path)
    back = confirm(client, provider)
    app.extensions["leukoscope_accounts"].clock = lambda: utc_now() + timedelta(minutes=6)

    assert send(client, back).headers["Location"] == "/sign-in/provider/confirm"
    assert signatures(app) == []


def test_a_confirmation_holds_in_one_browser_and_goes_with_its_session(
    app: Flask, client: FlaskClient, provider: Provider, path: str
):
    send(client, path)
    back = confirm(client, provider)
    other = app.test_client()
    sign_in(other, provider)

    assert "Identity confirmed by" not in other.get(back).text
    assert send(other, path, identity=back.split("identity=")[1]).status_code == 303
    assert signatures(app) == []
    post(other, "/sign-out")
    post(client, "/sign-out")
    with app.app_context():
        assert db.session.scalars(db.select(Confirmation)).all() == []


def test_a_provider_that_is_down_keeps_what_was_typed(
    app: Flask, client: FlaskClient, provider: Provider, path: str
):
    send(client, path)
    app.extensions["leukoscope_accounts"].clock = lambda: utc_now() + timedelta(minutes=1)
    app.extensions["leukoscope_external_accounts"].provider._metadata = None
    provider.down = True
    answer = client.get("/sign-in/provider/confirm/ask")

    page = client.get(answer.headers["Location"]).text
    assert "cannot be reached" in page
    assert "No blasts." in page


def test_nothing_waits_for_a_browser_that_asked_for_nothing(client: FlaskClient, provider, path):
    assert client.get("/sign-in/provider/confirm").status_code == 409
    assert client.get("/sign-in/provider/confirm/ask").status_code == 409


def test_a_local_account_still_signs_with_its_password_alone(app: Flask, provider: Provider):
    add_account(app, "ada")
    client = app.test_client()
    post(client, "/sign-in", name="ada", password=PASSWORD)
    path = reviewed_case(app, "ada")
    assert send(client, path, password="wrong", identity="0" * 32).status_code == 422
    assert send(client, path, password=PASSWORD).status_code == 303
    assert len(signatures(app)) == 1
