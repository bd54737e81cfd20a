"""Sign a case off: a qualified person takes responsibility, and the case is locked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from core.taxonomy import BLAST, SMUDGE, UNCLASSIFIED
from records import exclusive_transaction, utc_now
from records.accounts.accounts import Account
from records.analyses import analyses, field_tasks
from records.audit.audit import Event
from records.cases import signatures
from records.cases.cases import Case
from records.cases.signatures import Amendment, Signature, SignatureRole
from services.accounts.accounts import Accounts
from services.audit import audit
from services.audit.audit import note
from services.cases.agreement import agreement
from services.cases.cases import about_case
from services.cases.review import Cell, cells_of
from services.cases.signed_contents import SCHEMA, SignedContents, digest, read_contents
from services.cases.snapshot import Agreement, CaseSnapshot, CellSnapshot
from services.cases.snapshot_builder import collect_snapshot

WRONG_PASSWORD = "Wrong password. Nothing was signed."  # noqa: S105  a sentence
SIGNED_ALREADY = "This version of the case is already signed."
SAME_READER = "You signed this version as the first reviewer. Another reviewer must sign now."
STILL_READ = "Fields of this case are still being analysed. Wait for them or cancel them."
NOTHING_IN_IT = "This case has no image yet, so there is nothing to sign."
CHANGED = (
    "The case has changed since you opened this page. Check the current state, then sign again."
)
NOT_SEEN = "Some cells still need review. They are listed on this page."
NOT_SIGNED = "Only a signed case can be amended. This one is not signed."


class SignOffError(Exception):
    """Something cannot be signed or amended; the text is a sentence for the person who tried."""


class WrongPasswordError(SignOffError):
    """The password was another one."""

    def __init__(self) -> None:
        super().__init__(WRONG_PASSWORD)


@dataclass(frozen=True)
class Standing:
    """How a case stands for one person: `role` is what they would sign as, None if they cannot.

    `seen` names this very snapshot: whoever signs sends it back, so that nothing changes unseen.
    """

    snapshot: CaseSnapshot
    seen: str
    missing: tuple[CellSnapshot, ...]
    locked: bool
    role: SignatureRole | None
    reason: str | None
    agreement: Agreement | None


class SignOff:
    """Signs cases of one installation, by one reviewer or by two."""

    def __init__(self, accounts: Accounts, weights: Path, readers: int) -> None:
        self._accounts = accounts
        self._weights = weights
        self._readers = readers

    def standing(self, case: Case, account_id: str) -> Standing:
        """Describe the case as it is now, and what keeps this person from signing it."""
        present, snapshot = self._as_it_is(case)
        signed = signatures.of_version(case.id, snapshot.version)
        first, locked = _first(signed), any(one.final for one in signed)
        left = {cell.id for cell in missing(present, first, account_id)}
        reason = SIGNED_ALREADY if locked else self._reason(case, snapshot, first, account_id)
        compared = _agreement(snapshot, present, first, account_id)
        return Standing(
            snapshot=snapshot,
            seen=digest(snapshot.serialize()),
            missing=tuple(cell for cell in snapshot.cells if cell.id in left),
            locked=locked,
            role=None if reason else _role(first, compared),
            reason=reason,
            agreement=compared,
        )

    def sign(
        self, case: Case, account: Account, password: str, conclusion: str, seen: str
    ) -> Signature:
        """Sign a case as this person saw it, with their password; raises `SignOffError`."""
        try:
            if not self._accounts.has_password(account, password):
                raise WrongPasswordError
            # A colleague may have described it anew while the password was looked at.
            with exclusive_transaction(case):
                return self._sign(case, account, conclusion, seen)
        except SignOffError as error:
            audit.keep(Event.CASE_SIGN_REFUSED, about_case(case), reason=str(error))
            raise

    def amend(self, case: Case, account: Account, reason: str) -> Amendment:
        """Open a signed case again for a new version; raises `SignOffError` if it is not signed."""
        with exclusive_transaction():
            if not signatures.locked(case.id):
                raise SignOffError(NOT_SIGNED)
            version = signatures.version_of(case.id) + 1
            opened = Amendment(
                case_id=case.id, version=version, opened_by=account.id, reason=reason
            )
            signatures.add_amendment(opened)
            # The reason may identify the patient: only the amendment holds it.
            note(Event.CASE_AMEND, about_case(case), version=version)
        return opened

    def _as_it_is(self, case: Case) -> tuple[list[Cell], CaseSnapshot]:
        """Collect the cells and the snapshot of a case as they stand now."""
        kept = analyses.of_case(case.id)
        cells = cells_of(case, kept)
        return cells, collect_snapshot(case, kept, cells, self._weights)

    def _reason(
        self, case: Case, snapshot: CaseSnapshot, first: Signature | None, account_id: str
    ) -> str | None:
        """Say why this person cannot sign an open case whatever they review."""
        if any(task.under_way for task in field_tasks.unread_of_case(case.id)):
            return STILL_READ
        if not snapshot.images:
            return NOTHING_IN_IT
        return SAME_READER if first and first.reader_id == account_id else None

    def _sign(self, case: Case, account: Account, conclusion: str, seen: str) -> Signature:
        standing = self.standing(case, account.id)
        role = _check(standing, seen)
        signature = _signature(standing, role, account, conclusion, utc_now())
        signature.final = self._readers == 1 or role != SignatureRole.FIRST
        signatures.add_signature(signature, [image.id for image in standing.snapshot.images])
        note(
            Event.CASE_SIGN,
            about_case(case),
            version=signature.version,
            role=signature.role,
            final=signature.final,
            sha256=signature.sha256,
        )
        return signature


def missing(cells: Sequence[Cell], first: Signature | None, reader_id: str) -> list[Cell]:
    """Return the cells that this person must review before signing.

    The first reviewer: every counted cell proposed as a blast or smudge, or unclassified, that
    nobody has classified. The second reviewer must have classified such cells personally, and all
    that differ from what the first reviewer signed.
    """
    if first is None:
        return [cell for cell in cells if _matters(cell) and not cell.seen]
    signed = {cell.id: cell.label for cell in read_contents(first).snapshot.cells}
    return [
        cell
        for cell in cells
        if (_matters(cell) or cell.label != signed.get(cell.id)) and not _named_by(cell, reader_id)
    ]


def _matters(cell: Cell) -> bool:
    # A smudge too: what burst may have been a blast, and what is taken for one may be whole.
    suspicious = cell.proposed in (BLAST, SMUDGE) or cell.label in (BLAST, UNCLASSIFIED)
    return cell.counted and suspicious


def _named_by(cell: Cell, reader_id: str) -> bool:
    return cell.review is not None and cell.review.reviewer_id == reader_id


def _first(signed: Sequence[Signature]) -> Signature | None:
    return next((signature for signature in signed if signature.role == SignatureRole.FIRST), None)


def _agreement(
    snapshot: CaseSnapshot, present: Sequence[Cell], first: Signature | None, reader_id: str
) -> Agreement | None:
    if first is None or first.reader_id == reader_id:
        return None
    contents = read_contents(first)
    signed = contents.snapshot.cells
    by_first = {cell.id for cell in signed if cell.by == contents.reader}
    by_second = {cell.id for cell in present if _named_by(cell, reader_id)}
    return agreement(signed, snapshot.cells, by_first, by_second)


def _role(first: Signature | None, compared: Agreement | None) -> SignatureRole:
    """Choose the role: first, in agreement with the first, or deciding."""
    if first is None:
        return SignatureRole.FIRST
    return (
        SignatureRole.ADJUDICATOR if compared and compared.disagreements else SignatureRole.SECOND
    )


def _check(standing: Standing, seen: str) -> SignatureRole:
    """Return as what the person signs; raises `SignOffError` where they cannot."""
    if standing.role is None:
        raise SignOffError(standing.reason or CHANGED)
    if seen != standing.seen:
        raise SignOffError(CHANGED)
    if standing.missing:
        raise SignOffError(NOT_SEEN)
    return standing.role


def _signature(
    standing: Standing, role: SignatureRole, account: Account, conclusion: str, at: datetime
) -> Signature:
    """Make the signature; its hash covers who, as what, when, and the whole case."""
    contents = SignedContents(
        schema=SCHEMA,
        reader=account.name,
        role=role,
        at=at.isoformat(),
        conclusion=conclusion,
        agreement=standing.agreement,
        state=standing.snapshot,
    ).serialize()
    return Signature(
        case_id=standing.snapshot.case_id,
        version=standing.snapshot.version,
        reader_id=account.id,
        role=role,
        at=at,
        conclusion=conclusion,
        contents=contents,
        sha256=digest(contents),
    )
