"""Refusals in the audit trail: each is noted, and a flood of them leaves few rows."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable

from flask import Flask, Response, current_app, request
from sqlalchemy.exc import SQLAlchemyError

from records.audit.audit import Event
from services.audit import audit

log = logging.getLogger(__name__)

REFUSALS = {401, 403, 429}
WINDOW = 15 * 60
"""Seconds in which the same refusal of the same person or address is noted once."""
MOST = 20
"""Rows in a window about one account, and about all whom nobody knows together."""

NOTED_OTHERWISE = {
    ("accounts.sign_in", 401),
    ("accounts.code", 401),
    ("accounts.key", 401),
    ("provider.answer", 401),
    ("provider.answer", 403),
}
"""Wrong passwords, codes and identities: each has a row of its own already."""

ANONYMOUS = ""

Refusal = tuple[str, str, str | None, int]
"""The account (or `ANONYMOUS`), the address, the endpoint, the status."""


class Refusals:
    """Which refusals of the last window have been noted; `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._lock = threading.Lock()
        self._noted: dict[Refusal, float] = {}
        self._left_out: Counter[str] = Counter()

    def take(self, refusal: Refusal) -> int | None:
        """Decide about one refusal.

        Returns:
            None if it is not to be noted; else how many of the same account, or of anonymous
            visitors, were left out since the last row.
        """
        now, account_id = self.clock(), refusal[0]
        with self._lock:
            self._noted = {one: at for one, at in self._noted.items() if now - at < WINDOW}
            known = sum(one[0] == account_id for one in self._noted)
            if refusal in self._noted or known >= MOST:
                self._left_out[account_id] += 1
                return None
            self._noted[refusal] = now
            return self._left_out.pop(account_id, 0)


def init_app(app: Flask) -> None:
    """Note what was refused, before the answer is sent."""
    app.extensions["leukoscope_refusals"] = Refusals()
    app.after_request(_note)


def _note(response: Response) -> Response:
    status = response.status_code
    if status not in REFUSALS or (request.endpoint, status) in NOTED_OTHERWISE:
        return response
    actor = audit.present()
    refusal = (actor.account_id or ANONYMOUS, actor.address, request.endpoint, status)
    left_out = current_app.extensions["leukoscope_refusals"].take(refusal)
    if left_out is not None:
        _keep(status, left_out)
    return response


def _keep(status: int, left_out: int) -> None:
    details = {"page": request.endpoint, "method": request.method, "status": status}
    if left_out:
        details["left_out"] = left_out
    try:
        audit.keep(Event.REFUSED, **details)
    except (SQLAlchemyError, OSError) as error:
        # It stays a refusal where it cannot be noted: nothing was shown, and nothing changed.
        log.warning("A refusal could not be noted: %s", type(error).__name__)
