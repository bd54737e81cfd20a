"""The name of a person as reports print it."""

from __future__ import annotations

import unicodedata

from records import transaction
from records.accounts.accounts import FULL_NAME_LENGTH, Account
from records.audit.audit import Event
from services.audit.audit import about_account, note
from services.language import gettext


class FullNameError(ValueError):
    """A name is not accepted; the text is a sentence for the person."""


def choose(account: Account, name: str) -> bool:
    """Keep a person's full name, empty for none; False if it was this one already.

    What is signed already keeps the name of then.

    Raises:
        FullNameError: It is too long.
    """
    # Normalizing takes quadratic time on crafted text.
    if len(name) > FULL_NAME_LENGTH:
        raise FullNameError(
            gettext(
                "Use at most %(full_name_length)s characters.", full_name_length=FULL_NAME_LENGTH
            )
        )
    shown = " ".join(unicodedata.normalize("NFC", name).split())
    if shown == account.full_name:
        return False
    with transaction():
        note(Event.FULL_NAME, about_account(account), before=account.full_name, after=shown)
        account.full_name = shown
    return True
