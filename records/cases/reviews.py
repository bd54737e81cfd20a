"""Reviews of cells by people: rows are only ever added, so that nothing is overwritten."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, func, select
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from core.taxonomy import CLASS_CODES
from records import Model, UtcDateTime, db, utc_now
from records.accounts.accounts import Account
from records.append_only import make_append_only

CELL_LENGTH = 16


class Review(Model):
    """One person's word on one cell of a case, from one label to another.

    `cell` is its number among the white cells of the analysis, or "d" and eight hexadecimal digits
    for one that the person drew; only those have a `box` (x1, y1, x2, y2 in pixels of the upright
    file). `key` is made up by the browser, so that what is sent twice is kept once. A row that
    `undoes` another gives the cell back the label that it had before.
    """

    __tablename__ = "reviews"
    __table_args__ = (
        CheckConstraint(f"label IN {CLASS_CODES}", name="label"),
        Index("ix_reviews_case_id_analysis_id_cell", "case_id", "analysis_id", "cell"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(32), unique=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id", ondelete="RESTRICT"))
    analysis_id: Mapped[str] = mapped_column(
        ForeignKey("analyses.id", ondelete="RESTRICT"), index=True
    )
    cell: Mapped[str] = mapped_column(String(CELL_LENGTH))
    label_before: Mapped[str | None] = mapped_column(String(24))
    label: Mapped[str] = mapped_column(String(24))
    box: Mapped[list[float] | None] = mapped_column(JSON(none_as_null=True))
    reviewer_id: Mapped[str] = mapped_column(ForeignKey("accounts.id", ondelete="RESTRICT"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    undoes: Mapped[int | None] = mapped_column(
        ForeignKey("reviews.id", ondelete="RESTRICT"), unique=True
    )

    reviewer: Mapped[Account] = relationship()

    @property
    def cell_id(self) -> str:
        """The cell's name within the case."""
        return f"{self.analysis_id}.{self.cell}"


make_append_only(Review, "id", "key", "undoes")


def add(reviews: Iterable[Review]) -> None:
    """Add reviews, not yet committed, in their order."""
    db.session.add_all(reviews)
    db.session.flush()


def of_case(case_id: str, among: Collection[str] | None = None) -> list[Review]:
    """Return the reviews of a case, or `among` these analyses, oldest first.

    Those who gave them come along.
    """
    wanted = select(Review).filter_by(case_id=case_id).options(joinedload(Review.reviewer))
    if among is not None:
        wanted = wanted.where(Review.analysis_id.in_(among))
    return list(db.session.scalars(wanted.order_by(Review.id)))


def of_cell(case_id: str, analysis_id: str, cell: str) -> list[Review]:
    """Return all reviews of one cell, oldest first, with those who gave them."""
    wanted = select(Review).filter_by(case_id=case_id, analysis_id=analysis_id, cell=cell)
    named = wanted.options(joinedload(Review.reviewer))
    return list(db.session.scalars(named.order_by(Review.id)))


def with_keys(keys: Iterable[str]) -> dict[str, Review]:
    """Return the kept reviews of these keys, by key, with those who gave them."""
    wanted = select(Review).where(Review.key.in_(list(keys)))
    named = db.session.scalars(wanted.options(joinedload(Review.reviewer)))
    return {review.key: review for review in named}


def count_of(case_id: str) -> int:
    """Count the reviews of a case; each act adds one."""
    return db.session.scalar(select(func.count(Review.id)).filter_by(case_id=case_id)) or 0


def any_of_analysis(analysis_id: str) -> bool:
    """Return whether anybody has reviewed a cell of this analysis."""
    wanted = select(Review.id).filter_by(analysis_id=analysis_id)
    return db.session.scalar(wanted.limit(1)) is not None
