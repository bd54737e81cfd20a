"""Identities confirmed at the provider before a case is signed, with what is to be signed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, delete
from sqlalchemy.orm import Mapped, mapped_column

from core.ids import new_id
from records import Model, UtcDateTime, db


class Confirmation(Model):
    """One confirmation in one signed-in browser, for one text; it goes with the session.

    `typed` is what the form held, so that it is there when the person comes back; `confirmed_at`
    is None until the provider has said who it is.
    """

    __tablename__ = "confirmations"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    sign_in_id: Mapped[str] = mapped_column(
        ForeignKey("sign_ins.id", ondelete="CASCADE"), index=True
    )
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id", ondelete="CASCADE"), index=True)
    typed: Mapped[dict[str, Any]] = mapped_column(JSON)
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


def add(confirmation: Confirmation) -> None:
    """Keep a new confirmation, in place of any other of the browser."""
    db.session.execute(delete(Confirmation).filter_by(sign_in_id=confirmation.sign_in_id))
    db.session.add(confirmation)
    db.session.flush()


def of_browser(confirmation_id: str, sign_in_id: str) -> Confirmation | None:
    """Find a confirmation of this signed-in browser."""
    # PostgreSQL takes no text with a zero byte.
    if not confirmation_id.isalnum():
        return None
    found = db.session.get(Confirmation, confirmation_id)
    return found if found and found.sign_in_id == sign_in_id else None
