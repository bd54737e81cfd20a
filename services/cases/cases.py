"""Cases: opened, described, filled with analyses; a signed one takes none and gives none up."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date

from records import db, exclusive_transaction, take_write_lock, transaction
from records.accounts.accounts import Account
from records.analyses import analyses
from records.analyses.analyses import UNREAD, Analysis
from records.audit.audit import About, Event
from records.cases import cases, reviews
from records.cases.cases import Case
from records.cases.signatures import locked, was_signed
from records.cases.states import CaseState
from services.audit.audit import note
from services.cases.duplicates import duplicates_of

SIGNED = "This case is signed and locked. A reviewer can reopen it for amendment."
NOT_OF_TEAM = "This case does not belong to your team. Choose another one."
REVIEWED = (
    "Cells of this analysis were reviewed in the case “{}”. Reviews are kept, so it stays there."
)
PART_OF_SIGNED = "This analysis belongs to the signed case “{}” and must be kept."
NAMED_IN_SIGNED = "This analysis is part of a signed version of a case and must be kept."
LEFT_OUT = "Not added to its case: the case was signed, or its team changed, meanwhile."


class CaseError(Exception):
    """Something cannot be done with a case or what is in it; the text is a sentence."""


@dataclass(frozen=True)
class Details:
    """What people say of the specimen; `specimen` is one of `records.cases.cases.SPECIMENS`."""

    pseudonym: str
    specimen: str
    stain: str = ""
    magnification: str = ""
    collected_on: date | None = None
    notes: str = ""


def open_case(owner_id: str, details: Details) -> Case:
    """Open a case for the owner's team."""
    case = Case(owner_id=owner_id, **asdict(details))
    with transaction():
        cases.add(case)
        note(Event.CASE_OPEN, about_case(case), specimen=case.specimen)
    return case


def edit(case: Case, details: Details) -> None:
    """Describe a case anew; raises `CaseError` if it is signed."""
    with _open_case(case):
        changed = [name for name, value in asdict(details).items() if getattr(case, name) != value]
        for name in changed:
            setattr(case, name, getattr(details, name))
        if changed:
            # The text may identify the patient: the trail only names the fields.
            note(Event.CASE_EDIT, about_case(case), changed=changed)


def put(case: Case, analysis_ids: Iterable[str]) -> int:
    """Put analyses of the case's team into it that are in none; how many. Raises `CaseError`."""
    with _open_case(case):
        free = analyses.free_of(case.team_id, analysis_ids)
        for analysis in free:
            analysis.case_id = case.id
        if free:
            note(Event.CASE_ADD, about_case(case), analyses=[analysis.id for analysis in free])
    return len(free)


def take_out(case: Case, analysis: Analysis) -> None:
    """Take an analysis out of its case, as long as nobody reviewed it there; `CaseError` else."""
    with _open_case(case, analysis):
        check_free_to_go(analysis)
        analysis.case_id = None
        note(Event.CASE_REMOVE, about_case(case), analysis=analysis.id)


def check_free_to_go(analysis: Analysis) -> None:
    """Raise `CaseError` if an analysis must stay where it is: signed, or reviewed."""
    if analysis.case_id is None:
        return
    case = cases.get(analysis.case_id)
    if locked(case.id):
        raise CaseError(PART_OF_SIGNED.format(case.pseudonym))
    if reviews.any_of_analysis(analysis.id):
        raise CaseError(REVIEWED.format(case.pseudonym))


def check_deletable(analysis: Analysis) -> None:
    """Raise `CaseError` if an analysis must be kept, for its case or for a version once signed."""
    check_free_to_go(analysis)
    if was_signed(analysis.id):
        raise CaseError(NAMED_IN_SIGNED)


@contextmanager
def deleting(analysis: Analysis) -> Generator[None]:
    """Run a transaction that may delete an analysis.

    Raises:
        CaseError: the analysis must be kept.
    """
    with exclusive_transaction(analysis):
        check_deletable(analysis)
        yield


def check_takes(team_id: str, case_id: str) -> None:
    """Raise `CaseError` unless the case of this id is the team's and still takes something."""
    case = cases.find_in_team(team_id, case_id)
    if case is None:
        raise CaseError(NOT_OF_TEAM)
    if locked(case.id):
        raise CaseError(SIGNED)


def settle(analysis: Analysis) -> None:
    """Leave a new analysis out of its case if that no longer takes it, and say so.

    A field can wait for long; its case may be signed meanwhile.
    """
    if analysis.case_id is None:
        return
    take_write_lock(db.session())
    try:
        # A queued field names the team in which it was sent; the owner may have moved since.
        team_id = analysis.team_id or db.session.get_one(Account, analysis.owner_id).team_id
        check_takes(team_id, analysis.case_id)
    except CaseError:
        analysis.case_id = None
        analysis.notes = [*analysis.notes, LEFT_OUT]


def duplicates(kept: Iterable[Analysis]) -> list[Analysis]:
    """Return the analyses of one case that show the same as an earlier one: cells count twice."""
    return duplicates_of(analysis for analysis in kept if analysis.result not in UNREAD)


def state_of(case: Case) -> CaseState:
    """Say how far a case is."""
    return cases.states([case.id])[case.id]


@contextmanager
def _open_case(case: Case, *analyses_of_it: Analysis) -> Generator[None]:
    """Run a transaction in which nobody can sign the case.

    Raises:
        CaseError: the case is signed already.
    """
    # A colleague may have changed it since this request read it.
    with exclusive_transaction(case, *analyses_of_it):
        if locked(case.id):
            raise CaseError(SIGNED)
        yield


def about_case(case: Case) -> About:
    """Name a case as the object of a row of the audit trail."""
    return About("case", case.id)
