"""Waiting in tests, so that a busy machine fails none of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

HANGS = 120
"""Seconds after which what a test waits for counts as hanging, however busy the machine is."""

Answer = TypeVar("Answer")


def until(condition: Callable[[], Answer]) -> Answer:
    """Wait for an answer that is true, and return it."""
    end = time.monotonic() + HANGS
    while not (answer := condition()):
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.01)
    return answer


def timed(act: Callable[[], Answer]) -> tuple[Answer, float]:
    """What `act` returns, and the seconds of processor time that this thread took for it."""
    begun = time.thread_time()
    answer = act()
    return answer, time.thread_time() - begun
