"""The messages of webhooks, sent in the background, again and again until they arrive."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any

from core.translatable import translatable
from jobs.engine import Tasks
from jobs.work import Interrupted, Progress, TaskError
from records import utc_now
from records.programs import webhooks as records
from records.programs.webhooks import SAID_LENGTH, WebhookDelivery
from services.programs import webhooks
from services.programs.sending import SendError, post

PAUSES = (30, 120, 600, 3_600, 21_600)
"""Seconds after each attempt that fails, until the next one; there is none after the last."""

KEPT_FOR = timedelta(days=30)
"""How long it is kept what was sent."""

SIGNATURE, EVENT, DELIVERY = "Leukoscope-Signature", "Leukoscope-Event", "Leukoscope-Delivery"
NOT_TAKEN = translatable("The address did not take this message.")
NO_ACCOUNT = translatable("The account of this webhook is deactivated.")
NOT_TO_KNOW = translatable(
    "The account of this webhook has no role, or its team no longer has what this message tells."
)


class Deliveries:
    """Sends messages, as `Work`; `private` lets it send to machines of private networks."""

    table = WebhookDelivery
    at_once = 2
    poll_seconds = 2.0

    def __init__(self, background: Tasks, key: bytes, private: bool) -> None:
        self._key, self._private = key, private
        background.add(self)
        webhooks.on_queued(background.wake)

    def run(self, task_id: str, progress: Progress) -> dict[str, Any]:
        """Send a message; it waits for the next attempt where that fails (`Work`)."""
        records.forget_before(utc_now() - KEPT_FOR)
        delivery = records.get_delivery(task_id)
        if not delivery.webhook.account.is_active:
            raise TaskError(NO_ACCOUNT)
        if not webhooks.may_know(delivery.webhook.account, json.loads(delivery.body)):
            raise TaskError(NOT_TO_KNOW)
        tries = delivery.tries + 1
        status, said = self._send(delivery)
        if said is None:
            return {"status": status, "said": None, "tries": tries}
        self._failed(task_id, tries, status, said)
        raise Interrupted

    def discard(self, made: dict[str, Any]) -> None:
        """Do nothing: what was sent is sent (`Work`)."""

    def secret_of(self, webhook_id: str) -> str:
        """Return the secret with which a webhook's messages are signed."""
        return webhooks.secret_of(webhook_id, self._key)

    def _send(self, delivery: WebhookDelivery) -> tuple[int | None, str | None]:
        """Send a message once; the status of the answer, and why that did not do."""
        body, url = delivery.body.encode(), delivery.webhook.url
        secret = self.secret_of(delivery.webhook_id)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Leukoscope",
            EVENT: delivery.event,
            DELIVERY: delivery.id,
            SIGNATURE: webhooks.signature(secret, int(time.time()), body),
        }
        try:
            status = post(url, body, headers, self._private)
        except SendError as error:
            return None, str(error)[:SAID_LENGTH]
        return status, None if 200 <= status < 300 else f"HTTP {status}"

    def _failed(self, task_id: str, tries: int, status: int | None, said: str) -> None:
        """Note a failed attempt, and when the next one is; raises `TaskError` after the last."""
        noted = {"tries": tries, "status": status, "said": said}
        if tries > len(PAUSES):
            records.note(task_id, **noted)
            raise TaskError(NOT_TAKEN)
        due = utc_now() + timedelta(seconds=PAUSES[tries - 1])
        records.note(task_id, not_before=due, **noted)
