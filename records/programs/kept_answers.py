"""Answers to programs that may send the same request again, kept for a day."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import JSON, ForeignKey, LargeBinary, String, delete
from sqlalchemy.orm import Mapped, mapped_column

from records import Model, UtcDateTime, db, transaction

KEPT_FOR = timedelta(hours=24)


class KeptAnswer(Model):
    """The answer to one request; without `status` while the request is still worked on.

    `id` is made of the account and of the key that the program gave, `request_hash` of all that
    it sent.
    """

    __tablename__ = "kept_answers"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    account_id: Mapped[str] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    request_hash: Mapped[str] = mapped_column(String(64))
    status: Mapped[int | None]
    headers: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    begun_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


def find(answer_id: str) -> KeptAnswer | None:
    """Find an answer, also one that is still worked on."""
    return db.session.get(KeptAnswer, answer_id)


def add(answer: KeptAnswer) -> None:
    """Keep that a request is worked on, not yet committed."""
    db.session.add(answer)
    db.session.flush()


def remove(answer_id: str) -> None:
    """Forget an answer."""
    db.session.execute(delete(KeptAnswer).where(KeptAnswer.id == answer_id))


def remove_before(time: datetime) -> None:
    """Forget the answers to requests that began before then."""
    db.session.execute(delete(KeptAnswer).where(KeptAnswer.begun_at < time))


def forget_before(time: datetime) -> None:
    """Forget the answers to requests that began before then, for good."""
    with transaction():
        remove_before(time)
