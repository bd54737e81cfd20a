"""Fields sent to Detect: which waits, which is read, and what became of each."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from records import Model, db, transaction
from records.accounts.accounts import Account, team_of_owner
from records.analyses.analyses import FILE_NAME_LENGTH
from records.analyses.slide_areas import SlideArea
from records.cases.cases import Case
from records.storage.stored_files import UPLOADS, StoredFile
from records.tasks import TaskColumns, TaskState


class FieldTask(TaskColumns, Model):
    """One field to be read, for one person; `batch_id` joins those that were sent together,
    and `case_id` names the case to which the analysis is to belong.

    `team_id` is the team in which the owner was when sending it. The field and its analysis stay
    with that team, wherever the owner goes.

    `upload_name` names the file as it came in the store of uploads, as long as it is needed;
    `sha256` is of its bytes;
    `source_id` is an analysis whose image is to be read instead, `area` a part of a slide. Once
    done, `analysis_id` is the task's own id, and `counts` what a batch adds up:
    (`services.analyses.batches.counts_of`).
    """

    __tablename__ = "field_tasks"
    queue = "fields"
    turn_by = "owner_id"
    __table_args__ = (
        CheckConstraint(
            "state IN ('waiting', 'running', 'done', 'failed', 'dropped')", name="state"
        ),
        Index("ix_field_tasks_owner_id_batch_id", "owner_id", "batch_id"),
        Index("ix_field_tasks_team_id_batch_id", "team_id", "batch_id"),
        Index("ix_field_tasks_team_id_sha256", "team_id", "sha256"),
    )

    owner_id: Mapped[str] = mapped_column(ForeignKey("accounts.id", ondelete="RESTRICT"))
    team_id: Mapped[str] = mapped_column(
        ForeignKey("teams.id", ondelete="RESTRICT"), default=team_of_owner
    )
    batch_id: Mapped[str] = mapped_column(String(32))
    case_id: Mapped[str | None] = mapped_column(ForeignKey("cases.id", ondelete="RESTRICT"))
    file_name: Mapped[str] = mapped_column(String(FILE_NAME_LENGTH))
    upload_name: Mapped[str | None] = mapped_column(StoredFile(UPLOADS))
    sha256: Mapped[str | None] = mapped_column(String(64))
    source_id: Mapped[str | None] = mapped_column(
        ForeignKey("analyses.id", ondelete="SET NULL"), index=True
    )
    analysis_id: Mapped[str | None] = mapped_column(
        ForeignKey("analyses.id", ondelete="CASCADE"), unique=True
    )
    counts: Mapped[dict[str, Any] | None] = mapped_column(JSON)

    owner: Mapped[Account] = relationship()
    case: Mapped[Case | None] = relationship()
    area: Mapped[SlideArea | None] = relationship(cascade="all, delete-orphan", single_parent=True)

    @property
    def can_retry(self) -> bool:
        """Whether there is an image to read."""
        of_slide = self.area is not None and self.area.slide_id is not None
        return bool(self.upload_name or self.source_id) or of_slide


def add(task: FieldTask) -> None:
    """Keep a new task."""
    with transaction():
        db.session.add(task)


def get(task_id: str) -> FieldTask:
    """Return the task of this id, whoever's it is: for background work."""
    return db.session.get_one(FieldTask, task_id)


def find(team_id: str, batch_id: str, task_id: str) -> FieldTask | None:
    """Find the task of this id in the team's batch; None for another team's."""
    wanted = select(FieldTask).filter_by(team_id=team_id, batch_id=batch_id, id=task_id)
    return db.session.scalar(wanted)


def find_in_team(team_id: str, task_id: str) -> FieldTask | None:
    """Find the team's task of this id; None for another team's."""
    return db.session.scalar(select(FieldTask).filter_by(team_id=team_id, id=task_id))


def find_own(owner_id: str, task_id: str) -> FieldTask | None:
    """Find the owner's task of this id; None for somebody else's."""
    return db.session.scalar(select(FieldTask).filter_by(owner_id=owner_id, id=task_id))


def under_way_of_files(team_id: str, hashes: Collection[str]) -> list[FieldTask]:
    """Return the team's tasks that are to read a file of these SHA-256, in the order of arrival."""
    wanted = select(FieldTask).where(
        FieldTask.team_id == team_id,
        FieldTask.sha256.in_(hashes),
        FieldTask.state.in_((TaskState.WAITING, TaskState.RUNNING)),
    )
    return list(db.session.scalars(wanted.order_by(FieldTask.created_at, FieldTask.id)))


def of_batch(team_id: str, batch_id: str) -> list[FieldTask]:
    """Return the team's tasks of one batch, in the order of arrival."""
    wanted = select(FieldTask).filter_by(team_id=team_id, batch_id=batch_id)
    return list(db.session.scalars(wanted.order_by(FieldTask.created_at, FieldTask.id)))


def any_of_batch(team_id: str, batch_id: str) -> bool:
    """Return whether the team has a task in this batch."""
    wanted = select(FieldTask.id).filter_by(team_id=team_id, batch_id=batch_id)
    return db.session.scalar(wanted.limit(1)) is not None


def unread_of_case(case_id: str) -> list[FieldTask]:
    """Return the fields of a case that wait, run or failed, in the order of arrival."""
    unread = FieldTask.state.in_((TaskState.WAITING, TaskState.RUNNING, TaskState.FAILED))
    wanted = select(FieldTask).where(FieldTask.case_id == case_id, unread)
    return list(db.session.scalars(wanted.order_by(FieldTask.created_at, FieldTask.id)))


def is_wanted(task_id: str) -> bool:
    """Return whether there is a task of this id that nobody dropped."""
    wanted = select(FieldTask.id).where(
        FieldTask.id == task_id, FieldTask.state != TaskState.DROPPED
    )
    return db.session.scalar(wanted) is not None


def of_slide(slide_id: str) -> list[FieldTask]:
    """Return the tasks that read areas of a slide, dropped ones too, in the order of arrival."""
    wanted = select(FieldTask).join(SlideArea).where(SlideArea.slide_id == slide_id)
    return list(db.session.scalars(wanted.order_by(FieldTask.created_at, FieldTask.id)))


def held_for(owner_id: str) -> int:
    """Count the owner's tasks that wait or run, or whose file takes up room."""
    held = or_(
        FieldTask.state.in_((TaskState.WAITING, TaskState.RUNNING)),
        FieldTask.upload_name.is_not(None),
    )
    wanted = select(func.count()).where(FieldTask.owner_id == owner_id, held)
    return db.session.scalar(wanted) or 0


def forget_upload(task_id: str) -> None:
    """Note that the file as it came is no longer kept."""
    with transaction():
        db.session.execute(
            update(FieldTask).where(FieldTask.id == task_id).values(upload_name=None)
        )
