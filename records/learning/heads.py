"""Heads fitted to a laboratory's signed cells, and which of them answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, LargeBinary, String, func, select
from sqlalchemy.orm import Mapped, mapped_column

from records import Model, UtcDateTime, code_type, db, utc_now
from records.append_only import make_append_only
from records.tasks import TaskColumns, TaskState

VERSION_LENGTH = 64


class HeadUse(StrEnum):
    """How a head is used."""

    ACTIVE = "active"
    SHADOW = "shadow"


class FittedHead(TaskColumns, Model):
    """A head; while its row is a waiting or running task, it is still to be fitted.

    `classifier` and `embedder` are the versions of the networks that it corrects and reads.
    `contents` is the head as `models.laboratory.head_file` writes it, `proof` what
    `services.learning.proofs` measured; all are NULL until the task is done.
    """

    __tablename__ = "fitted_heads"
    queue = "models"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'running', 'done', 'failed')", name="state"),
    )

    number: Mapped[int] = mapped_column(unique=True)
    author_id: Mapped[str] = mapped_column(ForeignKey("accounts.id", ondelete="RESTRICT"))
    classifier: Mapped[str | None] = mapped_column(String(VERSION_LENGTH))
    embedder: Mapped[str | None] = mapped_column(String(VERSION_LENGTH))
    contents: Mapped[bytes | None] = mapped_column(LargeBinary)
    proof: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))


class HeadChange(Model):
    """From when on a head is used in this way; `head_id` is NULL where none is any more."""

    __tablename__ = "head_changes"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    author_id: Mapped[str] = mapped_column(ForeignKey("accounts.id", ondelete="RESTRICT"))
    use: Mapped[HeadUse] = mapped_column(code_type(HeadUse, 8))
    head_id: Mapped[str | None] = mapped_column(ForeignKey("fitted_heads.id", ondelete="RESTRICT"))


make_append_only(HeadChange, "id")


def add(author_id: str) -> FittedHead:
    """Add a head that waits to be fitted, not yet committed."""
    last = db.session.scalar(select(func.max(FittedHead.number))) or 0
    head = FittedHead(number=last + 1, author_id=author_id)
    db.session.add(head)
    db.session.flush()
    return head


def get(head_id: str) -> FittedHead:
    """Return the head of this id, which a task in the background names."""
    return db.session.get_one(FittedHead, head_id)


def find(number: int) -> FittedHead | None:
    """Find the head of this number."""
    return db.session.scalar(select(FittedHead).filter_by(number=number))


def newest_first() -> Sequence[FittedHead]:
    """Return all heads."""
    return db.session.scalars(select(FittedHead).order_by(FittedHead.number.desc())).all()


def unfinished() -> FittedHead | None:
    """Return the head that waits or is being fitted."""
    open_states = (TaskState.WAITING, TaskState.RUNNING)
    return db.session.scalar(select(FittedHead).where(FittedHead.state.in_(open_states)).limit(1))


def id_in_use(use: HeadUse) -> str | None:
    """Return the id of the head that is used in this way."""
    wanted = select(HeadChange.head_id).filter_by(use=use).order_by(HeadChange.id.desc())
    return db.session.scalar(wanted.limit(1))


def change_use(author_id: str, use: HeadUse, head_id: str | None) -> None:
    """Use this head, or none, from now on; not yet committed."""
    db.session.add(HeadChange(author_id=author_id, use=use, head_id=head_id))
    db.session.flush()


def changes() -> Sequence[HeadChange]:
    """Return every change of use, the newest first."""
    return db.session.scalars(select(HeadChange).order_by(HeadChange.id.desc())).all()
