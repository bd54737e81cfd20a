"""Counts towards limits that all web servers of an installation share, in the database."""

from __future__ import annotations

import hashlib

from limits.storage.base import MovingWindowSupport, Storage
from sqlalchemy.exc import SQLAlchemyError

from records import hits

SCHEME = "leukoscope-database"
SHARED = f"{SCHEME}://"


class SharedCounts(Storage, MovingWindowSupport):
    """A storage of the library `limits`, for moving windows alone."""

    # The library declares it so.
    STORAGE_SCHEME = [SCHEME]  # noqa: RUF012

    @property
    def base_exceptions(self) -> type[Exception]:
        """The errors of the storage."""
        return SQLAlchemyError

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count a request unless the limit is reached."""
        return hits.acquire(_short(key), limit, expiry, amount)

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """Return when the window began, in seconds since 1970, and what was counted in it."""
        start, number = hits.window(_short(key), expiry)
        return start.timestamp(), number

    def give_back(self, key: str) -> None:
        """Take the newest request back."""
        hits.give_back(_short(key))

    def clear(self, key: str) -> None:
        """Forget what was counted towards a limit."""
        hits.clear(_short(key))

    def check(self) -> bool:
        """Return whether the database answers; it raises an error where it does not."""
        hits.window("", 0)
        return True

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Refuse: windows here move."""
        raise NotImplementedError

    def get(self, key: str) -> int:
        """Refuse: windows here move."""
        raise NotImplementedError

    def get_expiry(self, key: str) -> float:
        """Refuse: windows here move."""
        raise NotImplementedError

    def reset(self) -> int | None:
        """Refuse: nobody forgets all limits at once."""
        raise NotImplementedError


def _short(key: str) -> str:
    """Return a key that fits into its column and tells nobody's name or address."""
    return hashlib.sha256(key.encode()).hexdigest()
