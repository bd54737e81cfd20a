"""The same request sent again: done once, and answered alike, for a day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from core.ids import derived_id
from records import db, exclusive_transaction, transaction, utc_now
from records.programs import kept_answers as records
from records.programs.kept_answers import KEPT_FOR, KeptAnswer

GIVEN_UP = timedelta(minutes=15)
"""How long a request is taken to be worked on: after that the server was stopped meanwhile."""


class OtherRequestError(Exception):
    """The key was given to another request before."""


class UnderWayError(Exception):
    """The same request is still worked on."""


def answer_id(account_id: str, key: str) -> str:
    """Return the id of what an account's program does under a key."""
    return derived_id(account_id, key)


def begin(account_id: str, key: str, request_hash: str) -> KeptAnswer | None:
    """Begin to work on a request, or return the answer that it had before.

    Raises:
        OtherRequestError: its key belongs to a request that was sent before.
        UnderWayError: it was sent before, and has no answer yet.
    """
    now = utc_now()
    with exclusive_transaction():
        records.remove_before(now - KEPT_FOR)
        kept = records.find(answer_id(account_id, key))
        if kept is None:
            records.add(
                KeptAnswer(
                    id=answer_id(account_id, key),
                    account_id=account_id,
                    request_hash=request_hash,
                    begun_at=now,
                )
            )
            return None
        if kept.request_hash != request_hash:
            raise OtherRequestError
        if kept.status is not None:
            return kept
        if now - kept.begun_at < GIVEN_UP:
            raise UnderWayError
        kept.begun_at = now
    return None


def finish(account_id: str, key: str, status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Keep the answer of a request that succeeded."""
    with transaction():
        kept = records.find(answer_id(account_id, key))
        if kept is not None:
            kept.status, kept.headers, kept.body = status, dict(headers), body


def abandon(account_id: str, key: str) -> None:
    """Forget a request that failed: nothing was done, so it may be sent again."""
    # What the request left undone must not be committed with this.
    db.session.rollback()
    with transaction():
        records.remove(answer_id(account_id, key))
