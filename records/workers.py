"""The processes that do background work, and when each was last heard of."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import String, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from records import Model, UtcDateTime, database_now, db, transaction, utc_now

SILENT = timedelta(seconds=20)
"""After which a process that was not heard of is taken for dead."""


class Worker(Model):
    """One process; `id` is new at each of its starts, `name` says to people which it is."""

    __tablename__ = "workers"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    started_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)


def beat(worker_id: str, name: str) -> None:
    """Note that a process is at work."""
    with transaction():
        worker = db.session.get(Worker, worker_id) or Worker(id=worker_id, name=name)
        worker.seen_at = database_now()
        db.session.add(worker)


def forget_dead() -> None:
    """Remove the processes that were not heard of for long."""
    with transaction():
        db.session.execute(delete(Worker).where(Worker.seen_at < database_now() - SILENT))


def leave(worker_id: str) -> None:
    """Note that a process has ended its work."""
    with transaction():
        db.session.execute(delete(Worker).where(Worker.id == worker_id))


def forget_all() -> None:
    """Note that no process is at work: for one that starts alone on its installation."""
    with transaction():
        db.session.execute(delete(Worker))


def at_work() -> list[Worker]:
    """Return the processes that were heard of lately, the oldest first."""
    wanted = select(Worker).where(Worker.seen_at >= database_now() - SILENT)
    return list(db.session.scalars(wanted.order_by(Worker.started_at, Worker.id)))


def living() -> set[str]:
    """Return the ids of the processes that were heard of lately."""
    ids = {worker.id for worker in at_work()}
    db.session.rollback()
    return ids
