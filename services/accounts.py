"""What people do with accounts: sign up, sign in, change the password, approve each other."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from records import accounts as records
from records import utc_now
from records.accounts import ACTIVE, DEACTIVATED, WAITING, Account
from services.passwords import Passwords, check_password
from settings import Settings

SHORTEST_NAME, LONGEST_NAME = 3, records.NAME_LENGTH
_NAME = re.compile(r"\w[\w.@+\- ]*\w")
# How stale "last seen" may be: spares the database a write for every image of a page.
_SEEN_STEP = timedelta(minutes=1)


class UserNameError(ValueError):
    """A user name is not accepted; the text is a sentence for the person who chose it."""


class Decision(Enum):
    """What an administrator decides about an account: its status before, and after (or gone)."""

    approve = (WAITING, ACTIVE)
    refuse = (WAITING, None)
    deactivate = (ACTIVE, DEACTIVATED)
    reactivate = (DEACTIVATED, ACTIVE)


@dataclass(frozen=True)
class SignedIn:
    """The password was right and the account is active; `sign_in_id` goes into the session."""

    account: Account
    sign_in_id: str


@dataclass(frozen=True)
class NotYet:
    """The password was right, but the account waits for approval or is deactivated."""

    status: str


def clean_name(name: str) -> str:
    """The user name as kept and shown; raises `UserNameError`."""
    shown = " ".join(unicodedata.normalize("NFKC", name).split())
    if not SHORTEST_NAME <= len(shown) <= LONGEST_NAME:
        raise UserNameError(f"Please use {SHORTEST_NAME} to {LONGEST_NAME} characters.")
    if not _NAME.fullmatch(shown):
        raise UserNameError(
            "Please use letters, digits, spaces and . @ + - _ only, with a letter or digit at "
            "both ends."
        )
    return shown


def name_key(name: str) -> str:
    """The user name as compared: case, width and composition of letters make no difference."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return " ".join(folded.split())


class Accounts:
    """The accounts of one installation; `clock` tells the time (aware, UTC)."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime] = utc_now) -> None:
        self.clock = clock
        self.passwords = Passwords(settings.password_memory_kib, settings.password_passes)
        self._new_status = ACTIVE if settings.signup == "open" else WAITING
        self._idle = timedelta(minutes=settings.idle_minutes)
        self._longest = timedelta(hours=settings.session_hours)

    def sign_up(self, name: str, password: str) -> Account | None:
        """Make an account, or return None if the name is taken.

        Raises `UserNameError` or `PasswordError`. A taken name costs as much time as a free one.
        """
        shown = clean_name(name)
        check_password(password, shown)
        password_hash = self.passwords.hash(password)
        return records.add_account(shown, name_key(shown), password_hash, self._new_status)

    def sign_in(self, name: str, password: str) -> SignedIn | NotYet | None:
        """Check the password; None for unknown name and wrong password alike."""
        account = records.find_account(name_key(name))
        if not self.passwords.verify(account.password_hash if account else None, password):
            return None
        if not account.is_active:
            return NotYet(account.status)
        if self.passwords.is_outdated(account.password_hash):
            records.set_password_hash(account, self.passwords.hash(password))
        return self._start(account)

    def _start(self, account: Account) -> SignedIn:
        now = self.clock()
        records.end_sign_ins_before(now - self._longest, now - self._idle)
        return SignedIn(account, records.start_sign_in(account.id, now))

    def resume(self, sign_in_id: str | None, account_id: str) -> Account | None:
        """The account of a signed-in browser, or None once it timed out or was signed out."""
        sign_in = records.get_sign_in(sign_in_id) if sign_in_id else None
        if sign_in is None or sign_in.account_id != account_id:
            return None
        now = self.clock()
        if now - sign_in.seen_at > self._idle or now - sign_in.started_at > self._longest:
            records.end_sign_in(sign_in.id)
            return None
        if now - sign_in.seen_at > _SEEN_STEP:
            records.touch_sign_in(sign_in.id, now)
        account = records.get_account(account_id)
        return account if account and account.is_active else None

    def sign_out(self, sign_in_id: str) -> None:
        """Sign one browser out; its cookie is worth nothing from now on."""
        records.end_sign_in(sign_in_id)

    def change_password(self, account: Account, present: str, new: str) -> str | None:
        """Change the password and sign out every browser; the id of a new sign-in for this one.

        None if the present password is wrong; raises `PasswordError` for an unfit new one.
        """
        if not self.passwords.verify(account.password_hash, present):
            return None
        self.reset_password(account, new)
        return self._start(account).sign_in_id

    def reset_password(self, account: Account, new: str) -> None:
        """Set a new password and sign out every browser; raises `PasswordError`."""
        check_password(new, account.name)
        records.set_password_hash(account, self.passwords.hash(new))
        records.end_sign_ins_of(account.id)

    def decide(self, account_id: str, decision: Decision) -> bool:
        """Carry out an administrator's decision; False if the account is not in that state."""
        before, after = decision.value
        if after is None:
            return records.remove_waiting(account_id)
        changed = records.change_status(account_id, before, after)
        if changed and after == DEACTIVATED:
            records.end_sign_ins_of(account_id)
        return changed
