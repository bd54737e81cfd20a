from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy.exc import IntegrityError

from records import db
from records.accounts import accounts, security_keys
from records.accounts.security_keys import SecurityKey
from tests.people import add_account

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def ada(app: Flask):
    ada = add_account(app, "ada")
    with app.app_context():
        yield ada


def add(account_id: str, credential_id: bytes = b"one", host: str = "localhost") -> SecurityKey:
    key = SecurityKey(
        account_id=account_id,
        name="Ring",
        host=host,
        credential_id=credential_id,
        public_key=b"public",
        sign_count=0,
    )
    security_keys.add(key)
    return key


def test_keys_are_found_by_account_and_host(app: Flask, ada: str):
    ben = add_account(app, "ben")
    add(ada)
    add(ada, b"two", "clinic.example")

    assert len(security_keys.of_account(ada)) == security_keys.count(ada) == 2
    (here,) = security_keys.of_account(ada, "localhost")
    assert here.credential_id == b"one"
    assert security_keys.get(ada, here.id) is here
    assert security_keys.get(ben, here.id) is None
    assert not security_keys.remove(ben, here.id)
    assert security_keys.remove(ada, here.id)
    assert not security_keys.is_known(b"one")


def test_a_credential_is_registered_once(app: Flask, ada: str):
    add(ada)
    with pytest.raises(IntegrityError):
        add(ada)
    db.session.rollback()


def test_a_challenge_is_taken_once(ada: str):
    sign_in_id = accounts.start_sign_in(ada, NOON)
    assert accounts.take_challenge(sign_in_id) is None
    accounts.set_challenge(sign_in_id, b"first")
    accounts.set_challenge(sign_in_id, b"second")

    assert accounts.take_challenge(sign_in_id) == b"second"
    assert accounts.take_challenge(sign_in_id) is None
