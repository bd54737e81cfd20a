"""Cases that nothing is to be learnt from any more; they stay signed as they are."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, mapped_column

from records import Model, UtcDateTime, db, utc_now
from records.analyses.analyses import Analysis
from records.append_only import make_append_only


class WithdrawnCase(Model):
    """A case from which nothing is learnt, since when, and who said so."""

    __tablename__ = "withdrawn_cases"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id", ondelete="RESTRICT"), unique=True)
    author_id: Mapped[str] = mapped_column(ForeignKey("accounts.id", ondelete="RESTRICT"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)


make_append_only(WithdrawnCase, "id", "case_id")


def add(case_id: str, author_id: str) -> None:
    """Learn nothing from a case any more; not yet committed."""
    db.session.add(WithdrawnCase(case_id=case_id, author_id=author_id))
    db.session.flush()


def ids() -> frozenset[str]:
    """Return the ids of the withdrawn cases."""
    return frozenset(db.session.scalars(select(WithdrawnCase.case_id)))


def holds(analysis_id: str) -> bool:
    """Return whether a field belongs to a withdrawn case."""
    wanted = select(Analysis.id).join(WithdrawnCase, WithdrawnCase.case_id == Analysis.case_id)
    return db.session.scalar(wanted.where(Analysis.id == analysis_id)) is not None


def fields_left(analysis_ids: Collection[str]) -> set[str]:
    """Return which of these fields are still there, in a case that may be learnt from."""
    withdrawn = select(WithdrawnCase.case_id)
    wanted = select(Analysis.id).where(
        Analysis.id.in_(analysis_ids),
        Analysis.case_id.is_not(None),
        Analysis.case_id.not_in(withdrawn),
    )
    return set(db.session.scalars(wanted))
