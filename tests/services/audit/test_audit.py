from datetime import timedelta

import pytest
from flask import Flask

from records import db, transaction
from records.accounts import accounts
from records.audit.audit import Actor, Event
from services.accounts.accounts import Accounts, Decision
from services.audit import audit
from settings import Settings
from tests.people import PASSWORD
from tests.services.accounts.test_accounts import Clock
from tests.trail import CELL, entries, noted

NEW = "seven pale rims at noon"
SOMEBODY = Actor(None, "", "192.0.2.7")


@pytest.fixture
def people(app: Flask, settings: Settings):
    """Accounts, used by somebody at an address."""
    with app.app_context(), audit.acting(SOMEBODY):
        yield Accounts(settings, Clock())


def events() -> list[str]:
    return [entry.event for entry in entries()[1:]]


def test_without_anybody_the_server_acts(app: Flask):
    with app.app_context():
        audit.keep(Event.START, port=5000)
        entry = entries()[-1]

    assert (entry.account_name, entry.account_id, entry.address) == ("server", None, "")
    assert entry.known == {"port": 5000}


def test_a_note_is_kept_with_the_transaction_and_lost_with_it(app: Flask):
    with app.app_context():
        with pytest.raises(ZeroDivisionError), transaction():
            audit.note(Event.VIEW, CELL)
            1 / 0  # noqa: B018
        with transaction():
            audit.note(Event.DELETE, CELL)

        assert events() == ["delete"]


def test_accounts_note_what_is_done_with_them(people: Accounts):
    ada = people.sign_up("ada", PASSWORD)
    ben = people.sign_up("ben", PASSWORD)
    people.sign_up("Ben", PASSWORD)
    people.sign_in("ben", PASSWORD)
    people.decide(ben.id, Decision.approve)
    people.decide(ben.id, Decision.approve)
    people.sign_in("ben", NEW)
    signed_in = people.sign_in("ben", PASSWORD)
    people.change_password(ben, NEW, NEW)
    people.sign_out(people.change_password(ben, PASSWORD, NEW))
    people.sign_out(signed_in.sign_in_id)
    people.reset_password(ben, PASSWORD)
    for decision in (Decision.deactivate, Decision.reactivate):
        people.decide(ben.id, decision)

    assert events() == [
        "sign-up",
        "sign-up",
        "sign-up-taken",
        "sign-in-refused",
        "approve",
        "sign-in-failed",
        "sign-in",
        "password-change-failed",
        "password-change",
        "sign-in",
        "sign-out",
        "password-reset",
        "deactivate",
        "reactivate",
    ]
    assert {entry.address for entry in entries()[1:]} == {SOMEBODY.address}
    assert {entry.object_id for entry in noted(Event.SIGN_UP)} == {ada.id, ben.id}
    assert noted(Event.SIGN_IN_FAILED)[0].object_id == ben.id
    assert noted(Event.SIGN_IN_FAILED)[0].account_id is None
    assert noted(Event.SIGN_IN)[0].account_name == "ben"
    assert noted(Event.PASSWORD_CHANGE)[0].known == {"name": "ben", "signed_out": 1}


def test_a_password_typed_as_a_name_is_not_kept(people: Accounts):
    people.sign_in(NEW, PASSWORD)
    entry = noted(Event.SIGN_IN_FAILED)[0]

    assert entry.object_id is None
    assert NEW not in str(vars(entry))


def test_passwords_and_hashes_are_nowhere_in_the_trail(people: Accounts):
    ada = people.sign_up("ada", PASSWORD)
    people.change_password(ada, PASSWORD, NEW)
    kept = " ".join(str(vars(entry)) for entry in entries())

    assert PASSWORD not in kept
    assert NEW not in kept
    assert "argon2" not in kept


def test_a_session_that_timed_out_is_noted_once_when_its_cookie_comes_back(people: Accounts):
    ada = people.sign_up("ada", PASSWORD)
    sign_in_id = people.sign_in("ada", PASSWORD).sign_in_id
    people.clock.pass_by(minutes=31)
    for _ in range(2):
        assert people.resume(sign_in_id, ada.id) is None

    (entry,) = noted(Event.SESSION_EXPIRED)
    assert (entry.account_name, entry.object_id) == ("server", ada.id)


def test_sessions_that_timed_out_unseen_are_noted_at_the_next_sign_in(people: Accounts):
    people.sign_up("ada", PASSWORD)
    people.sign_in("ada", PASSWORD)
    people.clock.pass_by(hours=13)
    people.sign_in("ada", PASSWORD)

    assert events()[-2:] == ["session-expired", "sign-in"]


def test_an_act_whose_note_fails_is_not_done(people: Accounts, monkeypatch):
    people.sign_up("ada", PASSWORD)
    ben = people.sign_up("ben", PASSWORD)

    def fail(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr("records.audit.audit.append", fail)
    with pytest.raises(OSError, match="full"):
        people.decide(ben.id, Decision.approve)
    db.session.expire_all()

    assert not accounts.get_account(ben.id).is_active


def test_a_picture_is_noted_once_in_a_while(app: Flask, monkeypatch):
    ada = Actor("a" * 32, "ada", "192.0.2.1")
    with app.app_context(), audit.acting(ada):
        for _ in range(3):
            audit.keep_picture(CELL)
        assert events() == ["view"]

        now = audit.utc_now() + timedelta(minutes=31)
        monkeypatch.setattr(audit, "utc_now", lambda: now)
        audit.keep_picture(CELL)
        assert events() == ["view", "view"]
