from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from flask import Flask

from records import db
from records.accounts import accounts as records
from services.accounts import people
from services.accounts.accounts import Accounts, Decision
from services.accounts.people import LastAdministratorError
from settings import Settings
from tests.people import PASSWORD
from tests.waiting import HANGS


@pytest.fixture
def accounts(app: Flask, settings: Settings):
    """Two administrators, ada and ben."""
    with app.app_context():
        accounts = Accounts(settings)
        accounts.sign_up("ada", PASSWORD)
        ben = accounts.sign_up("ben", PASSWORD)
        accounts.decide(ben.id, Decision.approve)
        people.set_administrator(ben, True)
        yield accounts


def names() -> list[str]:
    db.session.expire_all()
    return [account.name for account in records.administrators()]


def test_each_role_may_what_those_before_it_may():
    for number, role in enumerate(records.Role):
        account = records.Account(role=role)
        may = [other for other in records.Role if account.has_role(other)]
        assert may == list(records.Role)[: number + 1]


def test_one_of_two_may_go_and_the_last_stays(accounts: Accounts):
    ada, ben = records.find_account("ada"), records.find_account("ben")
    people.set_administrator(ada, False)

    assert names() == ["ben"]
    with pytest.raises(LastAdministratorError, match="must be an administrator"):
        people.set_administrator(ben, False)
    with pytest.raises(LastAdministratorError):
        accounts.decide(ben.id, Decision.deactivate)
    assert names() == ["ben"]


def test_a_deactivated_administrator_does_not_count(accounts: Accounts):
    accounts.decide(records.find_account("ben").id, Decision.deactivate)

    with pytest.raises(LastAdministratorError):
        people.set_administrator(records.find_account("ada"), False)


def test_two_who_depose_each_other_at_the_same_time_leave_one(app: Flask, accounts: Accounts):
    both = Barrier(2)

    def depose(name: str) -> bool:
        with app.app_context():
            account = records.find_account(name)
            both.wait(timeout=HANGS)
            try:
                people.set_administrator(account, False)
            except LastAdministratorError:
                return False
            return True

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(depose, ("ada", "ben")))

    assert sorted(done) == [False, True]
    assert len(names()) == 1


def test_a_deactivated_account_becomes_administrator_from_the_shell(accounts: Accounts):
    ben = records.find_account("ben")
    people.set_administrator(ben, False)
    accounts.decide(ben.id, Decision.deactivate)
    people.recover_administrator(ben)

    assert names() == ["ada", "ben"]
