"""Webhooks: who is told of what, and the messages that wait to be sent.

A message waits in the transaction of what it tells. It names things by their ids alone: whoever
gets it asks the API, with a token, for what they are.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Collection, Mapping

from sqlalchemy import Connection, event, select
from sqlalchemy.orm import Session, object_session

from core.ids import new_id
from records import db, transaction, utc_now
from records.accounts.accounts import Account, Role
from records.analyses import analyses
from records.analyses.analyses import Analysis, AnalysisKind
from records.audit.audit import Event
from records.cases import cases
from records.cases.cases import Case
from records.cases.signatures import Signature
from records.programs import webhooks as records
from records.programs.webhooks import Webhook, WebhookEvent
from services.audit.audit import about_account, note
from services.language import lazy_gettext

MOST_WEBHOOKS = 10
"""Webhooks of one account."""

PREFIX = "whsec_"
TOO_MANY = lazy_gettext(
    "You have {} webhooks, the most that one account can have. Remove one first."
)
NO_ROLE = lazy_gettext(
    "Only people with a role can have webhooks. Ask an administrator to give you one."
)

_QUEUED = "messages of webhooks in this transaction"
"""Key in the session's `info`."""

_wake: list[Callable[[], None]] = []


class WebhookError(ValueError):
    """A webhook cannot be made; the text is a sentence for the person who asked for it."""


def create(account: Account, url: str, events: Collection[WebhookEvent]) -> Webhook:
    """Make a webhook of an account.

    Raises `WebhookError` where it has no role, or as many webhooks as it can have.
    """
    if account.role == Role.NONE:
        raise WebhookError(NO_ROLE)
    with transaction():
        if records.count(account.id) >= MOST_WEBHOOKS:
            raise WebhookError(TOO_MANY.format(MOST_WEBHOOKS))
        chosen = [one.value for one in WebhookEvent if one in events]
        webhook = Webhook(account_id=account.id, url=url, events=chosen)
        records.add(webhook)
        # The address itself may hold a secret.
        note(Event.WEBHOOK_CREATE, about_account(account), webhook=webhook.id, events=chosen)
    return webhook


def remove(webhook: Webhook) -> None:
    """Tell an address nothing more; what still waits is not sent."""
    with transaction():
        webhook_id, account = webhook.id, webhook.account
        if records.remove(webhook_id):
            note(Event.WEBHOOK_REMOVE, about_account(account), webhook=webhook_id)


def secret_of(webhook_id: str, key: bytes) -> str:
    """Return the secret that signs the messages of a webhook.

    It is made of the installation's secret key and kept nowhere.
    """
    made = hmac.digest(key, f"leukoscope webhook {webhook_id}".encode(), "sha256")
    return PREFIX + urlsafe_b64encode(made).decode().rstrip("=")


def signature(secret: str, at: int, body: bytes) -> str:
    """Return what proves that a message is ours and when it was sent: the header's value.

    Args:
        secret: of the webhook.
        at: when it is sent, in seconds since 1970.
        body: the message.
    """
    signed = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256)
    return f"t={at},v1={signed.hexdigest()}"


def may_know(account: Account, message: Mapping[str, str]) -> bool:
    """Return whether an account may still be told a message: it has a role, in the same team."""
    if account.role == Role.NONE:
        return False
    if message["event"] == WebhookEvent.FIELD_READ:
        return analyses.find_in_team(account.team_id, message["analysis_id"]) is not None
    return cases.find_in_team(account.team_id, message["case_id"]) is not None


def on_queued(wake: Callable[[], None]) -> None:
    """Have this called, in place of any before, after messages were kept to be sent."""
    _wake[:] = [wake]


@event.listens_for(Analysis, "after_insert")
def _read(_mapper: object, connection: Connection, analysis: Analysis) -> None:
    if analysis.kind != AnalysisKind.DETECTION:
        return
    if connection.scalar(select(Case.demo).where(Case.id == analysis.case_id)):
        return
    tells = {
        "analysis_id": analysis.id,
        "batch_id": analysis.batch_id,
        "case_id": analysis.case_id,
    }
    session = object_session(analysis)
    _tell(session, connection, analysis.team_id, WebhookEvent.FIELD_READ, tells)


@event.listens_for(Signature, "after_insert")
def _signed(_mapper: object, connection: Connection, signed: Signature) -> None:
    if not signed.final:
        return
    team_id = connection.scalar(select(Case.team_id).where(Case.id == signed.case_id))
    tells = {"case_id": signed.case_id, "version": signed.version}
    _tell(object_session(signed), connection, team_id or "", WebhookEvent.CASE_SIGNED, tells)


def _tell(
    session: Session | None,
    connection: Connection,
    team_id: str,
    what: WebhookEvent,
    tells: dict[str, object],
) -> None:
    for webhook_id in records.listening(connection, team_id, what):
        message = {"id": new_id(), "event": what, "at": utc_now().isoformat(), **tells}
        records.queue(connection, str(message["id"]), webhook_id, what, json.dumps(message))
        if session is not None:
            session.info[_QUEUED] = True


@event.listens_for(db.session, "after_commit")
def _committed(session: Session) -> None:
    if session.info.pop(_QUEUED, False):
        for wake in _wake:
            wake()


@event.listens_for(db.session, "after_rollback")
def _rolled_back(session: Session) -> None:
    session.info.pop(_QUEUED, None)
