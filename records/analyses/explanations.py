"""Explanations of analyses: asked for by their owner, made in the background, kept as pictures."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from records import Model, db
from records.storage.stored_files import IMAGES, StoredFile
from records.tasks import TaskColumns


class Explanation(TaskColumns, Model):
    """The SHAP values of one analysis; `picture_name` names a file of the image store once done."""

    __tablename__ = "explanations"
    queue = "explanations"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'running', 'done', 'failed')", name="state"),
    )

    analysis_id: Mapped[str] = mapped_column(
        ForeignKey("analyses.id", ondelete="CASCADE"), unique=True
    )
    picture_name: Mapped[str | None] = mapped_column(StoredFile(IMAGES))


def find(analysis_id: str) -> Explanation | None:
    """Find the explanation of this analysis, in whatever state."""
    return db.session.scalar(select(Explanation).filter_by(analysis_id=analysis_id))


def get(explanation_id: str) -> Explanation:
    """Return the explanation of this id, which a task in the background names."""
    return db.session.get_one(Explanation, explanation_id)


def ask_for(analysis_id: str) -> None:
    """Let an explanation wait to be made; one that is there already stays as it is."""
    db.session.add(Explanation(analysis_id=analysis_id))
    try:
        db.session.commit()
    except IntegrityError:
        db.session.rollback()


def remove(analysis_id: str) -> str | None:
    """Remove an explanation without committing, and give the name of its picture, if it has one."""
    wanted = delete(Explanation).where(Explanation.analysis_id == analysis_id)
    return db.session.scalar(wanted.returning(Explanation.picture_name))
