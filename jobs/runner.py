"""Do one task: start its row, work with attempts, and note what became of it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy.exc import OperationalError

from core import tracing
from core.tracing import Attribute, Kind
from core.translatable import translatable
from jobs.work import Interrupted, Progress, TaskError, Work
from records import db
from records import tasks as records
from records.faults import Fault, fault_of

log = logging.getLogger(__name__)

BETWEEN_NOTES = 0.5
"""Seconds between two notes of progress in the database."""

MOST_ERRORS = 3
"""Attempts of what goes wrong in a way that nobody foresaw."""

MOST_TRIES = 8
"""Attempts in all, most of them while database or store cannot be had: for a minute and more."""

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5.0
"""Seconds between two attempts; each pause doubles the last."""

GOING_WRONG = translatable("Something went wrong on the server. The error was logged.")
NO_STORE = translatable(
    "The server cannot reach its image store. Tell your system administrator, and try again later."
)

Answer = TypeVar("Answer")


Attempts = Callable[[Callable[[], None]], None]
"""Calls a function until it raises no error, with pauses; in the end raises an error of its own."""


class Outcome(StrEnum):
    """How one start of a task ended, for traces."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    POSTPONED = "postponed"


@dataclass(frozen=True)
class _Start:
    """One start of a row; its number tells it from those before and after."""

    work: Work
    task_id: str
    number: int


class Runner:
    """Does tasks, each in the thread that asks; safe to use from many threads.

    Args:
        works: the kinds of tasks by the name of their queue.
        context: gives each task a database session of its own.
        attempts: tries again what went wrong.
    """

    def __init__(
        self,
        works: Mapping[str, Work],
        context: Callable[[], AbstractContextManager[Any]],
        attempts: Attempts,
    ) -> None:
        self._works = works
        self._context = context
        self._attempts = attempts
        self._at_work = 0
        self._changed = threading.Condition()
        self.stopping = threading.Event()

    def run(self, queue: str, task_id: str, parent: str | None = None) -> None:
        """Do the task of a row, unless it is done, given up or not wanted any more.

        Args:
            queue: the name of its queue.
            task_id: the row.
            parent: the `traceparent` of the request that asked for it.
        """
        with self._counted(), self._context():
            if self.stopping.is_set():
                return
            work = self._works[queue]
            try:
                number = self._patiently(lambda: records.begin(work.table, task_id))
                if number is not None:
                    self._traced(_Start(work, task_id, number), parent)
            except Interrupted:
                log.info("Task %s is left to the next start", task_id)

    def stop(self, seconds: float) -> None:
        """End what runs at its next step, and wait for it, at most so many seconds."""
        self.stopping.set()
        with self._changed:
            self._changed.wait_for(lambda: not self.busy, seconds)

    @property
    def busy(self) -> bool:
        """Whether a task is at work."""
        return self._at_work > 0

    @contextmanager
    def _counted(self) -> Generator[None]:
        with self._changed:
            self._at_work += 1
        try:
            yield
        finally:
            with self._changed:
                self._at_work -= 1
                self._changed.notify_all()

    def _traced(self, start: _Start, parent: str | None) -> None:
        queue = start.work.table.queue
        with tracing.span(f"task {queue}", Kind.TASK, parent) as span:
            outcome = self._do(start)
            if span:
                span.attributes |= {
                    Attribute.QUEUE: queue,
                    Attribute.OUTCOME: outcome,
                    Attribute.ATTEMPTS: start.number,
                }

    def _do(self, start: _Start) -> Outcome:
        try:
            self._attempt_until_it_ends(start)
        except Interrupted:
            self._patiently(partial(_of(start, records.release)))
            return Outcome.POSTPONED
        except TaskError as error:
            self._patiently(partial(_of(start, records.fail), str(error)))
            return Outcome.REFUSED
        except Exception as error:
            log.exception("Task %s of %s failed", start.task_id, start.work.table.queue)
            if span := tracing.current():
                span.attributes[Attribute.ERROR] = type(error).__name__
            self._patiently(partial(_of(start, records.fail), _sentence(error)))
            return Outcome.FAILED
        return Outcome.DONE

    def _attempt_until_it_ends(self, start: _Start) -> None:
        patience, last = _Patience(), []

        def attempt() -> None:
            try:
                self._attempt(start)
            except Exception as error:
                if patience.try_again(error):
                    raise
                # What the attempts are made by keeps what is raised, which may be of a patient.
                last.append(error)

        self._attempts(attempt)
        if last:
            raise last[0]

    def _attempt(self, start: _Start) -> None:
        # What a former attempt had not committed.
        db.session.rollback()
        made = start.work.run(start.task_id, self._progress(start))
        try:
            kept = self._patiently(lambda: _of(start, records.finish)(**made))
        except Interrupted:
            # The next start finds what was made, and finishes it.
            raise
        except Exception:
            self._patiently(lambda: start.work.discard(made))
            raise
        if not kept:
            self._patiently(lambda: start.work.discard(made))

    def _patiently(self, act: Callable[[], Answer]) -> Answer:
        """Attempt this until the database lets it happen; `Interrupted` when the server stops."""
        pause = FIRST_PAUSE
        while True:
            try:
                return act()
            except OperationalError as error:
                db.session.rollback()
                log.warning("The database cannot be written, trying again: %s", error.orig)
            if self.stopping.wait(pause):
                raise Interrupted
            pause = min(2 * pause, LONGEST_PAUSE)

    def _progress(self, start: _Start) -> Progress:
        noted = -BETWEEN_NOTES

        def progress(done: int, total: int) -> None:
            nonlocal noted
            if self.stopping.is_set():
                raise Interrupted
            if time.monotonic() - noted < BETWEEN_NOTES:
                return
            noted = time.monotonic()
            if not _advance(start, done, total):
                raise Interrupted

        return progress


class _Patience:
    """Decide which errors of a task to retry; a database or store that may come back, most."""

    def __init__(self) -> None:
        self._errors = self._tries = 0

    def try_again(self, error: BaseException) -> bool:
        """Whether to try again after this error."""
        self._tries += 1
        if isinstance(error, Interrupted | TaskError) or self._tries >= MOST_TRIES:
            return False
        if is_busy(error):
            log.warning("A task begins anew: the database was busy")
            return True
        if _is_of_store(error):
            log.warning("A task begins anew: %s", error)
            return True
        self._errors += 1
        log.warning("A task went wrong (%s of %s)", self._errors, MOST_ERRORS, exc_info=error)
        return self._errors < MOST_ERRORS


def is_busy(error: BaseException) -> bool:
    """Return whether an error says that another connection holds the database."""
    # The folder matters to missing files only.
    return fault_of(error, Path()) is Fault.BUSY


def _is_of_store(error: BaseException) -> bool:
    return fault_of(error, Path()) is Fault.NO_STORE


def _sentence(error: Exception) -> str:
    """Return what the person reads whose task failed."""
    return NO_STORE if _is_of_store(error) else GOING_WRONG


def _of(start: _Start, move: Callable[..., bool]) -> Callable[..., bool]:
    return partial(move, start.work.table, start.task_id, start.number)


def _advance(start: _Start, done: int, total: int) -> bool:
    """Note progress, or leave it out while the database is busy; False when to end."""
    try:
        return _of(start, records.advance)(done, total)
    except OperationalError as error:
        db.session.rollback()
        if not is_busy(error):
            raise
        return True
