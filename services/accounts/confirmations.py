"""Who has no password here confirms at the identity provider who it is, before signing a case."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from records import transaction, utc_now
from records.accounts import confirmations as records
from records.accounts.accounts import Account
from records.accounts.confirmations import Confirmation
from records.audit.audit import About, Event
from services.audit.audit import note

GOOD_FOR = timedelta(minutes=5)
"""How long one may sign after the confirmation."""


@dataclass(frozen=True)
class Confirmed:
    """The person of this account confirmed their identity for what is signed now."""

    account_id: str


class Confirmations:
    """Confirmations of one installation; `clock` returns the time (aware, UTC).

    One holds in one signed-in browser, for one case, for exactly what was typed, and not for long:
    nobody else can sign anything with it at a browser that was left open.
    """

    def __init__(self, clock: Callable[[], datetime] = utc_now) -> None:
        self._clock = clock

    def begin(self, sign_in_id: str, case_id: str, typed: dict[str, Any]) -> str:
        """Keep what is to be signed until the person has confirmed who it is; gives its id."""
        confirmation = Confirmation(
            sign_in_id=sign_in_id, case_id=case_id, typed=typed, asked_at=self._clock()
        )
        with transaction():
            records.add(confirmation)
            return confirmation.id

    def confirm(self, confirmation: Confirmation) -> None:
        """Note that the provider has said who it is."""
        with transaction():
            note(Event.IDENTITY_CONFIRMED, About("case", confirmation.case_id))
            confirmation.confirmed_at = self._clock()

    def typed(self, confirmation_id: str, sign_in_id: str, case_id: str) -> dict[str, Any] | None:
        """Return what was typed for this case in this browser; None where nothing is kept."""
        found = records.of_browser(confirmation_id, sign_in_id)
        return found.typed if found and found.case_id == case_id else None

    def is_confirmed(self, confirmation_id: str, sign_in_id: str) -> bool:
        """Return whether one may still sign with it."""
        found = records.of_browser(confirmation_id, sign_in_id)
        if found is None or found.confirmed_at is None:
            return False
        return self._clock() - found.confirmed_at <= GOOD_FOR

    def proof(
        self,
        account: Account,
        confirmation_id: str,
        sign_in_id: str,
        case_id: str,
        typed: dict[str, Any],
    ) -> Confirmed | None:
        """Return the proof for what is signed now; None if it was confirmed for something else."""
        if self.typed(confirmation_id, sign_in_id, case_id) != typed:
            return None
        if not self.is_confirmed(confirmation_id, sign_in_id):
            return None
        return Confirmed(account.id)
