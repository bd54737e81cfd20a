"""Wait for a task that is done elsewhere, for a bounded time."""

from __future__ import annotations

import time

from records import tasks
from records.tasks import Table

LOOK_EVERY = 0.05
"""Seconds between two looks at a task that somebody waits for."""


def wait_for(table: Table, task_id: str, seconds: float) -> None:
    """Wait until a task is done, failed or dropped, but not longer than so many seconds."""
    end = time.monotonic() + seconds
    while tasks.is_under_way(table, task_id) and time.monotonic() < end:
        time.sleep(LOOK_EVERY)
