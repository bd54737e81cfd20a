"""Tokens of programs: made and revoked by their account, and asked for with each request."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from records import transaction, utc_now
from records.accounts import api_tokens as records
from records.accounts.accounts import Account
from records.accounts.api_tokens import ApiToken, Scope
from records.audit.audit import Event
from services.audit.audit import about_account, note
from services.language import lazy_gettext

PREFIX = "leuko_"
"""What every token begins with, for programs that look for lost ones."""

MOST_TOKENS = 20
"""Tokens of one account."""

LONGEST_DAYS = 365
"""Days after which a token ends at the latest."""

TOO_MANY = lazy_gettext("You have {} tokens, the most that one account can have. Revoke one first.")

_USED_STEP = timedelta(minutes=1)
"""How stale "last used" may be: spares the database a write for every request."""


class TokenError(ValueError):
    """A token cannot be made; the text is a sentence for the person who asked for it."""


def create(
    account: Account, name: str, scopes: Collection[Scope], days: int
) -> tuple[ApiToken, str]:
    """Make a token of an account.

    Args:
        account: for whom it acts.
        name: by which its owner knows it.
        scopes: what it is for, at least one.
        days: after how many it ends, 1 to `LONGEST_DAYS`.

    Returns:
        What is kept of it, and its text, which is kept nowhere.

    Raises:
        TokenError: the account has as many as it can have.
        ValueError: no scope, or a number of days out of range.
    """
    if not scopes or not 1 <= days <= LONGEST_DAYS:
        raise ValueError("a token needs a scope, and an end within a year")
    text, now = PREFIX + secrets.token_urlsafe(32), utc_now()
    with transaction():
        if records.count(account.id) >= MOST_TOKENS:
            raise TokenError(TOO_MANY.format(MOST_TOKENS))
        token = ApiToken(
            account_id=account.id,
            name=name,
            hash=digest(text),
            scopes=[scope.value for scope in Scope if scope in scopes],
            created_at=now,
            expires_at=now + timedelta(days=days),
        )
        records.add(token)
        note(
            Event.TOKEN_CREATE,
            about_account(account),
            token=name,
            scopes=token.scopes,
            expires=token.expires_at.isoformat(timespec="seconds"),
        )
    return token, text


def find(text: str) -> ApiToken | None:
    """Find the token of this text, and note its use; None for one that opens nothing now."""
    token, now = records.find(digest(text)), utc_now()
    if token is None or token.expires_at <= now or not token.account.is_active:
        return None
    if token.used_at is None or now - token.used_at > _USED_STEP:
        _note_use(token, now)
    return token


def revoke(token: ApiToken) -> bool:
    """End a token at once; False if it has ended already."""
    with transaction():
        name, account = token.name, token.account
        if not records.remove(token.id):
            return False
        note(Event.TOKEN_REVOKE, about_account(account), name=account.name, token=name)
    return True


def digest(text: str) -> str:
    """Return the SHA-256 of a token, in hexadecimal: it has too many random bits to be guessed."""
    return hashlib.sha256(text.encode()).hexdigest()


def _note_use(token: ApiToken, now: datetime) -> None:
    with transaction():
        records.note_use(token.id, now)
