"""Work in the background: the threads of each kind of task take them from its table in turn."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol, TypeVar

from sqlalchemy.exc import OperationalError

from records import db
from records import tasks as records
from records.faults import Fault, fault_of
from records.tasks import Table

log = logging.getLogger(__name__)

BETWEEN_NOTES = 0.5
"""Seconds between two notes of progress in the database."""

GOING_WRONG = "Something went wrong on the server. The error was logged."
STOPPING_SECONDS = 60

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
"""Seconds between two attempts while the database cannot be used; each pause doubles the last."""

Answer = TypeVar("Answer")

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

    at_once: int

    @property
    def table(self) -> Table:
        """The table."""
        ...

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
        self._stopping = stopping
        self._claiming = threading.Lock()
        self._at_work: set[str] = set()
        # A stopped server may have left rows that say "running".
        self._recover = True
        self._workers = [_Worker(work, context, stopping, self) for _ in range(work.at_once)]

    def start(self) -> None:
        """Begin."""
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

    def claim(self) -> str | None:
        """Start the task whose turn it is, and give its id; None when none may start.

        Rows that say "running" while no thread works on them wait again first.
        """
        with self._claiming:
            # Else this thread would begin anew what another one has just put down to stop.
            if self._stopping.is_set():
                return None
            if self._recover:
                records.recover(self._table, self._at_work)
                self._recover = False
            task_id = records.claim(self._table)
            if task_id:
                self._at_work.add(task_id)
        return task_id

    def put_down(self, task_id: str) -> None:
        """Note that no thread works on a task any more."""
        with self._claiming:
            self._at_work.discard(task_id)

    def recover(self) -> None:
        """Have the next claim look for rows that no thread works on."""
        self._recover = True


class _Worker(threading.Thread):
    """Does one task after the other, and wakes the others of its kind when one has ended."""

    def __init__(
        self,
        work: Work,
        context: Callable[[], AbstractContextManager[Any]],
        stopping: threading.Event,
        kind: _Kind,
    ) -> None:
        super().__init__(name=work.table.__tablename__, daemon=True)
        self._work = work
        self._table = work.table
        self._context = context
        self._stopping = stopping
        self._kind = kind
        self._pause = FIRST_PAUSE
        self.something = threading.Event()
        self.something.set()

    def run(self) -> None:
        """Do what waits and what comes, until it is time to stop."""
        while not self._stopping.is_set():
            self.something.wait()
            self.something.clear()
            while not self._stopping.is_set() and self._turn():
                # What had to wait for the end of that task may be started by another thread.
                self._kind.wake()

    def _turn(self) -> bool:
        """Do one task; whether there may be more to do."""
        try:
            with self._context():
                more = self._run_one()
        except Interrupted:
            return False
        except Exception:
            log.exception("The background tasks could not go on, and will try again")
            self._kind.recover()
            self._stopping.wait(self._pause)
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
            return True
        self._pause = FIRST_PAUSE
        return more

    def _run_one(self) -> bool:
        task_id = self._kind.claim()
        if task_id is None:
            return False
        try:
            self._do(task_id)
        finally:
            self._kind.put_down(task_id)
        return True

    def _do(self, task_id: str) -> None:
        try:
            self._keep(task_id, self._work.run(task_id, self._progress(task_id)))
        except Interrupted:
            self._patiently(lambda: records.release(self._table, task_id))
        except TaskError as error:
            self._fail(task_id, str(error))
        except Exception as error:
            if _busy(error):
                # Nothing is wrong with the task: it begins anew once it can be noted so.
                log.warning("Task %s begins anew: the database was busy", task_id)
                self._patiently(lambda: records.release(self._table, task_id))
            else:
                log.exception("Task %s of %s failed", task_id, self._table.__tablename__)
                self._fail(task_id, GOING_WRONG)

    def _fail(self, task_id: str, sentence: str) -> None:
        self._patiently(lambda: records.fail(self._table, task_id, sentence))

    def _keep(self, task_id: str, made: dict[str, Any]) -> None:
        try:
            kept = self._patiently(lambda: records.finish(self._table, task_id, **made))
        except Interrupted:
            # The next start finds what was made, and finishes it.
            raise
        except Exception:
            self._patiently(lambda: self._work.discard(made))
            raise
        if not kept:
            self._patiently(lambda: self._work.discard(made))

    def _patiently(self, act: Callable[[], Answer]) -> Answer:
        """Attempt this until the database lets it happen; `Interrupted` when the server stops."""
        pause = FIRST_PAUSE
        while True:
            try:
                return act()
            except OperationalError as error:
                db.session.rollback()
                log.warning("The database cannot be written, trying again: %s", error.orig)
            if self._stopping.wait(pause):
                raise Interrupted
            pause = min(2 * pause, LONGEST_PAUSE)

    def _progress(self, task_id: str) -> Progress:
        noted = -BETWEEN_NOTES

        def progress(done: int, total: int) -> None:
            nonlocal noted
            if self._stopping.is_set():
                raise Interrupted
            if time.monotonic() - noted < BETWEEN_NOTES:
                return
            noted = time.monotonic()
            if not self._advance(task_id, done, total):
                raise Interrupted

        return progress

    def _advance(self, task_id: str, done: int, total: int) -> bool:
        """Note progress, or leave it out while the database is busy; False when to end."""
        try:
            return records.advance(self._table, task_id, done, total)
        except OperationalError as error:
            db.session.rollback()
            if not _busy(error):
                raise
            return True


def _busy(error: Exception) -> bool:
    # The folder matters to missing files only.
    return fault_of(error, Path()) is Fault.BUSY
