"""The rules of connections, and who may write when, in the kind of database of this run."""

import threading
import traceback
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError

from records import db, exclusive_transaction, take_write_lock, transaction
from records.accounts import accounts
from records.accounts.accounts import Account
from records.accounts.teams import Team
from records.engines import POSTGRESQL
from records.faults import Fault, fault_of
from settings import Settings
from tests.records.analyses.test_analyses import account
from tests.waiting import HANGS


@pytest.fixture(autouse=True)
def context(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


@pytest.fixture
def ada() -> Account:
    return db.session.get_one(Account, account("ada"))


def impatient() -> None:
    """Let the next transaction of this thread wait for nobody."""
    if db.engine.dialect.name == POSTGRESQL:
        db.session.execute(text("SET LOCAL lock_timeout = '50ms'"))
    else:
        db.session.execute(text("PRAGMA busy_timeout = 50"))


def in_another_thread(app: Flask, act) -> list:
    """What came of it: an answer, or what was raised."""
    outcome = []

    def run() -> None:
        with app.app_context():
            try:
                outcome.append(act())
            except OperationalError as error:
                outcome.append(error)
                db.session.rollback()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(HANGS)
    assert outcome
    return outcome


def rename(account_id: str, name: str) -> None:
    impatient()
    with transaction():
        db.session.execute(update(Account).where(Account.id == account_id).values(name=name))


def lock_and_end() -> None:
    impatient()
    take_write_lock(db.session())
    db.session.rollback()


@pytest.mark.parametrize("exclusive", [True, False])
def test_whoever_has_changed_something_or_will_keeps_all_others_from_writing(
    app: Flask, settings: Settings, ada: Account, exclusive: bool
):
    ada_id = ada.id
    with transaction():
        if exclusive:
            take_write_lock(db.session())
        else:
            db.session.add(Team(name="night", name_key="night"))
            db.session.flush()
        for act in (lambda: rename(ada_id, "eve"), lock_and_end):
            (refused,) = in_another_thread(app, act)
            assert fault_of(refused, settings.instance_dir) is Fault.BUSY
    assert in_another_thread(app, lambda: rename(ada_id, "eve")) == [None]


def test_others_read_what_was_committed_meanwhile(app: Flask, ada: Account):
    ada_id = ada.id
    with transaction():
        ada.name = "eve"
        db.session.flush()
        name = select(Account.name).where(Account.id == ada_id)
        assert in_another_thread(app, lambda: db.session.scalar(name)) == ["ada"]
    assert in_another_thread(app, lambda: db.session.scalar(name)) == ["eve"]


def test_an_exclusive_transaction_sees_what_was_committed_before_it(app: Flask, ada: Account):
    ada_id = ada.id
    assert accounts.get_account(ada_id).name == "ada"
    in_another_thread(app, lambda: rename(ada_id, "eve"))

    with exclusive_transaction(ada):
        assert ada.name == "eve"


def test_the_lock_of_one_transaction_is_not_that_of_the_next(app: Flask, ada: Account):
    """On the same connection of the pool."""
    for _ in range(2):
        with transaction():
            take_write_lock(db.session())
            (refused,) = in_another_thread(app, lock_and_end)
            assert isinstance(refused, OperationalError)
        assert in_another_thread(app, lock_and_end) == [None]


def test_names_are_sorted_by_their_code_points():
    keys = ["zoe", "ada b", "adab", "éa", "ada-c", "_x", "10", "9"]
    for key in keys:
        account(key)
    by_name = select(Account.name_key).order_by(Account.name_key)
    assert list(db.session.scalars(by_name)) == sorted(keys)


@pytest.mark.postgres_only("settings of PostgreSQL")
def test_every_connection_of_postgresql_has_the_rules_of_this_program():
    asked = ("transaction_isolation", "lock_timeout", "timezone", "datestyle", "application_name")
    told = [db.session.scalar(text(f"SHOW {name}")) for name in asked]
    assert told == ["read committed", "5s", "UTC", "ISO, DMY", "leukoscope"]


@pytest.mark.postgres_only("SQLite quotes no row")
def test_an_error_of_postgresql_tells_nothing_of_the_row(ada: Account):
    with pytest.raises(IntegrityError, match="null value in column") as caught:
        db.session.execute(update(Account).values(status=None))
    told = "".join(traceback.format_exception(caught.value))
    assert "ada" not in told
    assert "Failing row" not in told
