"""Reviews of cells by people: rows are only ever added, so that nothing is overwritten."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import JSON, CheckConstraint, ColumnElement, ForeignKey, String, false, func, select
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from core.taxonomy import CLASS_CODES, OWN_PREFIX
from records import Model, db
from records.accounts.accounts import Account
from records.append_only import make_append_only
from records.cases import on_cell
from records.cases.on_cell import OnCell, Sight, index_of_cells, seen


class Review(OnCell, Model):
    """One person's word on one cell of a case, from one label to another.

    Only a cell that the person drew has a `box` (x1, y1, x2, y2 in pixels of the upright file). It
    is in `bulk` where the same act named several cells; reviews of before that was kept are not. A
    row that `undoes` another gives the cell back the label that it had before. Which own classes of
    the laboratory there are, its settings say.
    """

    __tablename__ = "reviews"
    __table_args__ = (
        CheckConstraint(
            f"label IN {CLASS_CODES} OR substr(label, 1, {len(OWN_PREFIX)}) = '{OWN_PREFIX}'",
            name="label",
        ),
        index_of_cells("reviews"),
        {"sqlite_autoincrement": True},
    )

    label_before: Mapped[str | None] = mapped_column(String(24))
    label: Mapped[str] = mapped_column(String(24))
    box: Mapped[list[float] | None] = mapped_column(JSON(none_as_null=True))
    bulk: Mapped[bool] = mapped_column(default=False, server_default=false())
    reviewer_id: Mapped[str] = mapped_column(ForeignKey("accounts.id", ondelete="RESTRICT"))
    undoes: Mapped[int | None] = mapped_column(
        ForeignKey("reviews.id", ondelete="RESTRICT"), unique=True
    )

    reviewer: Mapped[Account] = relationship()


make_append_only(Review, "id", "key", "undoes")


def add(reviews: Iterable[Review]) -> None:
    """Add reviews, not yet committed, in their order."""
    db.session.add_all(reviews)
    db.session.flush()


def of_case(
    case_id: str, among: Collection[str] | None = None, sight: Sight | None = None
) -> list[Review]:
    """Return the reviews of a case, or `among` these analyses, oldest first, as far as seen.

    Those who gave them come along.
    """
    wanted = select(Review).where(Review.case_id == case_id, _seen(sight))
    wanted = wanted.options(joinedload(Review.reviewer))
    if among is not None:
        wanted = wanted.where(Review.analysis_id.in_(among))
    return list(db.session.scalars(wanted.order_by(Review.id)))


def of_cell(case_id: str, cell_id: str, sight: Sight | None = None) -> list[Review]:
    """Return the reviews of one cell, oldest first, with those who gave them, as far as seen."""
    return on_cell.of_cell(case_id, cell_id, Review, Review.reviewer, _seen(sight))


def with_keys(keys: Iterable[str]) -> dict[str, Review]:
    """Return the kept reviews of these keys, by key, with those who gave them."""
    wanted = select(Review).where(Review.key.in_(list(keys)))
    named = db.session.scalars(wanted.options(joinedload(Review.reviewer)))
    return {review.key: review for review in named}


def count_of(case_id: str, sight: Sight | None = None) -> int:
    """Count the reviews of a case, as far as seen; each act adds one."""
    counted = select(func.count(Review.id)).where(Review.case_id == case_id, _seen(sight))
    return db.session.scalar(counted) or 0


def _seen(sight: Sight | None) -> ColumnElement[bool]:
    return seen(Review, Review.reviewer_id, sight)
