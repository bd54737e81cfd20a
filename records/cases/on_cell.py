"""What people add to the cells of a case: the columns and queries that all of it shares."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import ColumnElement, ForeignKey, Index, String, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, Mapped, joinedload, mapped_column

from records import UtcDateTime, db, utc_now
from records.accounts.accounts import Account

CELL_LENGTH = 16


class OnCell:
    """Columns of a row on one cell of a case.

    `cell` is its number among the white cells of the analysis, or "d" and eight hexadecimal digits
    for one that a person drew. `key` is made up by the browser, so that what is sent twice is kept
    once.
    """

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(32), unique=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id", ondelete="RESTRICT"))
    analysis_id: Mapped[str] = mapped_column(
        ForeignKey("analyses.id", ondelete="RESTRICT"), index=True
    )
    cell: Mapped[str] = mapped_column(String(CELL_LENGTH))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)

    @property
    def cell_id(self) -> str:
        """The cell's name within the case."""
        return f"{self.analysis_id}.{self.cell}"


Row = TypeVar("Row", bound=OnCell)


@dataclass(frozen=True)
class Sight:
    """What a person sees of a case under blind review.

    Attributes:
        account_id: Whose work they see: their own. None for nobody's.
        since: When the present version was opened; what is older was signed, and everybody sees it.
    """

    account_id: str | None
    since: datetime | None

    def sees(self, person_id: str, at: datetime) -> bool:
        """Return whether what a person did at a time is seen."""
        return person_id == self.account_id or (self.since is not None and at < self.since)


def seen(
    row: type[OnCell], person: InstrumentedAttribute[str], sight: Sight | None
) -> ColumnElement[bool]:
    """Return the condition for rows, written by `person`, that somebody sees; None sees all."""
    if sight is None:
        return true()
    own = person == sight.account_id
    return own if sight.since is None else or_(own, row.at < sight.since)


def index_of_cells(table: str) -> Index:
    """Index a table by cell; a table of `OnCell` needs it among its arguments."""
    return Index(f"ix_{table}_case_id_analysis_id_cell", "case_id", "analysis_id", "cell")


def add(row: OnCell) -> None:
    """Add a row, not yet committed."""
    db.session.add(row)
    db.session.flush()


def with_key(table: type[Row], key: str) -> Row | None:
    """Return the kept row of this key, if there is one."""
    return db.session.scalar(select(table).where(table.key == key))


def of_cell(
    case_id: str,
    cell_id: str,
    table: type[Row],
    by: InstrumentedAttribute[Account],
    condition: ColumnElement[bool],
) -> list[Row]:
    """Return the rows on one cell, oldest first, with the people who wrote them (`by`)."""
    analysis_id, _, cell = cell_id.partition(".")
    wanted = select(table).where(
        table.case_id == case_id, table.analysis_id == analysis_id, table.cell == cell, condition
    )
    return list(db.session.scalars(wanted.options(joinedload(by)).order_by(table.id)))


def any_of_analysis(analysis_id: str, table: type[OnCell]) -> bool:
    """Return whether a table has a row on a cell of this analysis."""
    wanted = select(table.id).where(table.analysis_id == analysis_id)
    return db.session.scalar(wanted.limit(1)) is not None
