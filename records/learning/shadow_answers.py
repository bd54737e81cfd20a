"""What a head in shadow said of the cells of a field; nobody is shown it but who decides on it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ForeignKey, func, select
from sqlalchemy.orm import Mapped, mapped_column

from records import Model, db, transaction


class ShadowAnswers(Model):
    """How many white cells of a field the answering model and a head in shadow call blasts.

    `differing` are called a blast by one of them alone. `kinds_differing` are called a blast by
    neither, and get another kind: no cell is among both.
    """

    __tablename__ = "shadow_answers"

    analysis_id: Mapped[str] = mapped_column(
        ForeignKey("analyses.id", ondelete="CASCADE"), primary_key=True
    )
    head_id: Mapped[str] = mapped_column(
        ForeignKey("fitted_heads.id", ondelete="CASCADE"), primary_key=True
    )
    cells: Mapped[int]
    blasts: Mapped[int]
    shadow_blasts: Mapped[int]
    differing: Mapped[int]
    kinds_differing: Mapped[int]

    @property
    def cells_differing(self) -> int:
        """Number of cells that are named differently, as blasts or by their kinds."""
        return self.differing + self.kinds_differing


def add(answers: ShadowAnswers) -> None:
    """Keep the answers on a field."""
    with transaction():
        db.session.add(answers)


def totals(head_id: str) -> tuple[int, int, int, int, int, int]:
    """Sum over all fields.

    Returns:
        Fields, cells, blasts, blasts in shadow, cells called differently, cells of another kind.
    """
    columns = (
        ShadowAnswers.cells,
        ShadowAnswers.blasts,
        ShadowAnswers.shadow_blasts,
        ShadowAnswers.differing,
        ShadowAnswers.kinds_differing,
    )
    sums = [func.coalesce(func.sum(column), 0) for column in columns]
    row = db.session.execute(
        select(func.count(), *sums).select_from(ShadowAnswers).filter_by(head_id=head_id)
    ).one()
    return row[0], row[1], row[2], row[3], row[4], row[5]


def fields_that_differ(head_id: str, limit: int) -> Sequence[ShadowAnswers]:
    """Return the fields with most cells named differently."""
    both = ShadowAnswers.differing + ShadowAnswers.kinds_differing
    wanted = select(ShadowAnswers).filter_by(head_id=head_id).where(both > 0)
    return db.session.scalars(
        wanted.order_by(both.desc(), ShadowAnswers.analysis_id).limit(limit)
    ).all()
