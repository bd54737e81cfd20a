"""Signing a case out: a qualified person takes responsibility, and the case is locked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from core.canonical_json import digest
from core.taxonomy import BLAST, UNCLASSIFIED
from records import alone, utc_now
from records.accounts.accounts import Account
from records.analyses import analyses, field_tasks
from records.audit.audit import Event
from records.cases import signatures
from records.cases.cases import Case
from records.cases.signatures import ADJUDICATOR, FIRST, SECOND, Amendment, Signature
from services.accounts.accounts import Accounts
from services.audit import audit
from services.audit.audit import note
from services.cases.agreement import agreement
from services.cases.cases import the_case
from services.cases.review import Cell, cells_of
from services.cases.snapshot import (
    AMENDED,
    FINAL,
    PRELIMINARY,
    Agreement,
    CaseState,
    CellRead,
    Later,
    ReportContents,
    Signed,
    document,
    read_agreement,
    read_state,
)
from services.cases.snapshot_builder import later_than, state_of

WRONG_PASSWORD = "That is not your password. Nothing was signed."  # noqa: S105  a sentence
SIGNED_ALREADY = "This version of the case is signed already."
SAME_READER = "You signed this version as the first reader. Another reviewer must sign now."
STILL_READ = "Fields of this case are still being read. Sign when they are there, or cancel them."
NOTHING_IN_IT = "There is no image in this case yet, so there is nothing to sign."
CHANGED = (
    "The case has changed since this page was opened. Look at it as it is now, then sign again."
)
NOT_SEEN = "Cells are left that nobody has looked at. They are listed on this page."
NOT_SIGNED = "Only a signed case can be amended. This one is still open."
ALTERED = (
    "What is kept of this version is not what was signed: its SHA-256 differs. Tell whoever runs "
    "this installation, and verify the audit trail."
)


class SignOutError(Exception):
    """Something cannot be signed or amended; the text is a sentence for the person who tried."""


class WrongPasswordError(SignOutError):
    """The password was another one."""

    def __init__(self) -> None:
        super().__init__(WRONG_PASSWORD)


class AlteredError(Exception):
    """A kept signature does not fit its contents."""


@dataclass(frozen=True)
class Standing:
    """How a case stands for one person: `role` is what they would sign as, None if they cannot.

    `seen` names this very state: whoever signs sends it back, so that nothing changes unseen.
    """

    state: CaseState
    seen: str
    missing: tuple[CellRead, ...]
    locked: bool
    role: str | None
    reason: str | None
    agreement: Agreement | None


class SignOut:
    """Signs cases of one installation, by one reader or by two."""

    def __init__(self, accounts: Accounts, weights: Path, readers: int) -> None:
        self._accounts = accounts
        self._weights = weights
        self._readers = readers

    def standing(self, case: Case, account_id: str) -> Standing:
        """What the case is like now, and what keeps this person from signing it."""
        present, state = self._as_it_is(case)
        given = signatures.of_version(case.id, state.version)
        first, locked = _first(given), any(one.final for one in given)
        left = {cell.id for cell in missing(present, first, account_id)}
        reason = SIGNED_ALREADY if locked else self._reason(case, state, first, account_id)
        found = _agreement(state, present, first, account_id)
        return Standing(
            state=state,
            seen=digest(document(state)),
            missing=tuple(cell for cell in state.cells if cell.id in left),
            locked=locked,
            role=None if reason else _role(first, found),
            reason=reason,
            agreement=found,
        )

    def sign(
        self, case: Case, account: Account, password: str, conclusion: str, seen: str
    ) -> Signature:
        """Sign a case as this person saw it, with their password; raises `SignOutError`."""
        try:
            if not self._accounts.has_password(account, password):
                raise WrongPasswordError
            # A colleague may have described it anew while the password was looked at.
            with alone(case):
                return self._sign(case, account, conclusion, seen)
        except SignOutError as error:
            audit.keep(Event.CASE_SIGN_REFUSED, the_case(case), reason=str(error))
            raise

    def amend(self, case: Case, account: Account, reason: str) -> Amendment:
        """Open a signed case again for a new version; raises `SignOutError` if it is not signed."""
        with alone():
            if not signatures.locked(case.id):
                raise SignOutError(NOT_SIGNED)
            version = signatures.version_of(case.id) + 1
            opened = Amendment(
                case_id=case.id, version=version, opened_by=account.id, reason=reason
            )
            signatures.add(opened)
            # The reason may tell of the patient: it stands in the amendment alone.
            note(Event.CASE_AMEND, the_case(case), version=version)
        return opened

    def report(self, case: Case, version: int | None = None) -> ReportContents:
        """What a report of a version says, the present one unless named.

        Raises `LookupError` where there is no such version, `AlteredError` where what is kept is
        not what was signed.
        """
        present = signatures.version_of(case.id)
        version = present if version is None else version
        if not 1 <= version <= present:
            raise LookupError(version)
        all_given = signatures.of_case(case.id)
        given = [signature for signature in all_given if signature.version == version]
        if given and given[-1].final:
            return _final(given, later_than(version, all_given, signatures.amendments_of(case.id)))
        return _preliminary(self._as_it_is(case)[1], given)

    def _as_it_is(self, case: Case) -> tuple[list[Cell], CaseState]:
        """The cells of a case, and all of it, as they stand now."""
        kept = analyses.of_case(case.id)
        cells = cells_of(case, kept)
        return cells, state_of(case, kept, cells, self._weights)

    def _reason(
        self, case: Case, state: CaseState, first: Signature | None, account_id: str
    ) -> str | None:
        """Why this person cannot sign an open case whatever they look at, as a sentence."""
        if any(task.under_way for task in field_tasks.unread_of_case(case.id)):
            return STILL_READ
        if not state.images:
            return NOTHING_IN_IT
        return SAME_READER if first and first.reader_id == account_id else None

    def _sign(self, case: Case, account: Account, conclusion: str, seen: str) -> Signature:
        standing = self.standing(case, account.id)
        _check(standing, seen)
        signature = _signature(standing, account, conclusion, utc_now())
        signature.final = self._readers == 1 or standing.role != FIRST
        signatures.add(signature)
        note(
            Event.CASE_SIGN,
            the_case(case),
            version=signature.version,
            role=signature.role,
            final=signature.final,
            sha256=signature.sha256,
        )
        return signature


def missing(cells: Sequence[Cell], first: Signature | None, reader_id: str) -> list[Cell]:
    """The cells that must be looked at before this person can sign.

    The first reader: every counted cell that is proposed as a blast or unclassified and that nobody
    has named. The second one must have named such cells personally, and all that differ from what
    the first reader signed.
    """
    if first is None:
        return [cell for cell in cells if _matters(cell) and not cell.seen]
    signed = {cell["id"]: cell["label"] for cell in first.contents["state"]["cells"]}
    return [
        cell
        for cell in cells
        if (_matters(cell) or cell.label != signed.get(cell.id)) and not _named_by(cell, reader_id)
    ]


def _matters(cell: Cell) -> bool:
    return cell.counted and (cell.proposed == BLAST or cell.label in (BLAST, UNCLASSIFIED))


def _named_by(cell: Cell, reader_id: str) -> bool:
    return cell.review is not None and cell.review.reviewer_id == reader_id


def _first(given: Sequence[Signature]) -> Signature | None:
    return next((signature for signature in given if signature.role == FIRST), None)


def _agreement(
    state: CaseState, present: Sequence[Cell], first: Signature | None, reader_id: str
) -> Agreement | None:
    if first is None or first.reader_id == reader_id:
        return None
    signed = read_state(first.contents["state"]).cells
    by_first = {cell.id for cell in signed if cell.by == first.contents["reader"]}
    by_second = {cell.id for cell in present if _named_by(cell, reader_id)}
    return agreement(signed, state.cells, by_first, by_second)


def _role(first: Signature | None, found: Agreement | None) -> str:
    """Who signs after another agrees with every cell, or else decides between both."""
    if first is None:
        return FIRST
    return ADJUDICATOR if found and found.disagreements else SECOND


def _check(standing: Standing, seen: str) -> None:
    if standing.reason:
        raise SignOutError(standing.reason)
    if seen != standing.seen:
        raise SignOutError(CHANGED)
    if standing.missing:
        raise SignOutError(NOT_SEEN)


def _signature(standing: Standing, account: Account, conclusion: str, at: datetime) -> Signature:
    """All of it goes into what is hashed: who, as what, when, the conclusion, the whole state."""
    contents = {
        "reader": account.name,
        "role": standing.role,
        "at": at.isoformat(),
        "conclusion": conclusion,
        "agreement": standing.agreement and document(standing.agreement),
        "state": document(standing.state),
    }
    return Signature(
        case_id=standing.state.case_id,
        version=standing.state.version,
        reader_id=account.id,
        role=standing.role,
        at=at,
        conclusion=conclusion,
        contents=contents,
        sha256=digest(contents),
    )


def _final(given: Sequence[Signature], later: Later | None) -> ReportContents:
    last = given[-1]
    return ReportContents(
        state=read_state(last.contents["state"]),
        status=FINAL if last.version == 1 else AMENDED,
        sha256=last.sha256,
        signatures=_signed(given),
        agreement=read_agreement(last.contents["agreement"]),
        made_at=utc_now(),
        later=later,
    )


def _preliminary(state: CaseState, given: Sequence[Signature]) -> ReportContents:
    return ReportContents(
        state=state,
        status=PRELIMINARY,
        sha256=digest(document(state)),
        signatures=_signed(given),
        agreement=None,
        made_at=utc_now(),
    )


def _signed(given: Sequence[Signature]) -> tuple[Signed, ...]:
    """The signatures, from what was hashed; raises `AlteredError`."""
    for one in given:
        if digest(one.contents) != one.sha256:
            raise AlteredError(ALTERED)
    return tuple(
        Signed(
            reader=one.contents["reader"],
            role=one.contents["role"],
            at=datetime.fromisoformat(one.contents["at"]),
            conclusion=one.contents["conclusion"],
            sha256=one.sha256,
        )
        for one in given
    )
