"""Security keys and passkeys of accounts: what is kept of each to verify its signatures."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String, delete, func, select
from sqlalchemy.orm import Mapped, mapped_column

from records import Model, UtcDateTime, count_changed, db, utc_now
from records.accounts.accounts import new_id

NAME_LENGTH = 64
HOST_LENGTH = 255


class SecurityKey(Model):
    """One key; `host` is the server's name for which it was made, its only one."""

    __tablename__ = "security_keys"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    account_id: Mapped[str] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    host: Mapped[str] = mapped_column(String(HOST_LENGTH))
    credential_id: Mapped[bytes] = mapped_column(LargeBinary(1023), unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


def of_account(account_id: str, host: str | None = None) -> list[SecurityKey]:
    """Find the keys of an account, or those made for one host; oldest first."""
    wanted = select(SecurityKey).where(SecurityKey.account_id == account_id)
    if host is not None:
        wanted = wanted.where(SecurityKey.host == host)
    return list(db.session.scalars(wanted.order_by(SecurityKey.created_at, SecurityKey.id)))


def get(account_id: str, key_id: str) -> SecurityKey | None:
    """Find a key of an account."""
    key = db.session.get(SecurityKey, key_id)
    return key if key and key.account_id == account_id else None


def is_known(credential_id: bytes) -> bool:
    """Return whether anybody has registered this credential."""
    wanted = select(SecurityKey.id).where(SecurityKey.credential_id == credential_id)
    return db.session.scalar(wanted) is not None


def count(account_id: str) -> int:
    """Count the keys of an account."""
    wanted = select(func.count()).where(SecurityKey.account_id == account_id)
    return db.session.scalar(wanted) or 0


def add(key: SecurityKey) -> None:
    """Keep a new key."""
    db.session.add(key)
    db.session.flush()


def note_use(key: SecurityKey, sign_count: int, now: datetime) -> None:
    """Keep the counter of a key, and when it was used."""
    key.sign_count, key.used_at = sign_count, now
    db.session.flush()


def remove(account_id: str, key_id: str) -> bool:
    """Remove a key of an account; False if it has no such."""
    removed = delete(SecurityKey).where(
        SecurityKey.account_id == account_id, SecurityKey.id == key_id
    )
    return count_changed(removed) == 1


def remove_all(account_id: str) -> None:
    """Remove all keys of an account."""
    db.session.execute(delete(SecurityKey).where(SecurityKey.account_id == account_id))
