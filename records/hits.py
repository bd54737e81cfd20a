"""Requests that count towards a limit, where several web servers count together."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Index, String, func, select, text
from sqlalchemy.orm import Mapped, mapped_column

from records import Model, UtcDateTime, db, utc_now

KEY_LENGTH = 64

# As text these take no lock of the writers: a request may hold it, in another transaction.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))")
_FORGET = text("DELETE FROM hits WHERE key = :key AND at <= :start")
_COUNT = text("SELECT count(*) FROM hits WHERE key = :key")
_ADD = text("INSERT INTO hits (key, at) SELECT :key, :at FROM generate_series(1, :amount)")
_GIVE_BACK = text(
    "DELETE FROM hits WHERE id = (SELECT id FROM hits WHERE key = :key ORDER BY at DESC LIMIT 1)"
)
_CLEAR = text("DELETE FROM hits WHERE key = :key")
_FORGET_OLD = text("DELETE FROM hits WHERE at < :start")


class Hit(Model):
    """One request; `key` says what it counts towards."""

    __tablename__ = "hits"
    __table_args__ = (Index("ix_hits_key_at", "key", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(KEY_LENGTH))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


def acquire(key: str, limit: int, seconds: float, amount: int = 1) -> bool:
    """Count so many hits, unless there would be more than the limit in these last seconds.

    They are kept whatever becomes of the request's own transaction. For PostgreSQL alone.
    """
    now = utc_now().replace(tzinfo=None)
    start = now - timedelta(seconds=seconds)
    with db.engine.begin() as connection:
        connection.execute(_LOCK, {"key": key})
        connection.execute(_FORGET, {"key": key, "start": start})
        if (connection.scalar(_COUNT, {"key": key}) or 0) + amount > limit:
            return False
        connection.execute(_ADD, {"key": key, "at": now, "amount": amount})
        return True


def window(key: str, seconds: float) -> tuple[datetime, int]:
    """Return when the oldest of the hits of these last seconds was, and how many there are."""
    start = utc_now() - timedelta(seconds=seconds)
    wanted = select(func.min(Hit.at), func.count()).where(Hit.key == key, Hit.at > start)
    with db.engine.connect() as connection:
        oldest, number = connection.execute(wanted).one()
    return oldest or utc_now(), number


def give_back(key: str) -> None:
    """Let the newest hit not count."""
    with db.engine.begin() as connection:
        connection.execute(_GIVE_BACK, {"key": key})


def clear(key: str) -> None:
    """Let none of the hits of a key count."""
    with db.engine.begin() as connection:
        connection.execute(_CLEAR, {"key": key})


def forget_before(when: datetime) -> None:
    """Remove hits that are older."""
    with db.engine.begin() as connection:
        connection.execute(_FORGET_OLD, {"start": when.replace(tzinfo=None)})
