from datetime import timedelta

import pytest
from flask import Flask

from records import db, utc_now
from records.accounts import api_tokens as records
from records.accounts.accounts import AccountStatus
from records.accounts.api_tokens import Scope
from records.audit.audit import Event
from services.accounts import api_tokens
from services.accounts.api_tokens import MOST_TOKENS, TokenError
from tests.people import account_named, add_account
from tests.trail import noted


@pytest.fixture(autouse=True)
def _in_the_application(app: Flask):
    add_account(app, "ada")
    with app.app_context():
        yield


def test_a_token_finds_its_account_and_is_kept_as_a_hash():
    token, text = api_tokens.create(account_named("ada"), "Camera", [Scope.UPLOAD, Scope.READ], 30)

    assert api_tokens.find(text).account.name == "ada"
    assert token.scopes == ["read", "upload"]
    assert text.startswith("leuko_")
    assert text not in str(vars(token))
    assert timedelta(days=29) < token.expires_at - utc_now() <= timedelta(days=30)
    assert api_tokens.find(text + "x") is None


def test_what_is_noted_has_no_secret():
    token, text = api_tokens.create(account_named("ada"), "Camera", [Scope.READ], 1)
    api_tokens.revoke(token)

    (made,), (gone,) = noted(Event.TOKEN_CREATE), noted(Event.TOKEN_REVOKE)
    assert made.known["token"] == gone.known["token"] == "Camera"
    assert made.known["scopes"] == ["read"]
    assert not any(part in made.details for part in (text, token.hash))


def test_a_token_opens_nothing_once_expired_revoked_or_its_account_is_deactivated():
    ada = account_named("ada")
    expired, first = api_tokens.create(ada, "1", [Scope.READ], 1)
    revoked, second = api_tokens.create(ada, "2", [Scope.READ], 1)
    _, third = api_tokens.create(ada, "3", [Scope.READ], 1)
    assert all(map(api_tokens.find, (first, second, third)))

    expired.expires_at = utc_now() - timedelta(seconds=1)
    db.session.commit()
    assert api_tokens.revoke(revoked)
    assert api_tokens.find(first) is None
    assert api_tokens.find(second) is None
    ada.status = AccountStatus.DEACTIVATED
    db.session.commit()
    assert api_tokens.find(third) is None


def test_the_last_use_is_kept_to_the_minute():
    token, text = api_tokens.create(account_named("ada"), "Camera", [Scope.READ], 1)
    assert token.used_at is None
    api_tokens.find(text)
    first = records.get(token.id).used_at
    api_tokens.find(text)

    assert first is not None
    assert records.get(token.id).used_at == first


@pytest.mark.parametrize(("scopes", "days"), [((), 30), ([Scope.READ], 0), ([Scope.READ], 366)])
def test_a_token_has_a_scope_and_ends_within_a_year(scopes, days: int):
    with pytest.raises(ValueError, match="a token needs"):
        api_tokens.create(account_named("ada"), "Camera", scopes, days)


def test_an_account_has_a_limited_number_of_tokens():
    for number in range(MOST_TOKENS):
        api_tokens.create(account_named("ada"), str(number), [Scope.READ], 1)
    with pytest.raises(TokenError, match="Revoke one first"):
        api_tokens.create(account_named("ada"), "one more", [Scope.READ], 1)
