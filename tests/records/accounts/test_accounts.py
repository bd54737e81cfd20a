from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, StatementError

from records import db, transaction
from records.accounts import accounts as records
from records.accounts.accounts import Account, AccountStatus, SignIn
from tests.waiting import HANGS


@pytest.fixture(autouse=True)
def context(app: Flask):
    with app.app_context():
        yield


def add(name: str) -> Account | None:
    with transaction():
        return records.add_account(name, name.casefold(), "hash", AccountStatus.WAITING)


PRAGMAS = {"foreign_keys": 1, "journal_mode": "wal", "busy_timeout": 5000}


@pytest.mark.sqlite_only("settings of SQLite")
def test_every_connection_keeps_foreign_keys_and_writes_ahead():
    pragmas = {name: db.session.scalar(text(f"PRAGMA {name}")) for name in PRAGMAS}

    assert pragmas == PRAGMAS


def test_ids_are_random_and_names_unique():
    first, second = add("ada"), add("ben")

    assert len(first.id) == len(second.id) == 32
    assert first.id != second.id
    assert add("Ada") is None
    assert len(records.all_accounts()) == 2


def test_of_people_first_at_the_same_time_the_database_lets_one_be_administrator(
    app: Flask, monkeypatch
):
    # Everybody has looked, and found nobody there, before anybody is added.
    everybody, count = Barrier(4), records.any_account
    seen = []

    def look() -> bool:
        found = count()
        if len(seen) < 4:
            seen.append(found)
            everybody.wait(timeout=HANGS)
        return found

    monkeypatch.setattr(records, "any_account", look)

    def sign_up(number: int) -> None:
        with app.app_context():
            add(f"person {number}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(sign_up, range(4)))

    accounts = records.all_accounts()
    assert seen[:4] == [False] * 4
    assert len(accounts) == 4
    assert [account.is_administrator for account in accounts].count(True) == 1
    assert [account.status for account in accounts].count(AccountStatus.ACTIVE) == 1


def test_an_unknown_status_is_refused_by_the_database():
    db.session.add(Account(name="x", name_key="x", password_hash="h", status="dreaming"))

    with pytest.raises(IntegrityError):
        db.session.commit()


def test_a_status_changes_only_from_the_one_expected():
    account = add("ada")

    assert not records.change_status(account.id, AccountStatus.WAITING, AccountStatus.ACTIVE)
    assert records.change_status(account.id, AccountStatus.ACTIVE, "deactivated")
    db.session.refresh(account)
    assert not account.is_active


def test_sign_ins_go_with_their_account():
    add("ada")
    ben = add("ben")
    sign_in_id = records.start_sign_in(ben.id, datetime.now(UTC))

    assert records.remove_waiting(ben.id)
    assert records.get_sign_in(sign_in_id) is None


def test_a_sign_in_needs_an_account():
    with pytest.raises(IntegrityError):
        records.start_sign_in("nobody", datetime.now(UTC))


def test_seeing_a_browser_that_was_signed_out_meanwhile_is_no_error():
    sign_in_id = records.start_sign_in(add("ada").id, datetime.now(UTC))
    records.end_sign_in(sign_in_id)
    records.touch_sign_in(sign_in_id, datetime.now(UTC))

    assert records.get_sign_in(sign_in_id) is None


def test_times_come_back_aware_and_in_utc():
    noon = datetime(2026, 11, 22, 12, tzinfo=timezone(timedelta(hours=2)))
    sign_in_id = records.start_sign_in(add("ada").id, noon)
    db.session.expire_all()

    kept = db.session.get(SignIn, sign_in_id).started_at
    assert kept == noon
    assert kept.utcoffset() == timedelta(0)


def test_a_time_without_a_zone_is_not_kept():
    with pytest.raises(StatementError, match="without a time zone"):
        records.start_sign_in(add("ada").id, datetime(2026, 11, 22))
