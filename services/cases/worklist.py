"""The work on a case: given to colleagues, closed without a signature, archived."""

from __future__ import annotations

from collections.abc import Iterable

from records import exclusive_transaction, utc_now
from records.accounts import accounts
from records.accounts.accounts import Account, Role
from records.audit.audit import Event
from records.cases import assignments, cases
from records.cases.assignments import Assignment
from records.cases.cases import Case
from records.cases.states import CaseState
from services.audit.audit import note
from services.cases.cases import CaseError, about_case, check_real, state_of
from services.language import lazy_gettext

NOT_A_COLLEAGUE = lazy_gettext("This person cannot read cases of this team. Choose somebody else.")
NOT_DONE = lazy_gettext("Only signed and closed cases can be archived.")
DONE = lazy_gettext("This case is signed or closed already.")
NOT_CLOSED = lazy_gettext("This case is not closed.")

FINISHED = (CaseState.SIGNED, CaseState.CLOSED)


def colleagues(team_id: str) -> list[Account]:
    """Return who may be given a team's cases, in alphabetical order."""
    return [one for one in accounts.active_of(team_id) if one.has_role(Role.READER)]


def assign(case: Case, by: Account, assignee_id: str | None, text: str = "") -> bool:
    """Give a case to a colleague, or to nobody in particular.

    Returns:
        False where the colleague has it already and there is no note.

    Raises:
        CaseError: the person is none of the team who reads cases.
    """
    check_real(case)
    with exclusive_transaction(case):
        assignee = _colleague(case, assignee_id)
        if case.assignee_id == assignee_id and not text:
            return False
        case.assignee_id = assignee_id
        assignments.add(
            Assignment(case_id=case.id, assignee_id=assignee_id, by_id=by.id, note=text)
        )
        # The note may identify the patient: only the assignment holds it.
        to = assignee.name if assignee else None
        note(Event.CASE_ASSIGN, about_case(case), to=to, with_note=bool(text))
    return True


def close(case: Case, reason: str) -> None:
    """Close a case that nobody is to sign; raises `CaseError` if it is signed or closed."""
    check_real(case)
    with exclusive_transaction(case):
        if state_of(case) in FINISHED:
            raise CaseError(DONE)
        case.closed_at, case.close_reason = utc_now(), reason
        # The reason may identify the patient: only the case holds it.
        note(Event.CASE_CLOSE, about_case(case))


def reopen(case: Case) -> None:
    """Open a closed case again, also for lists; raises `CaseError` if it is not closed."""
    with exclusive_transaction(case):
        if case.closed_at is None:
            raise CaseError(NOT_CLOSED)
        case.closed_at, case.close_reason, case.archived_at = None, "", None
        note(Event.CASE_REOPEN, about_case(case))


def archive(case: Case) -> bool:
    """Take a case off the lists; False if it is already. Raises `CaseError` if work is left."""
    with exclusive_transaction(case):
        if state_of(case) not in FINISHED:
            raise CaseError(NOT_DONE)
        if case.archived_at:
            return False
        case.archived_at = utc_now()
        note(Event.CASE_ARCHIVE, about_case(case))
    return True


def unarchive(case: Case) -> None:
    """Put a case back on the lists; one that is there stays as it is."""
    check_real(case)
    with exclusive_transaction(case):
        if case.archived_at:
            case.archived_at = None
            note(Event.CASE_UNARCHIVE, about_case(case))


def may_be_archived(chosen: Iterable[Case]) -> list[Case]:
    """Return the cases on which no work is left."""
    chosen = list(chosen)
    states = cases.states(case.id for case in chosen)
    return [case for case in chosen if states[case.id] in FINISHED]


def _colleague(case: Case, account_id: str | None) -> Account | None:
    if account_id is None:
        return None
    found = next((one for one in colleagues(case.team_id) if one.id == account_id), None)
    if found is None:
        raise CaseError(NOT_A_COLLEAGUE)
    return found
