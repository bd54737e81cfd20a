"""Who people are at the identity provider: the subject at an issuer, for each account."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from records import Model, UtcDateTime, db, utc_now
from records.accounts.accounts import Account

ISSUER_LENGTH, SUBJECT_LENGTH = 512, 255


class ExternalIdentity(Model):
    """The identity of one account; no other claim of the provider identifies anybody."""

    __tablename__ = "external_identities"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    account_id: Mapped[str] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True
    )
    issuer: Mapped[str] = mapped_column(String(ISSUER_LENGTH))
    subject: Mapped[str] = mapped_column(String(SUBJECT_LENGTH))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)


def account_of(issuer: str, subject: str) -> Account | None:
    """Find the account of an identity."""
    wanted = select(Account).join(ExternalIdentity, ExternalIdentity.account_id == Account.id)
    return db.session.scalar(wanted.filter_by(issuer=issuer, subject=subject))


def add(account: Account, issuer: str, subject: str) -> None:
    """Add an account that signs in with this identity; raises `IntegrityError` if it is taken."""
    db.session.add(account)
    db.session.flush()
    db.session.add(ExternalIdentity(account_id=account.id, issuer=issuer, subject=subject))
    db.session.flush()
