"""What an administrator decides about people: their role, and who else is an administrator."""

from __future__ import annotations

from records import db, take_write_lock, transaction
from records.accounts import accounts as records
from records.accounts.accounts import Account, AccountStatus, Role
from records.audit.audit import Event
from services.audit.audit import about_account, note
from services.language import gettext


class LastAdministratorError(Exception):
    """Nobody would be left to decide about accounts; the text is a sentence."""

    def __init__(self) -> None:
        super().__init__(gettext("There must be an administrator. Make another account one first."))


def set_role(account: Account, role: Role) -> None:
    """Give an account another role; the same one again changes nothing."""
    if account.role == role:
        return
    with transaction():
        note(Event.ROLE, about_account(account), name=account.name, before=account.role, after=role)
        account.role = role


def set_administrator(account: Account, is_administrator: bool) -> None:
    """Make an account an administrator's, or no longer; raises `LastAdministratorError`."""
    if account.is_administrator == is_administrator:
        return
    with transaction():
        if not is_administrator:
            keep_an_administrator(account)
        note(Event.ADMINISTRATOR, about_account(account), name=account.name, after=is_administrator)
        account.is_administrator = is_administrator


def recover_administrator(account: Account) -> None:
    """Make an account an active administrator's, whatever it was: for the CLI."""
    if not account.is_active:
        with transaction():
            note(Event.REACTIVATE, about_account(account), name=account.name)
            account.status = AccountStatus.ACTIVE
    set_administrator(account, True)


def keep_an_administrator(account: Account | None) -> None:
    """Raise `LastAdministratorError` if this is the only active one; in a transaction.

    Two administrators who depose each other at the same time are served one after the other.
    """
    take_write_lock(db.session())
    if [one.id for one in records.administrators()] == [account and account.id]:
        raise LastAdministratorError
