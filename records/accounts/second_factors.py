"""Second factors of accounts: the sealed secret of an authenticator app, and recovery codes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, delete, func, select, update
from sqlalchemy.orm import Mapped, mapped_column

from records import Model, UtcDateTime, count_changed, db, utc_now
from records.accounts import security_keys
from records.accounts.accounts import new_id


class SecondFactor(Model):
    """The authenticator app of one account; `last_step` is the time step of the last code."""

    __tablename__ = "second_factors"

    account_id: Mapped[str] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True
    )
    sealed_secret: Mapped[str] = mapped_column(String(255))
    last_step: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)


class RecoveryCode(Model):
    """The hash of a recovery code that is not used yet."""

    __tablename__ = "recovery_codes"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    account_id: Mapped[str] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    code_hash: Mapped[str] = mapped_column(String(255))


def get(account_id: str) -> SecondFactor | None:
    """Find the second factor of an account."""
    return db.session.get(SecondFactor, account_id)


def enrolled_ids() -> set[str]:
    """Return the ids of all accounts that have a second factor."""
    return set(db.session.scalars(select(SecondFactor.account_id)))


def add(account_id: str, sealed_secret: str, last_step: int) -> None:
    """Give an account its second factor."""
    db.session.add(
        SecondFactor(account_id=account_id, sealed_secret=sealed_secret, last_step=last_step)
    )
    db.session.flush()


def advance(account_id: str, step: int) -> bool:
    """Use up a time step; False if it, or a later one, is used already."""
    advanced = (
        update(SecondFactor)
        .where(SecondFactor.account_id == account_id, SecondFactor.last_step < step)
        .values(last_step=step)
    )
    return count_changed(advanced) == 1


def remove(account_id: str) -> bool:
    """Take the app, the recovery codes and the security keys away; False if there was no app."""
    security_keys.remove_all(account_id)
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account_id))
    return count_changed(delete(SecondFactor).where(SecondFactor.account_id == account_id)) == 1


def recovery_codes(account_id: str) -> list[RecoveryCode]:
    """Return the recovery codes of an account that are not used yet."""
    return list(
        db.session.scalars(select(RecoveryCode).where(RecoveryCode.account_id == account_id))
    )


def count_recovery_codes(account_id: str) -> int:
    """Count the recovery codes that an account has left."""
    wanted = select(func.count()).where(RecoveryCode.account_id == account_id)
    return db.session.scalar(wanted) or 0


def replace_recovery_codes(account_id: str, hashes: list[str]) -> None:
    """Give an account new recovery codes in place of all earlier ones."""
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account_id))
    db.session.add_all(
        RecoveryCode(account_id=account_id, code_hash=code_hash) for code_hash in hashes
    )


def spend_recovery_code(code_id: str) -> bool:
    """Use up a recovery code; False if it is used already."""
    return count_changed(delete(RecoveryCode).where(RecoveryCode.id == code_id)) == 1
