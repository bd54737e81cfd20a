"""What lists need of an analysis, and of what was signed, kept beside both: these are long."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String, Text, func, select
from sqlalchemy.orm import Mapped, mapped_column

from records import Model, db
from records.analyses.analyses import FILE_NAME_LENGTH
from records.append_only import make_append_only


class AnalysisSummary(Model):
    """Of one analysis: its file's name as a search compares it, and what the models count in it.

    `cells` are those to be reviewed, `white_cells` those of the differential, `blasts` among them.
    `candidates` lists the numbers of the cells that do not count, as ",3,17,".
    """

    __tablename__ = "analysis_summaries"

    analysis_id: Mapped[str] = mapped_column(
        ForeignKey("analyses.id", ondelete="CASCADE"), primary_key=True
    )
    folded_name: Mapped[str] = mapped_column(String(4 * FILE_NAME_LENGTH))
    cells: Mapped[int]
    white_cells: Mapped[int]
    blasts: Mapped[int]
    candidates: Mapped[str] = mapped_column(Text)


class SignedCounts(Model):
    """Of one signature: what the reviewers counted.

    `compared` cells were counted by the models and reviewed by a person; on `agreed` of them both
    say blast, or both do not.
    """

    __tablename__ = "signed_counts"

    signature_id: Mapped[int] = mapped_column(
        ForeignKey("signatures.id", ondelete="RESTRICT"), primary_key=True, autoincrement=False
    )
    cells: Mapped[int]
    white_cells: Mapped[int]
    blasts: Mapped[int]
    compared: Mapped[int]
    agreed: Mapped[int]


make_append_only(SignedCounts, "signature_id")


def white_cells() -> int:
    """Count the white cells of all analyses that are kept, as the models see them."""
    return db.session.scalar(select(func.coalesce(func.sum(AnalysisSummary.white_cells), 0))) or 0
