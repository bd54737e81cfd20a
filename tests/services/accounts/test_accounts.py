from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from records.accounts import accounts as records
from records.accounts.accounts import AccountStatus
from services.accounts.accounts import (
    Accounts,
    Decision,
    NotYet,
    SignedIn,
    UserNameError,
    clean_name,
    name_key,
)
from services.accounts.passwords import PasswordError
from settings import Settings
from tests.people import PASSWORD

NEW = "seven pale rims at noon"


class Clock:
    """A time that stands still until it is moved on."""

    def __init__(self):
        self.now = datetime(2026, 11, 22, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **time: float) -> None:
        self.now += timedelta(**time)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def accounts(app: Flask, settings: Settings, clock: Clock) -> Iterator[Accounts]:
    with app.app_context():
        yield Accounts(settings, clock)


@pytest.fixture
def signed_in_ada(accounts: Accounts) -> SignedIn:
    accounts.sign_up("ada", PASSWORD)
    return accounts.sign_in("ada", PASSWORD)


@pytest.fixture
def signed_in_ben(accounts: Accounts, signed_in_ada: SignedIn) -> SignedIn:
    """Who is no administrator, and may be deactivated."""
    accounts.decide(accounts.sign_up("ben", PASSWORD).id, Decision.approve)
    return accounts.sign_in("ben", PASSWORD)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("  ada   lovelace ", "ada lovelace"),
        ("ａｄａ", "ada"),
        ("Zoë.M-L", "Zoë.M-L"),
        ("王小明", "王小明"),
    ],
)
def test_names_are_kept_tidy(given: str, kept: str):
    assert clean_name(given) == kept


@pytest.mark.parametrize("name", ["", "ab", "a" * 65, "a<b>c", "-ada", "ada\x00x", "ada\u202ex"])
def test_unfit_names_are_refused(name: str):
    with pytest.raises(UserNameError):
        clean_name(name)


@pytest.mark.parametrize("name", ["ADA", "ａｄａ", " ada "])
def test_names_are_compared_without_case_and_width(name: str):
    assert name_key(name) == "ada"


def test_composed_letters_are_the_same_name():
    assert name_key("Zoe\u0308") == name_key("ZO\u00cb")


def test_the_first_account_is_the_administrators_and_later_ones_wait(accounts: Accounts):
    first, second = accounts.sign_up("ada", PASSWORD), accounts.sign_up("ben", PASSWORD)

    assert (first.status, first.is_administrator) == (AccountStatus.ACTIVE, True)
    assert (second.status, second.is_administrator) == (AccountStatus.WAITING, False)


def test_open_sign_up_makes_active_readers(app: Flask, settings: Settings):
    accounts = Accounts(settings.model_copy(update={"signup": "open"}))
    with app.app_context():
        accounts.sign_up("ada", PASSWORD)
        second = accounts.sign_up("ben", PASSWORD)

        assert (second.status, second.is_administrator) == (AccountStatus.ACTIVE, False)


def test_a_taken_name_makes_no_account_and_changes_none(accounts: Accounts):
    accounts.sign_up("ada", PASSWORD)

    assert accounts.sign_up("ADA", NEW) is None
    assert accounts.sign_in("ada", NEW) is None
    assert isinstance(accounts.sign_in("ada", PASSWORD), SignedIn)


def test_a_taken_name_is_hashed_like_a_free_one(accounts: Accounts, monkeypatch):
    accounts.sign_up("ada", PASSWORD)
    hashed = []
    monkeypatch.setattr(accounts.passwords, "hash", lambda password: hashed.append(password) or "x")

    accounts.sign_up("ada", PASSWORD)
    accounts.sign_up("ben", PASSWORD)

    assert len(hashed) == 2


def test_an_unfit_password_makes_no_account(accounts: Accounts):
    with pytest.raises(PasswordError):
        accounts.sign_up("ada", "password1234")

    assert not records.any_account()


def test_unknown_name_and_wrong_password_cost_one_verification_each(accounts, monkeypatch):
    accounts.sign_up("ada", PASSWORD)
    verified, verify = [], accounts.passwords._hasher.verify

    class CountingHasher:
        def verify(self, kept: str, password: str) -> bool:
            verified.append(kept)
            return verify(kept, password)

    monkeypatch.setattr(accounts.passwords, "_hasher", CountingHasher())

    assert accounts.sign_in("ada", NEW) is None
    assert accounts.sign_in("nobody", NEW) is None
    assert len(verified) == 2
    # The same cost: algorithm and parameters, which stand before salt and digest.
    known, unknown = (kept.rsplit("$", 2)[0] for kept in verified)
    assert known == unknown


def test_only_the_right_password_tells_that_an_account_waits(accounts: Accounts):
    accounts.sign_up("ada", PASSWORD)
    accounts.sign_up("ben", PASSWORD)

    assert accounts.sign_in("ben", NEW) is None
    assert accounts.sign_in("ben", PASSWORD) == NotYet(AccountStatus.WAITING)


def test_a_hash_of_an_older_cost_is_renewed_at_sign_in(app: Flask, settings: Settings):
    with app.app_context():
        Accounts(settings).sign_up("ada", PASSWORD)
        dearer = Accounts(settings.model_copy(update={"password_memory_kib": 16}))
        dearer.sign_in("ada", PASSWORD)

        account = records.find_account("ada")
        assert "m=16," in account.password_hash
        assert isinstance(dearer.sign_in("ada", PASSWORD), SignedIn)


def test_a_browser_stays_signed_in_while_it_is_used(accounts, signed_in_ada, clock):
    for _ in range(5):
        clock.pass_by(minutes=29)
        assert accounts.resume(signed_in_ada.sign_in_id, signed_in_ada.account.id) is not None


def test_a_browser_is_signed_out_after_the_idle_time(accounts, signed_in_ada, clock):
    clock.pass_by(minutes=30, seconds=1)

    assert accounts.resume(signed_in_ada.sign_in_id, signed_in_ada.account.id) is None
    clock.pass_by(minutes=-20)
    assert accounts.resume(signed_in_ada.sign_in_id, signed_in_ada.account.id) is None


def test_a_browser_is_signed_out_after_the_longest_time_in_any_case(accounts, signed_in_ada, clock):
    account_id, sign_in_id = signed_in_ada.account.id, signed_in_ada.sign_in_id
    for _ in range(36):
        clock.pass_by(minutes=20)
        assert accounts.resume(sign_in_id, account_id) is not None
    clock.pass_by(minutes=1)

    assert accounts.resume(sign_in_id, account_id) is None


def test_a_sign_in_belongs_to_its_account(accounts, signed_in_ada):
    ben = accounts.sign_up("ben", PASSWORD)
    accounts.decide(ben.id, Decision.approve)

    assert accounts.resume(signed_in_ada.sign_in_id, ben.id) is None
    assert accounts.resume(None, ben.id) is None


def test_sign_out_ends_one_browser(accounts, signed_in_ada):
    other = accounts.sign_in("ada", PASSWORD)
    accounts.sign_out(signed_in_ada.sign_in_id)

    assert accounts.resume(signed_in_ada.sign_in_id, signed_in_ada.account.id) is None
    assert accounts.resume(other.sign_in_id, other.account.id) is not None


def test_a_changed_password_ends_every_browser_but_this_one(accounts, signed_in_ada):
    account_id = signed_in_ada.account.id
    other = accounts.sign_in("ada", PASSWORD)
    renewed = accounts.change_password(signed_in_ada.account, PASSWORD, NEW)

    assert accounts.resume(signed_in_ada.sign_in_id, account_id) is None
    assert accounts.resume(other.sign_in_id, account_id) is None
    assert accounts.resume(renewed, account_id) is not None
    assert accounts.sign_in("ada", PASSWORD) is None
    assert isinstance(accounts.sign_in("ada", NEW), SignedIn)


def test_a_password_changes_only_with_the_present_one_and_to_a_fit_one(accounts, signed_in_ada):
    assert accounts.change_password(signed_in_ada.account, NEW, NEW) is None
    with pytest.raises(PasswordError):
        accounts.change_password(signed_in_ada.account, PASSWORD, "password1234")
    assert isinstance(accounts.sign_in("ada", PASSWORD), SignedIn)


def test_signing_in_forgets_browsers_that_timed_out(accounts, signed_in_ada, clock):
    clock.pass_by(hours=13)
    accounts.sign_in("ada", PASSWORD)

    assert records.get_sign_in(signed_in_ada.sign_in_id) is None


def test_deactivation_ends_every_browser_and_reactivation_lets_sign_in(accounts, signed_in_ben):
    account_id = signed_in_ben.account.id

    assert accounts.decide(account_id, Decision.deactivate)
    assert accounts.resume(signed_in_ben.sign_in_id, account_id) is None
    assert accounts.sign_in("ben", PASSWORD) == NotYet(AccountStatus.DEACTIVATED)
    assert accounts.decide(account_id, Decision.reactivate)
    assert isinstance(accounts.sign_in("ben", PASSWORD), SignedIn)


def test_a_sign_in_that_crossed_with_the_deactivation_is_worth_nothing(accounts, signed_in_ada):
    account_id = signed_in_ada.account.id
    records.change_status(account_id, AccountStatus.ACTIVE, AccountStatus.DEACTIVATED)

    assert accounts.resume(signed_in_ada.sign_in_id, account_id) is None


def test_refusing_removes_only_those_who_wait(accounts, signed_in_ada):
    ben = accounts.sign_up("ben", PASSWORD)

    assert accounts.decide(ben.id, Decision.refuse)
    assert records.find_account("ben") is None
    assert not accounts.decide(signed_in_ada.account.id, Decision.refuse)


def test_a_decision_already_taken_is_not_taken_again(accounts, signed_in_ada):
    ben = accounts.sign_up("ben", PASSWORD)

    assert accounts.decide(ben.id, Decision.approve)
    assert not accounts.decide(ben.id, Decision.approve)
    assert not accounts.decide(ben.id, Decision.refuse)
