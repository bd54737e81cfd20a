"""Reviews of a cell's form by people: rows are only ever added, findings never change."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from records import Model
from records.accounts.accounts import Account
from records.append_only import make_append_only
from records.cases import on_cell
from records.cases.on_cell import OnCell, Sight, index_of_cells, seen


class AttributeReview(OnCell, Model):
    """One person's word on one attribute of a cell, from one value to another.

    `attribute` and its values are of `core.morphology`.
    """

    __tablename__ = "attribute_reviews"
    __table_args__ = (index_of_cells("attribute_reviews"), {"sqlite_autoincrement": True})

    attribute: Mapped[str] = mapped_column(String(32))
    value_before: Mapped[str | None] = mapped_column(String(32))
    value: Mapped[str] = mapped_column(String(32))
    reviewer_id: Mapped[str] = mapped_column(ForeignKey("accounts.id", ondelete="RESTRICT"))

    reviewer: Mapped[Account] = relationship()


make_append_only(AttributeReview, "id", "key")


def of_cell(case_id: str, cell_id: str, sight: Sight | None = None) -> list[AttributeReview]:
    """Return the reviews of one cell's form, oldest first, with who gave them, as far as seen."""
    condition = seen(AttributeReview, AttributeReview.reviewer_id, sight)
    return on_cell.of_cell(case_id, cell_id, AttributeReview, AttributeReview.reviewer, condition)
