"""Background tasks as rows: their table is their queue, so a restart neither loses nor doubles one.

A row moves waiting → running → done or failed, or is dropped by whoever asked for it. Every move
names the state that it leaves: of two that try the same move one succeeds, and a row that was
deleted meanwhile moves nowhere.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, String, func, select, true, update
from sqlalchemy.orm import Mapped, mapped_column

from records import (
    UtcDateTime,
    code_type,
    count_changed,
    db,
    take_write_lock,
    transaction,
    utc_now,
)
from records.accounts.accounts import new_id


class TaskState(StrEnum):
    """Where a task stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    DROPPED = "dropped"


MOST_ATTEMPTS = 3
"""Starts after which a task that always ends with the server is given up."""

ERROR_LENGTH = 240
GIVEN_UP = "The server stopped each time it worked on this."


class TaskColumns:
    """What the table of any background task has; `done` of `total` steps, `error` a sentence."""

    __tablename__: str

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
    def turn(cls) -> tuple[SQLColumnExpression[Any], ...]:
        """Return the order of waiting tasks: the one that waits longest comes first."""
        return cls.created_at, cls.id

    @classmethod
    def ready(cls) -> ColumnElement[bool]:
        """Return which of the waiting tasks may start now."""
        return true()


Table = type[TaskColumns]


def claim(table: Table) -> str | None:
    """Start the task whose turn it is, and give its id; None when none waits that may start."""
    ready = select(table.id).where(table.state == TaskState.WAITING, table.ready())
    waiting = ready.order_by(*table.turn())
    # Else a writer between the look and the move would end the move with an error.
    take_write_lock(db.session())
    task_id = db.session.scalar(waiting.limit(1))
    if task_id is None:
        # Ends the transaction of the query: an idle worker must not hold one open.
        db.session.rollback()
        return None
    begun = {"state": TaskState.RUNNING, "attempts": table.attempts + 1, "started_at": utc_now()}
    _move(table, task_id, TaskState.WAITING, **begun)
    return task_id


def advance(table: Table, task_id: str, done: int, total: int) -> bool:
    """Note how far a running task is; False when it is not to go on."""
    return _move(table, task_id, TaskState.RUNNING, done=done, total=total)


def finish(table: Table, task_id: str, **values: Any) -> bool:  # noqa: ANN401  columns of any table
    """Note that a running task is done, with what it made; False when nobody wants it any more."""
    return _move(table, task_id, TaskState.RUNNING, state=TaskState.DONE, **values)


def fail(table: Table, task_id: str, error: str) -> bool:
    """Note why a running task failed, in a sentence; what it had not committed is dropped."""
    db.session.rollback()
    return _move(
        table, task_id, TaskState.RUNNING, state=TaskState.FAILED, error=error[:ERROR_LENGTH]
    )


def release(table: Table, task_id: str) -> bool:
    """Let a running task wait again; the start that it had does not count."""
    return _move(table, task_id, TaskState.RUNNING, **_ANEW, attempts=table.attempts - 1)


def retry(table: Table, task_id: str) -> bool:
    """Let a failed task wait again, as if it had never run."""
    return _move(table, task_id, TaskState.FAILED, **_ANEW, attempts=0)


def drop(table: Table, task_id: str, **values: Any) -> bool:  # noqa: ANN401  columns of any table
    """Note that nobody wants a task any more; a running one ends at its next step."""
    return any(
        _move(table, task_id, before, state=TaskState.DROPPED, **values)
        for before in (TaskState.WAITING, TaskState.RUNNING, TaskState.FAILED)
    )


def recover(table: Table, at_work: Collection[str] = ()) -> None:
    """Let tasks that run wait again, unless they always stop the server.

    Args:
        table: the tasks.
        at_work: ids of those that a thread of this process works on; they are left as they are.
    """
    left = update(table).where(table.state == TaskState.RUNNING, table.id.not_in(at_work))
    given_up = left.where(table.attempts >= MOST_ATTEMPTS)
    with transaction():
        db.session.execute(given_up.values(state=TaskState.FAILED, error=GIVEN_UP))
        db.session.execute(left.values(**_ANEW))


def waiting(table: Table) -> int:
    """Count the tasks that wait."""
    return db.session.scalar(select(func.count()).where(table.state == TaskState.WAITING)) or 0


_ANEW = {"state": TaskState.WAITING, "done": 0, "total": 0, "error": None}


def _move(table: Table, task_id: str, before: TaskState, **values: object) -> bool:
    wanted = update(table).where(table.id == task_id, table.state == before)
    with transaction():
        return count_changed(wanted.values(**values)) == 1
