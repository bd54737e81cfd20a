"""Comments on cells by people: rows are only ever added."""

from __future__ import annotations

from sqlalchemy import ColumnElement, ForeignKey, Text, func, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from records import Model, db
from records.accounts.accounts import Account
from records.append_only import make_append_only
from records.cases import on_cell
from records.cases.on_cell import OnCell, Sight, index_of_cells, seen


class CellComment(OnCell, Model):
    """What a person wrote about one cell of a case."""

    __tablename__ = "cell_comments"
    __table_args__ = (index_of_cells("cell_comments"), {"sqlite_autoincrement": True})

    text: Mapped[str] = mapped_column(Text)
    author_id: Mapped[str] = mapped_column(ForeignKey("accounts.id", ondelete="RESTRICT"))

    author: Mapped[Account] = relationship()


make_append_only(CellComment, "id", "key")


def of_cell(case_id: str, cell_id: str, sight: Sight | None = None) -> list[CellComment]:
    """Return the comments on one cell, oldest first, with their authors, as far as seen."""
    return on_cell.of_cell(case_id, cell_id, CellComment, CellComment.author, _seen(sight))


def counts_of(case_id: str, sight: Sight | None = None) -> dict[str, int]:
    """Count the comments on each cell of a case that has any, as far as seen, by the cell's id."""
    counted = select(CellComment.analysis_id, CellComment.cell, func.count(CellComment.id))
    counted = counted.where(CellComment.case_id == case_id, _seen(sight))
    grouped = counted.group_by(CellComment.analysis_id, CellComment.cell)
    return {f"{analysis}.{cell}": count for analysis, cell, count in db.session.execute(grouped)}


def count_of(case_id: str, sight: Sight | None = None) -> int:
    """Count the comments on all cells of a case, as far as seen."""
    counted = select(func.count(CellComment.id)).where(CellComment.case_id == case_id, _seen(sight))
    return db.session.scalar(counted) or 0


def _seen(sight: Sight | None) -> ColumnElement[bool]:
    return seen(CellComment, CellComment.author_id, sight)
