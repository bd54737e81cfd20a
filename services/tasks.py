"""Work in the background: a thread for each kind of task takes them from its table in turn."""

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


class QueueFullError(Exception):
    """So many tasks wait that no further one is taken; the text is a sentence."""


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
        self._workers: list[_Worker] = []
        self._started = False
        self._starting = threading.Lock()
        self._stopping = threading.Event()

    def add(self, work: Work) -> None:
        """Make a kind of task known, before the start."""
        self._workers.append(_Worker(work, self._context, self._stopping))

    def start(self) -> None:
        """Begin to work, first on what a stopped server left; nothing happens if begun already."""
        with self._starting:
            if self._started:
                return
            self._started = True
            for worker in self._workers:
                worker.start()

    def wake(self) -> None:
        """Say that a task waits."""
        for worker in self._workers:
            worker.wake()
        self.start()

    def stop(self) -> None:
        """End running tasks at their next step, to be done at the next start, and wait for them."""
        self._stopping.set()
        for worker in self._workers:
            worker.wake()
        if self._started:
            for worker in self._workers:
                worker.join(STOPPING_SECONDS)


class _Worker(threading.Thread):
    """Does one kind of work, so that a slow kind does not hold up another."""

    def __init__(
        self,
        work: Work,
        context: Callable[[], AbstractContextManager[Any]],
        stopping: threading.Event,
    ) -> None:
        super().__init__(name=work.table.__tablename__, daemon=True)
        self._work = work
        self._context = context
        self._stopping = stopping
        self._something = threading.Event()
        self._something.set()

    def wake(self) -> None:
        """Say that a task waits, or that it is time to stop."""
        self._something.set()

    def run(self) -> None:
        """Take up what a stopped server left, then what comes, until it is time to stop."""
        self._guarded(self._recover)
        while not self._stopping.is_set():
            self._something.wait()
            self._something.clear()
            while not self._stopping.is_set() and self._guarded(self._run_one):
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
        records.recover(self._work.table)
        return True

    def _run_one(self) -> bool:
        work = self._work
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
