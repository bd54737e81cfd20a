"""Attempts at passwords: each counts before it is tried, and is taken back unless it failed."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import Flask, current_app, g, request
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from werkzeug.exceptions import HTTPException, TooManyRequests

from pages.common.shared_counts import SharedCounts
from services.turns import BusyError

P = ParamSpec("P")
R = TypeVar("R")


class _Storage(MemoryStorage):
    """Counts in memory that can be taken back, which the library has for fixed windows only."""

    STORAGE_SCHEME = ("attempts",)

    def __init__(self) -> None:
        super().__init__()
        self._one_at_a_time = threading.Lock()

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count an attempt unless the limit is reached."""
        with self._one_at_a_time:
            return super().acquire_entry(key, limit, expiry, amount)

    def give_back(self, key: str) -> None:
        """Take the newest attempt back."""
        with self._one_at_a_time:
            if entries := self.events.get(key):
                del entries[0]


class Attempts:
    """The attempts of one installation within moving windows of time."""

    def __init__(self, storage: _Storage | SharedCounts) -> None:
        self._storage = storage
        self._windows = MovingWindowRateLimiter(self._storage)

    def begin(self, limit: RateLimitItem, *key: str) -> None:
        """Count an attempt; raises `TooManyRequests` where the limit is reached."""
        if not self._windows.hit(limit, *key):
            reset = self._windows.get_window_stats(limit, *key).reset_time
            raise TooManyRequests(retry_after=max(1, math.ceil(reset - time.time())))

    def take_back(self, limit: RateLimitItem, *key: str) -> None:
        """Let an attempt not count."""
        self._storage.give_back(limit.key_for(*key))


def init_app(app: Flask) -> None:
    """Give the application counts of its own, or those that all web servers have."""
    alone = app.config["LEUKOSCOPE"].one_process
    app.extensions["leukoscope_attempts"] = Attempts(_Storage() if alone else SharedCounts())


def note_failure() -> None:
    """Let the attempt of this request count: the password was wrong."""
    g.attempt_failed = True


def limited(
    limit: str, scope: str, key: Callable[[], str], method: str = "POST"
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a decorator for views: at most so many failed attempts, by one method.

    Args:
        limit: such as "5 per 15 minutes".
        scope: what the attempts are at; views of one scope count together.
        key: who is counted, asked in the request.
        method: of the requests that are attempts.
    """
    item = parse(limit)

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def counted(*args: P.args, **options: P.kwargs) -> R:
            if request.method != method:
                return view(*args, **options)
            attempts, name = current_app.extensions["leukoscope_attempts"], (scope, key())
            # Before the password is looked at: attempts at the same time all count.
            attempts.begin(item, *name)
            try:
                answer = view(*args, **options)
            except (HTTPException, BusyError):
                attempts.take_back(item, *name)
                raise
            # After any other error nobody knows whether the password was right: it counts.
            if not g.get("attempt_failed", False):
                attempts.take_back(item, *name)
            return answer

        return counted

    return decorate
