"""Who was given a case, by whom and with which note: rows that stay."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Text, select
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from records import Model, UtcDateTime, db, utc_now
from records.accounts.accounts import Account
from records.append_only import make_append_only

NOTE_LENGTH = 1000


class Assignment(Model):
    """A case given to somebody to read, or with `assignee_id` None to nobody in particular."""

    __tablename__ = "assignments"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id", ondelete="RESTRICT"), index=True)
    assignee_id: Mapped[str | None] = mapped_column(ForeignKey("accounts.id", ondelete="RESTRICT"))
    by_id: Mapped[str] = mapped_column(ForeignKey("accounts.id", ondelete="RESTRICT"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    note: Mapped[str] = mapped_column(Text, default="")

    assignee: Mapped[Account | None] = relationship(foreign_keys=assignee_id)
    by: Mapped[Account] = relationship(foreign_keys=by_id)


make_append_only(Assignment, "id")


def add(assignment: Assignment) -> None:
    """Add an assignment, not yet committed."""
    db.session.add(assignment)
    db.session.flush()


def of_case(case_id: str) -> list[Assignment]:
    """Return all assignments of a case, newest first, with the people."""
    wanted = select(Assignment).filter_by(case_id=case_id).order_by(Assignment.id.desc())
    people = joinedload(Assignment.assignee), joinedload(Assignment.by)
    return list(db.session.scalars(wanted.options(*people)))
