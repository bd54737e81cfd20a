"""Work in the background: the threads of each kind of task take them from its table in turn."""

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
    """One kind of task: the table that is its queue, and what is done about a row of it.

    At most `at_once` rows are worked on at the same time.
    """

    table: Table
    at_once: int

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
        self._kinds: list[_Kind] = []
        self._started = False
        self._starting = threading.Lock()
        self._stopping = threading.Event()

    def add(self, work: Work) -> None:
        """Make a kind of task known, before the start."""
        self._kinds.append(_Kind(work, self._context, self._stopping))

    def start(self) -> None:
        """Begin to work, first on what a stopped server left; nothing happens if begun already."""
        with self._starting:
            if self._started:
                return
            self._started = True
            for kind in self._kinds:
                kind.start()

    def wake(self) -> None:
        """Say that a task waits."""
        for kind in self._kinds:
            kind.wake()
        self.start()

    def stop(self) -> None:
        """End running tasks at their next step, to be done at the next start, and wait for them."""
        self._stopping.set()
        for kind in self._kinds:
            kind.wake()
        if self._started:
            for kind in self._kinds:
                kind.join()


class _Kind:
    """The threads that do one kind of work, so that a slow kind does not hold up another."""

    def __init__(
        self,
        work: Work,
        context: Callable[[], AbstractContextManager[Any]],
        stopping: threading.Event,
    ) -> None:
        self._table = work.table
        self._context = context
        self._workers = [_Worker(work, context, stopping, self.wake) for _ in range(work.at_once)]

    def start(self) -> None:
        """Let what a stopped server left wait again, then begin."""
        _guarded(self._context, self._recover)
        for worker in self._workers:
            worker.start()

    def wake(self) -> None:
        """Say that a task waits, or may be started now, or that it is time to stop."""
        for worker in self._workers:
            worker.something.set()

    def join(self) -> None:
        """Wait for the threads to end."""
        for worker in self._workers:
            worker.join(STOPPING_SECONDS)

    def _recover(self) -> bool:
        records.recover(self._table)
        return True


def _guarded(context: Callable[[], AbstractContextManager[Any]], act: Callable[[], bool]) -> bool:
    """Whether there may be more to do; an error of the database ends the turn, no thread."""
    try:
        with context():
            return act()
    except Exception:
        log.exception("The background tasks could not go on")
        return False


class _Worker(threading.Thread):
    """Does one task after the other, and tells its fellows of each that ended."""

    def __init__(
        self,
        work: Work,
        context: Callable[[], AbstractContextManager[Any]],
        stopping: threading.Event,
        ended: Callable[[], None],
    ) -> None:
        super().__init__(name=work.table.__tablename__, daemon=True)
        self._work = work
        self._context = context
        self._stopping = stopping
        self._ended = ended
        self.something = threading.Event()
        self.something.set()

    def run(self) -> None:
        """Do what waits and what comes, until it is time to stop."""
        while not self._stopping.is_set():
            self.something.wait()
            self.something.clear()
            while not self._stopping.is_set() and _guarded(self._context, self._run_one):
                # What had to wait for the end of that task may be started by another thread.
                self._ended()

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
