"""Bound how many threads do costly work at once, and how many wait for it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from threading import BoundedSemaphore


class BusyError(Exception):
    """Nothing was done: too many do the same, or wait for it, already."""


class Turns:
    """Let `running` threads work at once and `waiting` more wait for `seconds` at the most.

    Without `waiting`, any number may wait. Safe to use from many threads.
    """

    def __init__(self, running: int, seconds: float, waiting: int | None = None) -> None:
        self._running = BoundedSemaphore(running)
        self._admitted = None if waiting is None else BoundedSemaphore(running + waiting)
        self._seconds = seconds

    @contextmanager
    def turn(self) -> Generator[None]:
        """Hold a turn while the block runs; raises `BusyError` before it if there is none."""
        with self.place(), _held(self._running, self._seconds):
            yield

    @contextmanager
    def place(self) -> Generator[None]:
        """Take a place among those who work or wait; raises `BusyError` if all are taken.

        For a thread that waits for work done elsewhere.
        """
        if self._admitted is None:
            yield
        else:
            with _held(self._admitted, 0):
                yield


@contextmanager
def _held(bound: BoundedSemaphore, seconds: float) -> Generator[None]:
    if not bound.acquire(timeout=seconds):
        raise BusyError
    try:
        yield
    finally:
        bound.release()
