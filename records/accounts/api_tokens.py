"""Tokens with which programs act for an account; of each only the hash is kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, ForeignKey, String, delete, func, select, update
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from records import Model, UtcDateTime, count_changed, db, utc_now
from records.accounts.accounts import Account, new_id

NAME_LENGTH = 64


class Scope(StrEnum):
    """What a token may be used for, as far as its account may do it."""

    READ = "read"
    UPLOAD = "upload"
    REVIEW = "review"
    REPORT = "report"


class ApiToken(Model):
    """One token; `hash` is the SHA-256 of its text, which has 256 random bits."""

    __tablename__ = "api_tokens"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    account_id: Mapped[str] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[list[str]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    account: Mapped[Account] = relationship()


def add(token: ApiToken) -> None:
    """Keep a new token, not yet committed."""
    db.session.add(token)
    db.session.flush()


def find(digest: str) -> ApiToken | None:
    """Find the token of this hash, with its account."""
    wanted = select(ApiToken).where(ApiToken.hash == digest)
    return db.session.scalar(wanted.options(joinedload(ApiToken.account)))


def get(token_id: str) -> ApiToken | None:
    """Find the token of this id, whoever's it is: for administrators."""
    return db.session.get(ApiToken, token_id)


def of_account(account_id: str) -> Sequence[ApiToken]:
    """Return the tokens of an account, oldest first."""
    wanted = select(ApiToken).where(ApiToken.account_id == account_id)
    return db.session.scalars(wanted.order_by(ApiToken.created_at, ApiToken.id)).all()


def everybodys() -> Sequence[ApiToken]:
    """Return all tokens with their accounts, by the names of these, oldest first."""
    wanted = select(ApiToken).join(ApiToken.account).options(joinedload(ApiToken.account))
    in_order = wanted.order_by(Account.name_key, ApiToken.created_at, ApiToken.id)
    return db.session.scalars(in_order).all()


def count(account_id: str) -> int:
    """Count the tokens of an account."""
    wanted = select(func.count()).where(ApiToken.account_id == account_id)
    return db.session.scalar(wanted) or 0


def note_use(token_id: str, now: datetime) -> None:
    """Keep when a token was used; nothing happens if it was revoked meanwhile."""
    db.session.execute(update(ApiToken).where(ApiToken.id == token_id).values(used_at=now))


def remove(token_id: str) -> bool:
    """Remove a token; False if it is gone already."""
    return count_changed(delete(ApiToken).where(ApiToken.id == token_id)) == 1
