"""Webhooks: addresses that are told of events, and each thing that they are told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ColumnElement,
    Connection,
    ForeignKey,
    String,
    Text,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from core.ids import new_id
from records import Model, UtcDateTime, count_changed, db, transaction, utc_now
from records.accounts.accounts import Account, AccountStatus, Role
from records.tasks import TaskColumns, TaskState

URL_LENGTH = 500
SAID_LENGTH = 240


class WebhookEvent(StrEnum):
    """What an address can be told of."""

    FIELD_READ = "field.read"
    CASE_SIGNED = "case.signed"


class Webhook(Model):
    """An address that is told of events in the team of its account."""

    __tablename__ = "webhooks"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    account_id: Mapped[str] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    url: Mapped[str] = mapped_column(String(URL_LENGTH))
    events: Mapped[list[str]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)

    account: Mapped[Account] = relationship()


class WebhookDelivery(TaskColumns, Model):
    """One message to one address; `body` is the JSON that is sent, `tries` how often it was.

    It is not sent before `not_before`. `status` is what the address answered last, None for no
    answer; `said` why that did not do.
    """

    __tablename__ = "webhook_deliveries"
    queue = "webhooks"
    outbox = True
    __table_args__ = (
        CheckConstraint(
            "state IN ('waiting', 'running', 'done', 'failed', 'dropped')", name="state"
        ),
    )

    webhook_id: Mapped[str] = mapped_column(
        ForeignKey("webhooks.id", ondelete="CASCADE"), index=True
    )
    event: Mapped[WebhookEvent] = mapped_column(String(16))
    body: Mapped[str] = mapped_column(Text)
    tries: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    status: Mapped[int | None]
    said: Mapped[str | None] = mapped_column(String(SAID_LENGTH))

    webhook: Mapped[Webhook] = relationship()

    @classmethod
    def due(cls) -> ColumnElement[bool]:
        """Return which of the waiting ones may be sent now."""
        return cls.not_before <= utc_now()


def add(webhook: Webhook) -> None:
    """Keep a new webhook, not yet committed."""
    db.session.add(webhook)
    db.session.flush()


def find(account_id: str, webhook_id: str) -> Webhook | None:
    """Find a webhook of an account; None for somebody else's."""
    return db.session.scalar(select(Webhook).filter_by(account_id=account_id, id=webhook_id))


def of_account(account_id: str) -> Sequence[Webhook]:
    """Return the webhooks of an account, oldest first."""
    wanted = select(Webhook).where(Webhook.account_id == account_id)
    return db.session.scalars(wanted.order_by(Webhook.created_at, Webhook.id)).all()


def count(account_id: str) -> int:
    """Count the webhooks of an account."""
    wanted = select(func.count()).where(Webhook.account_id == account_id)
    return db.session.scalar(wanted) or 0


def remove(webhook_id: str) -> bool:
    """Remove a webhook with its deliveries; False if it is gone already."""
    return count_changed(delete(Webhook).where(Webhook.id == webhook_id)) == 1


def listening(connection: Connection, team_id: str, event: WebhookEvent) -> list[str]:
    """Return the ids of the webhooks of a team's people that are to be told of an event."""
    wanted = (
        select(Webhook.id, Webhook.events)
        .join(Account, Account.id == Webhook.account_id)
        .where(Account.team_id == team_id, Account.status == AccountStatus.ACTIVE)
        .where(Account.role != Role.NONE)
    )
    return [webhook_id for webhook_id, events in connection.execute(wanted) if event in events]


def queue(
    connection: Connection, delivery_id: str, webhook_id: str, event: WebhookEvent, body: str
) -> None:
    """Let a message wait to be sent, in the transaction of what it tells."""
    values = {"id": delivery_id, "webhook_id": webhook_id, "event": event, "body": body}
    connection.execute(insert(WebhookDelivery).values(values))


def get_delivery(delivery_id: str) -> WebhookDelivery:
    """Return a delivery with its webhook and account: for background work."""
    with_account = joinedload(WebhookDelivery.webhook).joinedload(Webhook.account)
    return db.session.get_one(WebhookDelivery, delivery_id, options=[with_account])


def newest_of(webhook_id: str, number: int) -> Sequence[WebhookDelivery]:
    """Return so many deliveries of a webhook, the newest first."""
    wanted = select(WebhookDelivery).where(WebhookDelivery.webhook_id == webhook_id)
    newest = wanted.order_by(WebhookDelivery.created_at.desc(), WebhookDelivery.id)
    return db.session.scalars(newest.limit(number)).all()


def note(delivery_id: str, **values: Any) -> None:  # noqa: ANN401  columns of the table
    """Note how the last attempt at a delivery went."""
    changed = update(WebhookDelivery).where(WebhookDelivery.id == delivery_id)
    with transaction():
        db.session.execute(changed.values(**values))


def forget_before(time: datetime) -> None:
    """Remove deliveries that ended and are of before then."""
    ended = WebhookDelivery.state.in_((TaskState.DONE, TaskState.FAILED, TaskState.DROPPED))
    with transaction():
        db.session.execute(delete(WebhookDelivery).where(ended, WebhookDelivery.created_at < time))
