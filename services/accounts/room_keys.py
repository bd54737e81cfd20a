"""The keys by which a person gives classes to cells in the reading room.

A laboratory's own class has none until a person chooses one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from string import ascii_lowercase, digits

from core.taxonomy import CELL_CLASSES, CellClasses
from records import transaction
from records.accounts.accounts import Account
from services.language import lazy_gettext

RESERVED = frozenset("0dfju")
"""Keys that do something else in the reading room."""

TAKEN = lazy_gettext("{key} does something else in the reading room.")
SEVERAL = lazy_gettext("{key} is the key of several classes.")
NO_KEY = lazy_gettext("Choose a letter from A to Z or a digit.")

_POSSIBLE = [key for key in ascii_lowercase + digits if key not in RESERVED]

USUAL = {one.code: one.key for one in CELL_CLASSES}
"""The key of each class that is not a laboratory's own, by its code."""


def keys_of(account: Account, classes: CellClasses) -> dict[str, str]:
    """Return the key of each class that a person can give, empty for none.

    Of newer classes it is the usual or a free one.
    """
    chosen, given = account.room_keys or {}, [one.code for one in classes.given]
    keys = {code: key for code, key in chosen.items() if code in given}
    for code, key in USUAL.items():
        free = [one for one in (key, *_POSSIBLE) if one not in keys.values()]
        keys.setdefault(code, free[0])
    return {code: keys.get(code, "") for code in given}


def conflicts(keys: Mapping[str, str]) -> dict[str, str]:
    """Say what is wrong with the keys of classes, by the code of each class concerned."""
    times = Counter(keys.values())
    needed = {code: key for code, key in keys.items() if key or code in USUAL}
    found = {code: _conflict(key, times[key]) for code, key in needed.items()}
    return {code: sentence for code, sentence in found.items() if sentence}


def choose(account: Account, keys: Mapping[str, str]) -> None:
    """Keep a person's keys.

    Raises:
        ValueError: there are conflicts.
    """
    if conflicts(keys):
        raise ValueError("conflicting keys")
    chosen = {code: key for code, key in keys.items() if key}
    with transaction():
        account.room_keys = None if chosen == USUAL else chosen


def _conflict(key: str, times: int) -> str | None:
    if key in RESERVED:
        return TAKEN.format(key=key.upper())
    if key not in _POSSIBLE:
        return NO_KEY
    return SEVERAL.format(key=key.upper()) if times > 1 else None
