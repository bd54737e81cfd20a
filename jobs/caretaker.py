"""Keep every waiting row in a queue, and no task assigned to a process that has died."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from os import getpid
from typing import Any, Protocol

from jobs.work import Work
from records import hits, workers
from records import tasks as records
from records.accounts.accounts import new_id
from records.programs import kept_answers
from records.tasks import Unfinished

log = logging.getLogger(__name__)

BEAT_SECONDS = 4
"""How often a process says that it is at work, and looks for work that nobody does."""

MOST_LOOKED_AT = 1_000
"""Unfinished rows of a table that one look compares with the queues."""

TIDY_SECONDS = 600
"""How often the first of the living removes what is kept for a time only."""

FINISHED_KEPT = timedelta(days=1)
"""How long the queues keep what is finished; the rows stay."""

HITS_KEPT = timedelta(days=2)
"""Longer than any limit on requests looks back."""


class Queues(Protocol):
    """Declare what the caretaker needs from the engine."""

    def drop_dead(self, living: set[str]) -> set[str]:
        """Forget what runs in no living process; return the ids of these tasks."""
        ...

    def held(self, tasks: Iterable[Unfinished]) -> set[str]:
        """Return the ids of the tasks that wait in a queue or run."""
        ...

    def put_anew(self, queue: str, task: Unfinished) -> None:
        """Have a task worked on, whatever the engine knows of it."""
        ...

    def forget_finished(self, before: datetime) -> None:
        """Remove what was finished before this time from the queues."""
        ...


class Caretaker(threading.Thread):
    """Notes that this process is at work; the first of the living also looks after the queues."""

    def __init__(
        self,
        works: Mapping[str, Work],
        queues: Queues,
        context: Callable[[], AbstractContextManager[Any]],
        stopping: threading.Event,
    ) -> None:
        super().__init__(name="caretaker", daemon=True)
        self.id = new_id()
        self._described = f"process {getpid()} on {socket.gethostname()}"
        self._works = works
        self._queues = queues
        self._context = context
        self._stopping = stopping
        self._began = datetime.now(UTC)
        self._unheld: set[str] = set()
        self._nudged = threading.Event()
        self._beaten = time.monotonic()
        self._patient_until = 0.0
        self._tidied = -float(TIDY_SECONDS)

    def nudge(self) -> None:
        """Have it look now: a task waits, or it is time to stop."""
        self._nudged.set()

    def prepare(self, *, sole: bool) -> None:
        """Note that this process is at work, and if it is the only one, that no other is."""
        with self._context():
            if sole:
                workers.forget_all()
            workers.beat(self.id, self._described)

    def run(self) -> None:
        """Look at once and then now and then, until it is time to stop."""
        while True:
            self._try(self._beat_and_look)
            self._nudged.wait(BEAT_SECONDS)
            self._nudged.clear()
            if self._stopping.is_set():
                break
        # Else the others find out by its silence.
        self._try(lambda: workers.leave(self.id))

    def _try(self, act: Callable[[], None]) -> None:
        try:
            with self._context():
                act()
        except Exception:
            log.warning("The caretaker could not do its work this time", exc_info=True)

    def _beat_and_look(self) -> None:
        workers.beat(self.id, self._described)
        now = time.monotonic()
        if now - self._beaten > workers.SILENT.total_seconds():
            # Nobody was heard of while the database could not be reached: let the others be.
            self._patient_until = now + workers.SILENT.total_seconds()
        self._beaten = now
        if now >= self._patient_until:
            workers.forget_dead()
            self.look()

    def look(self) -> None:
        """Put into the queues what is in none, if this process is the first of the living."""
        living = workers.living()
        if self.id != min(living, default=self.id):
            return
        # Also of rows that are done: a process may end before the engine knows that they are.
        left = self._unheld | self._queues.drop_dead(living)
        unheld: set[str] = set()
        for queue, work in self._works.items():
            waiting = records.unfinished(work.table, MOST_LOOKED_AT)
            held = self._queues.held(waiting) if waiting else set()
            for task in waiting:
                if task.id not in held:
                    unheld.add(task.id)
                    # Else somebody may be about to put it into its queue.
                    if work.table.outbox or task.id in left or task.created_at < self._began:
                        log.info("Task %s of %s goes into its queue", task.id, queue)
                        self._queues.put_anew(queue, task)
        self._unheld = unheld
        if time.monotonic() - self._tidied >= TIDY_SECONDS:
            self._tidy(datetime.now(UTC))
            self._tidied = time.monotonic()

    def _tidy(self, now: datetime) -> None:
        self._queues.forget_finished(now - FINISHED_KEPT)
        hits.forget_before(now - HITS_KEPT)
        kept_answers.forget_before(now - kept_answers.KEPT_FOR)
