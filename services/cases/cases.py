"""Cases: opened, described, filled with analyses; a signed one takes none and gives none up."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date

from records import db, exclusive_transaction, take_write_lock
from records.accounts.accounts import Account
from records.analyses import analyses
from records.analyses.analyses import UNREAD, Analysis
from records.audit.audit import About, Event
from records.cases import cases
from records.cases.attribute_reviews import AttributeReview
from records.cases.cases import Case, Priority
from records.cases.comments import CellComment
from records.cases.on_cell import any_of_analysis
from records.cases.reviews import Review
from records.cases.signatures import locked, was_signed
from records.cases.states import CaseState
from services.audit.audit import note
from services.cases.duplicates import duplicates_of
from services.language import lazy_gettext

SIGNED = lazy_gettext("This case is signed and locked. A reviewer can reopen it for amendment.")
CLOSED = lazy_gettext("This case is closed. Reopen it to change anything.")
NOT_OF_TEAM = lazy_gettext("This case does not belong to your team. Choose another one.")
REVIEWED = lazy_gettext(
    "Cells of this analysis were reviewed in the case “{}”. Reviews are kept, so it stays there."
)
PART_OF_SIGNED = lazy_gettext("This analysis belongs to the signed case “{}” and must be kept.")
NAMED_IN_SIGNED = lazy_gettext(
    "This analysis is part of a signed version of a case and must be kept."
)
DEMO = lazy_gettext("This is a demo case. It can’t be changed, signed or reported.")
LEFT_OUT = lazy_gettext(
    "Not added to its case: the case was signed, or its team changed, meanwhile."
)


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
    leave_out_edge: bool = False
    leukopenia: bool = False
    accession: str = ""
    priority: Priority = Priority.ROUTINE


def open_case(
    owner_id: str, details: Details, form_key: str | None = None, blind: bool = False
) -> Case:
    """Open a case for the owner's team, to be read `blind` or not.

    The same form again gives the same case.
    """
    with exclusive_transaction():
        made = cases.made_by_form(owner_id, form_key) if form_key else None
        if made and not _changed(made, details):
            return made
        # Somebody who went back and wrote something else wants another case.
        key = None if made else form_key
        case = Case(owner_id=owner_id, form_key=key, blind=blind, **asdict(details))
        cases.add(case)
        note(
            Event.CASE_OPEN,
            about_case(case),
            specimen=case.specimen,
            priority=case.priority,
            **({"blind": True} if blind else {}),
        )
    return case


def edit(case: Case, details: Details) -> None:
    """Describe a case anew; raises `CaseError` if it is signed or closed."""
    check_real(case)
    with _open_case(case):
        changed = _changed(case, details)
        for name in changed:
            setattr(case, name, getattr(details, name))
        if changed:
            # The text may identify the patient: the trail only names the fields.
            note(Event.CASE_EDIT, about_case(case), changed=changed)


def _changed(case: Case, details: Details) -> list[str]:
    return [name for name, value in asdict(details).items() if getattr(case, name) != value]


def put(case: Case, analysis_ids: Iterable[str]) -> int:
    """Put analyses of the case's team into it that are in none; how many. Raises `CaseError`."""
    check_real(case)
    with _open_case(case):
        free = analyses.free_of(case.team_id, analysis_ids)
        for analysis in free:
            analysis.case_id = case.id
        if free:
            note(Event.CASE_ADD, about_case(case), analyses=[analysis.id for analysis in free])
    return len(free)


def take_out(case: Case, analysis: Analysis) -> None:
    """Take an analysis out of its case, as long as nobody reviewed it there; `CaseError` else."""
    check_real(case)
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
    said = (Review, CellComment, AttributeReview)
    if any(any_of_analysis(analysis.id, table) for table in said):
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
    if _check_open_in_team(team_id, case_id).demo:
        raise CaseError(DEMO)


def _check_open_in_team(team_id: str, case_id: str) -> Case:
    case = cases.find_in_team(team_id, case_id)
    if case is None:
        raise CaseError(NOT_OF_TEAM)
    check_open(case.id)
    return case


def check_real(case: Case) -> None:
    """Raise `CaseError` if a case is a demo."""
    if case.demo:
        raise CaseError(DEMO)


def check_open(case_id: str) -> None:
    """Raise `CaseError` if a case is signed or closed."""
    if locked(case_id):
        raise CaseError(SIGNED)
    if cases.is_closed(case_id):
        raise CaseError(CLOSED)


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
        _check_open_in_team(team_id, analysis.case_id)
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
        CaseError: the case is signed or closed already.
    """
    # A colleague may have changed it since this request read it.
    with exclusive_transaction(case, *analyses_of_it):
        check_open(case.id)
        yield


def about_case(case: Case) -> About:
    """Name a case as the object of a row of the audit trail."""
    return About("case", case.id)
