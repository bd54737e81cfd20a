"""Background tasks as rows: what is to be done, how far it is, and what became of it.

A row moves waiting → running → done or failed, or is dropped by whoever asked for it. Every move
names the state that it leaves: of two that try the same move one succeeds, and a row that was
deleted meanwhile moves nowhere. Each start has a number (`attempts`): a process that was taken for
dead and goes on changes nothing of what its successor does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import ColumnElement, String, func, literal, select, true, update
from sqlalchemy.orm import Mapped, mapped_column

from core.translatable import translatable
from records import Model, UtcDateTime, code_type, count_changed, db, transaction, utc_now
from records.accounts.accounts import new_id


class TaskState(StrEnum):
    """Where a task stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    DROPPED = "dropped"


UNFINISHED = (TaskState.WAITING, TaskState.RUNNING)

MOST_ATTEMPTS = 3
"""Starts after which a task that always ends with the server is given up."""

ERROR_LENGTH = 240
GIVEN_UP = translatable("The server stopped each time it worked on this.")


class TaskColumns:
    """What the table of any background task has; `done` of `total` steps, `error` a sentence."""

    __tablename__: str

    queue: ClassVar[str]
    """The name of the queue that its rows wait in."""

    outbox: ClassVar[bool] = False
    """Whether nobody puts its rows into the queue but the caretaker, when they are due."""

    turn_by: ClassVar[str | None] = None
    """The column of whose tasks one runs at a time, so that none holds up the others'."""

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    state: Mapped[TaskState] = mapped_column(
        code_type(TaskState, 8), default=TaskState.WAITING, index=True
    )
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None] = mapped_column(String(ERROR_LENGTH))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    @classmethod
    def due(cls) -> ColumnElement[bool]:
        """Return which of the waiting tasks may start now."""
        return true()

    @property
    def under_way(self) -> bool:
        """Whether it is still to be done."""
        return self.state in UNFINISHED

    @property
    def can_retry(self) -> bool:
        """Whether what it needs is still there."""
        return True


Table = type[TaskColumns]


@dataclass(frozen=True)
class Unfinished:
    """A task that waits or runs, and whose turn it takes (`TaskColumns.turn_by`)."""

    id: str
    turn: str | None
    created_at: datetime


def unfinished(table: Table, limit: int) -> list[Unfinished]:
    """Return the tasks that run or are due, those that were asked for first."""
    turn = getattr(table, table.turn_by) if table.turn_by else literal(None)
    wanted = select(table.id, turn, table.created_at)
    wanted = wanted.where(table.state.in_(UNFINISHED), table.due())
    rows = db.session.execute(wanted.order_by(table.created_at, table.id).limit(limit)).all()
    # Ends the transaction of the query: who looks now and then must not hold one open.
    db.session.rollback()
    return [Unfinished(*row) for row in rows]


def failed(table: Table) -> list[TaskColumns]:
    """Return the tasks that failed, in the order of asking."""
    wanted = select(table).where(table.state == TaskState.FAILED)
    return list(db.session.scalars(wanted.order_by(table.created_at, table.id)))


def begin(table: Table, task_id: str) -> int | None:
    """Start a task and give the number of the start; None when there is nothing to do.

    One that says "running" was left by a process that ended: it is given up where each start ended
    so.
    """
    stops = table.attempts >= MOST_ATTEMPTS
    given_up = {"state": TaskState.FAILED, "error": GIVEN_UP}
    if _move(table, task_id, TaskState.RUNNING, stops, **given_up):
        return None
    begun = {
        **_ANEW,
        "state": TaskState.RUNNING,
        "attempts": table.attempts + 1,
        "started_at": utc_now(),
    }
    wanted = update(table).where(table.id == task_id, table.state.in_(UNFINISHED))
    with transaction():
        return db.session.scalar(wanted.values(**begun).returning(table.attempts))


def advance(table: Table, task_id: str, attempt: int, done: int, total: int) -> bool:
    """Note how far a running task is; False when it is not to go on."""
    return _move_own(table, task_id, attempt, done=done, total=total)


def finish(table: Table, task_id: str, attempt: int, **values: Any) -> bool:  # noqa: ANN401  columns of any table
    """Note that a running task is done, with what it made; False when nobody wants it any more."""
    return _move_own(table, task_id, attempt, state=TaskState.DONE, **values)


def fail(table: Table, task_id: str, attempt: int, error: str) -> bool:
    """Note why a running task failed, in a sentence; what it had not committed is dropped."""
    db.session.rollback()
    return _move_own(table, task_id, attempt, state=TaskState.FAILED, error=error[:ERROR_LENGTH])


def release(table: Table, task_id: str, attempt: int) -> bool:
    """Let a running task wait again; the start that it had does not count."""
    return _move_own(table, task_id, attempt, **_ANEW, attempts=attempt - 1)


def retry(table: Table, task_id: str) -> bool:
    """Let a failed task wait again, as if it had never run."""
    return _move(table, task_id, TaskState.FAILED, **_ANEW, attempts=0)


def drop(table: Table, task_id: str, **values: Any) -> bool:  # noqa: ANN401  columns of any table
    """Note that nobody wants a task any more; a running one ends at its next step."""
    return any(
        _move(table, task_id, before, state=TaskState.DROPPED, **values)
        for before in (*UNFINISHED, TaskState.FAILED)
    )


def is_under_way(table: Table, task_id: str) -> bool:
    """Return whether a task is still to be done, as the database has it now."""
    db.session.rollback()
    wanted = select(table.id).where(table.id == task_id, table.state.in_(UNFINISHED))
    return db.session.scalar(wanted) is not None


def waiting(table: Table) -> int:
    """Count the tasks that wait."""
    return db.session.scalar(select(func.count()).where(table.state == TaskState.WAITING)) or 0


_ANEW = {"state": TaskState.WAITING, "done": 0, "total": 0, "error": None}


def _move_own(table: Table, task_id: str, attempt: int, **values: object) -> bool:
    return _move(table, task_id, TaskState.RUNNING, table.attempts == attempt, **values)


def _move(
    table: Table, task_id: str, before: TaskState, *also: ColumnElement[bool], **values: object
) -> bool:
    wanted = update(table).where(table.id == task_id, table.state == before, *also)
    with transaction():
        return count_changed(wanted.values(**values)) == 1


def counts() -> dict[tuple[str, str], int]:
    """Count the tasks of every kind, by table and state; a state without tasks counts 0."""
    tables = (each.class_ for each in Model.registry.mappers)
    return {
        key: number
        for table in tables
        if issubclass(table, TaskColumns)
        for key, number in _counts_of(table).items()
    }


def _counts_of(table: Table) -> dict[tuple[str, str], int]:
    found = db.session.execute(select(table.state, func.count()).group_by(table.state))
    numbers = {state: number for state, number in found}
    return {(table.__tablename__, str(state)): numbers.get(state, 0) for state in TaskState}
