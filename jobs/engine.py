"""Work in the background: DBOS Transact runs, on whichever process, what the tables ask for.

A row of a table says what is to be done and what became of it (`records.tasks`). DBOS decides
which process works on it and when: a row is with one process, one of each person's runs at a time,
and what went wrong is tried again. DBOS knows nothing that the rows do not. What it lacks, because
a process ended between two writes or a backup was restored, the caretaker has done again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterable
from contextlib import AbstractContextManager
from datetime import datetime
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import object_session

from core import tracing
from jobs.caretaker import Caretaker
from jobs.runner import FIRST_PAUSE, MOST_TRIES, Runner
from jobs.work import Work
from records import tasks as records
from records.tasks import TaskColumns, Unfinished

if TYPE_CHECKING:
    from dbos import DBOSClient, DBOSConfig

log = logging.getLogger(__name__)

APPLICATION = "leukoscope"
WORKFLOW = "task"
VERSION = "1"
"""Of what the queues hold: releases that have the same one do each other's tasks."""

STOPPING_SECONDS = 60

TRACEPARENT = "traceparent"
"""Under which a workflow keeps the span that asked for it."""

ENQUEUED, PENDING = "ENQUEUED", "PENDING"
BEGUN_BEFORE, USUAL = 1, 2
"""Priorities: of a person's tasks those come first that were begun once and not finished."""

FINISHED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
"""States of DBOS."""

MOST_FORGOTTEN = 1_000
"""Finished workflows that are removed at a time."""


class Tasks:
    """The background of one process: asks for work, and does it after `start`.

    Args:
        context: gives each task a database session of its own.
        url: the database of the engine's queues, for SQLAlchemy.
        sole: whether no other process works for the installation.
    """

    def __init__(
        self, context: Callable[[], AbstractContextManager[Any]], url: str, *, sole: bool = True
    ) -> None:
        self._context = context
        self._url = url
        self._sole = sole
        self._elsewhere = False
        self._works: dict[str, Work] = {}
        self._queues = _Queues(url)
        self._process: _Process | None = None
        self._starting = threading.Lock()

    @property
    def queues(self) -> list[str]:
        """The names of the queues."""
        return list(self._works)

    @property
    def elsewhere(self) -> bool:
        """Whether other processes do the work."""
        return self._elsewhere

    def leave_to_others(self) -> None:
        """Only ask for work; other processes do it."""
        self._elsewhere = True

    def add(self, work: Work) -> None:
        """Make a kind of task known, before the start."""
        self._works[work.table.queue] = work

    def start(self, queues: Collection[str] | None = None, at_once: int | None = None) -> None:
        """Begin to work, first on what a stopped process left; nothing happens if begun already.

        Args:
            queues: those that this process works on; all if None.
            at_once: tasks of each queue at the same time; else as each kind of work says.

        Raises:
            RuntimeError: Other tasks are at work in this process.
        """
        with self._starting:
            if self._process is None:
                process = _Process(self._works, self._queues, self._context)
                process.start(self._url, queues or self.queues, at_once, sole=self._sole)
                self._process = process

    def enqueue(self, row: TaskColumns, *, again: bool = False) -> None:
        """Have a row worked on that was just committed, here if need be; twice asked, once done.

        Args:
            row: the task.
            again: whether it was worked on before, and failed.
        """
        self.ask(row, again=again)
        if not self._elsewhere:
            self.start()

    def ask(self, row: TaskColumns, *, again: bool = False) -> None:
        """Have a row worked on by a process that is at work, or by the next one that starts."""
        put = self._queues.put_anew if again else self._queues.put
        try:
            task = _unfinished(row)
            if not self._queues.ready and (session := object_session(row)):
                # The first who asks makes the tables of the queues, and PostgreSQL waits meanwhile
                # for every transaction that began before: also for the one that just read the row.
                session.rollback()
            put(row.queue, task)
        except Exception:
            # The row is kept: the caretaker finds it.
            log.exception("Task %s waits for the caretaker", row.id)

    def wake(self) -> None:
        """Say that a task of an outbox waits (`TaskColumns.outbox`)."""
        if process := self._process:
            process.wake()

    def failed(self) -> list[TaskColumns]:
        """Return the tasks of all kinds that failed, the latest last."""
        rows = chain.from_iterable(records.failed(work.table) for work in self._works.values())
        return sorted(rows, key=lambda row: row.created_at)

    def retry(self, row: TaskColumns) -> bool:
        """Have a failed task worked on again; False where it has not failed or nothing is left."""
        retried = row.can_retry and records.retry(type(row), row.id)
        if retried:
            self.ask(row, again=True)
        return retried

    def stop(self) -> None:
        """End running tasks at their next step, to be done at the next start, and wait for them."""
        with self._starting:
            if self._process:
                self._process.stop()
                self._process = None
            self._queues.close()


class _Process:
    """The work that one process does: DBOS knows a single application in each."""

    at_work: _Process | None = None

    def __init__(
        self,
        works: dict[str, Work],
        queues: _Queues,
        context: Callable[[], AbstractContextManager[Any]],
    ) -> None:
        self._works = works
        self._queues = queues
        self.runner = Runner(works, context, _attempts)
        self._caretaker = Caretaker(works, queues, context, self.runner.stopping)

    def start(self, url: str, queues: Collection[str], at_once: int | None, *, sole: bool) -> None:
        # It takes a second that the start of the server need not wait for.
        from dbos import DBOS

        if _Process.at_work is not None:
            raise RuntimeError("Other tasks are at work in this process.")
        _Process.at_work = self
        try:
            self._launch(url, queues, at_once, sole=sole)
        except BaseException:
            # Else no later start could succeed.
            DBOS.destroy()
            _Process.at_work = None
            raise
        self._caretaker.start()

    def _launch(
        self, url: str, queues: Collection[str], at_once: int | None, *, sole: bool
    ) -> None:
        from dbos import DBOS

        _register()
        DBOS(config=_configuration(url, self._caretaker.id))
        self._caretaker.prepare(sole=sole)
        DBOS.listen_queues(list(queues))
        DBOS.launch()
        for queue, work in self._works.items():
            DBOS.register_queue(
                queue,
                worker_concurrency=at_once or work.at_once,
                partition_concurrency=1 if work.table.turn_by else None,
                polling_interval_sec=work.poll_seconds,
                on_conflict="always_update",
            )

    def run(self, queue: str, task_id: str, workflow_id: str | None) -> None:
        parent = self._queues.asked_by(workflow_id) if workflow_id and tracing.is_on() else None
        self.runner.run(queue, task_id, parent)

    def wake(self) -> None:
        self._caretaker.nudge()

    def stop(self) -> None:
        from dbos import DBOS

        self.runner.stop(STOPPING_SECONDS)
        self._caretaker.nudge()
        self._caretaker.join(STOPPING_SECONDS)
        DBOS.destroy()
        _Process.at_work = None


class _Queues:
    """The queues of DBOS, from outside: whoever asks for work need not do any."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._opening = threading.Lock()
        self._opened: DBOSClient | None = None

    @property
    def ready(self) -> bool:
        """Whether their tables are there and the connections open."""
        return self._opened is not None

    def put(self, queue: str, task: Unfinished, priority: int = USUAL) -> None:
        """Have a task worked on that the engine does not know yet; nothing happens if it does."""
        options: Any = {
            "workflow_name": WORKFLOW,
            "queue_name": queue,
            "workflow_id": _workflow_id(task),
            "app_version": VERSION,
            "priority": priority,
        }
        if task.turn:
            options["queue_partition_key"] = task.turn
        if span := tracing.current():
            options["attributes"] = {TRACEPARENT: span.traceparent}
        self._client.enqueue(options, queue, task.id)

    def put_anew(self, queue: str, task: Unfinished) -> None:
        """Have a task worked on before what waits, whatever the engine knows of it."""
        self._client.delete_workflow(_workflow_id(task))
        self.put(queue, task, BEGUN_BEFORE)

    def asked_by(self, workflow_id: str) -> str | None:
        """Return the `traceparent` of the request that asked for a task, where one did."""
        try:
            (known,) = self._client.list_workflows(
                workflow_ids=[workflow_id], load_input=False, load_output=False
            )
            return (known.attributes or {}).get(TRACEPARENT)
        except Exception:
            # The task is worth more than its trace.
            log.warning("Whose trace %s belongs to cannot be looked up", workflow_id, exc_info=True)
            return None

    def drop_dead(self, living: set[str]) -> set[str]:
        """Forget what runs in no living process; return the ids of these tasks.

        Else it would keep its owner's turn for ever.
        """
        running = self._client.list_workflows(status=PENDING, load_input=False, load_output=False)
        dead = [each.workflow_id for each in running if each.executor_id not in living]
        if dead:
            self._client.delete_workflows(dead)
        return {name.partition("-")[2] for name in dead}

    def held(self, tasks: Iterable[Unfinished]) -> set[str]:
        """Return the ids of the tasks that wait in a queue or run."""
        by_workflow = {_workflow_id(task): task.id for task in tasks}
        known = self._client.list_workflows(
            workflow_ids=list(by_workflow),
            status=[ENQUEUED, PENDING],
            load_input=False,
            load_output=False,
        )
        return {by_workflow[each.workflow_id] for each in known}

    def forget_finished(self, before: datetime) -> None:
        """Remove what was finished before this time from the queues."""
        old = self._client.list_workflows(
            status=FINISHED,
            completed_before=before.isoformat(),
            limit=MOST_FORGOTTEN,
            load_input=False,
            load_output=False,
        )
        if old:
            self._client.delete_workflows([each.workflow_id for each in old])

    def close(self) -> None:
        """Close the connections; the next use opens them again."""
        with self._opening:
            if self._opened:
                self._opened.destroy()
                self._opened = None

    @property
    def _client(self) -> DBOSClient:
        from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer

        with self._opening:
            if self._opened is None:
                DBOS.migrate(self._url)
                self._opened = DBOSClient(
                    system_database_url=self._url,
                    application_name=APPLICATION,
                    serializer=DBOSPortableJSONSerializer(),
                )
            return self._opened


@cache
def _register() -> None:
    from dbos import DBOS

    DBOS.workflow(name=WORKFLOW)(_run)


def _run(queue: str, task_id: str) -> None:
    """Do the task of a row: the workflow."""
    from dbos import DBOS

    if process := _Process.at_work:
        process.run(queue, task_id, DBOS.workflow_id)


def _attempts(act: Callable[[], None]) -> None:
    """Do this as a step of the workflow, with attempts."""
    from dbos import DBOS

    options: Any = {
        "name": "attempt",
        "retries_allowed": True,
        "interval_seconds": FIRST_PAUSE,
        "max_attempts": MOST_TRIES,
    }
    DBOS.run_step(options, act)


def _configuration(url: str, executor_id: str) -> DBOSConfig:
    from dbos import DBOSPortableJSONSerializer

    return {
        "name": APPLICATION,
        "system_database_url": url,
        "application_version": VERSION,
        "executor_id": executor_id,
        "log_level": "WARNING",
        "use_listen_notify": False,
        "serializer": DBOSPortableJSONSerializer(),
    }


def _workflow_id(task: Unfinished) -> str:
    """Return the name of a task in the queues.

    What one person asks for in the same second is done in the order of these names.
    """
    return f"{task.created_at:%Y%m%d%H%M%S%f}-{task.id}"


def _unfinished(row: TaskColumns) -> Unfinished:
    turn = getattr(row, row.turn_by) if row.turn_by else None
    return Unfinished(row.id, turn, row.created_at)
