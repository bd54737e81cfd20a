"""The language in which a person reads, on any device."""

from __future__ import annotations

from records import transaction
from records.accounts.accounts import Account
from services.language import LANGUAGES


def choose(account: Account, code: str | None) -> None:
    """Keep a person's language; None for that of each browser.

    Raises:
        ValueError: the pages are not in this language.
    """
    if code is not None and code not in LANGUAGES:
        raise ValueError("unknown language")
    with transaction():
        account.language = code
