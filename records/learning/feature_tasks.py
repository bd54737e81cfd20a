"""Runs in which the kept features of cells are computed again, for other networks."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, select

from records import Model, db
from records.tasks import TaskColumns, TaskState


class FeatureTask(TaskColumns, Model):
    """One run over the fields of whose cells something of another source is kept."""

    __tablename__ = "feature_tasks"
    queue = "features"
    outbox = True
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'running', 'done', 'failed')", name="state"),
    )


def add() -> FeatureTask:
    """Add a run that waits, not yet committed."""
    task = FeatureTask()
    db.session.add(task)
    db.session.flush()
    return task


def newest() -> FeatureTask | None:
    """Return the newest run, if there was any."""
    wanted = select(FeatureTask).order_by(FeatureTask.created_at.desc(), FeatureTask.id.desc())
    return db.session.scalar(wanted.limit(1))


def unfinished() -> FeatureTask | None:
    """Return the run that waits or is under way."""
    task = newest()
    return task if task and task.state in (TaskState.WAITING, TaskState.RUNNING) else None
