"""Cell images that wait for a process with the networks, as a web server has none."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    delete,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from records import Model, code_type, db, transaction
from records.accounts.accounts import Account, team_of_owner
from records.analyses.analyses import FILE_NAME_LENGTH
from records.storage.stored_files import UPLOADS, StoredFile
from records.tasks import UNFINISHED, TaskColumns


class CellWork(StrEnum):
    """What is asked of the networks."""

    CLASSIFY = "classify"
    OVERRIDE = "override"
    MAP = "map"


class CellTask(TaskColumns, Model):
    """One cell image to be read, or one answer to be explained by its activation map.

    To be classified is the file that `upload_name` names in the store of uploads, as long as it is
    needed; `sha256` is of its bytes. `source_id` is the analysis whose image is to be read despite
    its quality, or whose map is wanted. Once read, `analysis_id` is the task's own id; a map is
    kept in `activation_map` as rows of log odds.

    `team_id` is the team in which the owner was when sending the image, as with fields.
    """

    __tablename__ = "cell_tasks"
    queue = "cells"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'running', 'done', 'failed')", name="state"),
        CheckConstraint("work IN ('classify', 'override', 'map')", name="work"),
        Index("ix_cell_tasks_team_id_batch_id", "team_id", "batch_id"),
    )

    work: Mapped[CellWork] = mapped_column(code_type(CellWork, 8))
    owner_id: Mapped[str] = mapped_column(ForeignKey("accounts.id", ondelete="RESTRICT"))
    team_id: Mapped[str] = mapped_column(
        ForeignKey("teams.id", ondelete="RESTRICT"), default=team_of_owner
    )
    batch_id: Mapped[str] = mapped_column(String(32))
    case_id: Mapped[str | None] = mapped_column(
        ForeignKey("cases.id", ondelete="RESTRICT"), index=True
    )
    file_name: Mapped[str] = mapped_column(String(FILE_NAME_LENGTH))
    upload_name: Mapped[str | None] = mapped_column(StoredFile(UPLOADS))
    sha256: Mapped[str | None] = mapped_column(String(64))
    source_id: Mapped[str | None] = mapped_column(
        ForeignKey("analyses.id", ondelete="CASCADE"), index=True
    )
    analysis_id: Mapped[str | None] = mapped_column(
        ForeignKey("analyses.id", ondelete="CASCADE"), unique=True
    )
    activation_map: Mapped[list[list[float]] | None] = mapped_column(JSON(none_as_null=True))

    owner: Mapped[Account] = relationship()

    @property
    def can_retry(self) -> bool:
        """Whether there is an image to read."""
        return bool(self.upload_name or self.source_id)


_READINGS = CellTask.work != CellWork.MAP


def add(task: CellTask) -> None:
    """Keep a new task."""
    with transaction():
        db.session.add(task)


def get(task_id: str) -> CellTask:
    """Return the task of this id, whoever's it is: for background work."""
    return db.session.get_one(CellTask, task_id)


def find(task_id: str) -> CellTask | None:
    """Find the task of this id, whoever's it is, as the database has it now."""
    db.session.rollback()
    return db.session.get(CellTask, task_id)


def find_own(owner_id: str, task_id: str) -> CellTask | None:
    """Find the owner's image of this id that is, or was, to be read; None for somebody else's."""
    wanted = select(CellTask).filter_by(owner_id=owner_id, id=task_id).where(_READINGS)
    return db.session.scalar(wanted)


def find_in_team(team_id: str, task_id: str) -> CellTask | None:
    """Find the team's image of this id that is, or was, to be read; None for another team's."""
    wanted = select(CellTask).filter_by(team_id=team_id, id=task_id).where(_READINGS)
    return db.session.scalar(wanted)


def of_batch(team_id: str, batch_id: str) -> list[CellTask]:
    """Return the team's images of one batch, read ones too, in the order of arrival."""
    wanted = select(CellTask).filter_by(team_id=team_id, batch_id=batch_id).where(_READINGS)
    return list(db.session.scalars(wanted.order_by(CellTask.created_at, CellTask.id)))


def any_under_way(case_id: str) -> bool:
    """Return whether images of a case are still to be read."""
    wanted = select(CellTask.id).where(
        CellTask.case_id == case_id, CellTask.state.in_(UNFINISHED), _READINGS
    )
    return db.session.scalar(wanted.limit(1)) is not None


def held_for(owner_id: str) -> int:
    """Count the owner's images that wait or are read, or whose file takes up room."""
    held = or_(CellTask.state.in_(UNFINISHED), CellTask.upload_name.is_not(None))
    wanted = select(func.count()).where(CellTask.owner_id == owner_id, held, _READINGS)
    return db.session.scalar(wanted) or 0


def forget_upload(task_id: str) -> None:
    """Note that the file as it came is no longer kept."""
    with transaction():
        db.session.execute(update(CellTask).where(CellTask.id == task_id).values(upload_name=None))


def remove(task_id: str) -> None:
    """Remove a task of which nothing is kept."""
    with transaction():
        db.session.execute(delete(CellTask).where(CellTask.id == task_id))
