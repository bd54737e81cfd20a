"""The account of the person who is signed in."""

from __future__ import annotations

from flask import abort
from flask_login import current_user

from records.accounts.accounts import Account


def current_account() -> Account:
    """Return the account itself, which Flask-Login's `current_user` only stands for; else 401."""
    # The documented way out of a werkzeug proxy has this name.
    account = current_user._get_current_object()  # pyright: ignore[reportPrivateUsage]
    return account if isinstance(account, Account) else abort(401)
