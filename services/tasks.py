"""Work in the background: one thread takes waiting tasks from their tables, one after the other."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from records import tasks as records
from records.tasks import Table

log = logging.getLogger(__name__)

BETWEEN_NOTES = 0.5
"""Seconds between two notes of progress in the database."""

GOING_WRONG = "Something went wrong on the server. It was logged."
STOPPING_SECONDS = 60

Progress = Callable[[int, int], None]
"""Called with the steps done and their total; raises `Interrupted` when the task is to end."""


class Interrupted(Exception):  # noqa: N818  nothing is wrong
    """The server stops, or nobody wants the task any more: leave everything as it was."""


class TaskError(Exception):
    """A task cannot be done; the text is a sentence for the person who asked for it."""


class Work(Protocol):
    """One kind of task: the table that is its queue, and what is done about a row of it."""

    table: Table

    def run(self, task_id: str, progress: Progress) -> dict[str, Any]:
        """Do it, and give what the row is to keep; raises `TaskError` or `Interrupted`."""
        ...

    def discard(self, made: dict[str, Any]) -> None:
        """Throw away what `run` made: the row was deleted meanwhile."""
        ...


class Tasks:
    """The background of one process; `context` gives each task a database session of its own.

    What waits is kept in the database. A process that starts takes up what the last one left;
    two processes at a time would take up each other's.
    """

    def __init__(self, context: Callable[[], AbstractContextManager[Any]]) -> None:
        self._context = context
        self._kinds: list[Work] = []
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._something = threading.Event()
        self._stopping = threading.Event()

    def add(self, work: Work) -> None:
        """Make a kind of task known, before the start."""
        self._kinds.append(work)

    def start(self) -> None:
        """Begin to work, first on what a stopped server left; nothing happens if begun already."""
        with self._starting:
            if self._thread:
                return
            self._thread = threading.Thread(target=self._work, name="tasks", daemon=True)
            self._something.set()
            self._thread.start()

    def wake(self) -> None:
        """Say that a task waits."""
        self._something.set()
        self.start()

    def stop(self) -> None:
        """End the running task at its next step, to be done at the next start, and wait for it."""
        self._stopping.set()
        self._something.set()
        if self._thread:
            self._thread.join(STOPPING_SECONDS)

    def _work(self) -> None:
        self._guarded(self._recover)
        while not self._stopping.is_set():
            self._something.wait()
            self._something.clear()
            while not self._stopping.is_set() and self._guarded(self._run_each):
                pass

    def _guarded(self, act: Callable[[], bool]) -> bool:
        """Whether there may be more to do; an error of the database ends the turn, no thread."""
        try:
            with self._context():
                return act()
        except Exception:
            log.exception("The background tasks could not go on")
            return False

    def _recover(self) -> bool:
        for work in self._kinds:
            records.recover(work.table)
        return True

    def _run_each(self) -> bool:
        """Run one task of each kind, so that a long queue of one does not hold up another."""
        return any([self._run_one(work) for work in self._kinds])

    def _run_one(self, work: Work) -> bool:
        task_id = records.claim(work.table)
        if task_id is None:
            return False
        try:
            _keep(work, task_id, work.run(task_id, self._progress(work.table, task_id)))
        except Interrupted:
            records.release(work.table, task_id)
        except TaskError as error:
            records.fail(work.table, task_id, str(error))
        except Exception:
            log.exception("Task %s of %s failed", task_id, work.table.__tablename__)
            records.fail(work.table, task_id, GOING_WRONG)
        return True

    def _progress(self, table: Table, task_id: str) -> Progress:
        noted = -BETWEEN_NOTES

        def progress(done: int, total: int) -> None:
            nonlocal noted
            if self._stopping.is_set():
                raise Interrupted
            if time.monotonic() - noted < BETWEEN_NOTES:
                return
            noted = time.monotonic()
            if not records.advance(table, task_id, done, total):
                raise Interrupted

        return progress


def _keep(work: Work, task_id: str, made: dict[str, Any]) -> None:
    kept = False
    try:
        kept = records.finish(work.table, task_id, **made)
    finally:
        if not kept:
            work.discard(made)
