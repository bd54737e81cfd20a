"""Sign a case off: a qualified person takes responsibility, and the case is locked."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path

from core.taxonomy import BLAST, SMUDGE, UNCLASSIFIED
from records import exclusive_transaction, utc_now
from records.accounts.accounts import Account
from records.analyses import analyses, cell_tasks, field_tasks
from records.analyses.analyses import Analysis
from records.audit.audit import Event
from records.cases import cases, signatures
from records.cases.cases import Case
from records.cases.signatures import Amendment, Signature, SignatureRole
from services.accounts.accounts import Accounts
from services.accounts.confirmations import Confirmed
from services.audit import audit
from services.audit.audit import note
from services.cases.agreement import Difference, agreement, blind_agreement, differences
from services.cases.blinding import Stage, courses_of, stage_of
from services.cases.cases import CLOSED, DEMO, about_case
from services.cases.checks import (
    AtLeast,
    Check,
    CheckCode,
    CheckStatus,
    Facts,
    SignedCheck,
    checks_of,
    unresolved,
)
from services.cases.review import Cell, cells_of
from services.cases.signed_contents import SCHEMA, SignedContents, digest, read_contents
from services.cases.snapshot import Agreement, CaseSnapshot, CellSnapshot
from services.cases.snapshot_builder import collect_snapshot
from services.cases.summaries import add_signed_counts
from services.laboratory.letterhead import Laboratory
from services.laboratory.settings import laboratory_for
from services.language import lazy_gettext

WRONG_PASSWORD = lazy_gettext("Wrong password. Nothing was signed.")
SIGNED_ALREADY = lazy_gettext("This version of the case is already signed.")
SAME_READER = lazy_gettext(
    "You signed this version as the first reviewer. Another reviewer must sign now."
)
NO_DECISION = lazy_gettext(
    "Decide every cell on which the two reviewers differ. They are listed on this page."
)
STILL_READ = lazy_gettext(
    "Fields of this case are still being analysed. Wait for them or cancel them."
)
NOTHING_IN_IT = lazy_gettext("This case has no image yet, so there is nothing to sign.")
CHANGED = lazy_gettext(
    "The case has changed since you opened this page. Check the current state, then sign again."
)
NOT_SEEN = lazy_gettext("Some cells still need review. They are listed on this page.")
BLOCKED = lazy_gettext("Some checks do not let this case be signed. They are listed on this page.")
NO_REASON = lazy_gettext("Give a reason for each warning.")
LONG_REASON = lazy_gettext("A reason is too long.")
NOT_SIGNED = lazy_gettext("Only a signed case can be amended. This one is not signed.")


LONGEST_REASON = 1000
"""Characters of the reason for which a warning is passed over."""


class SignOffError(Exception):
    """Something cannot be signed or amended; the text is a sentence for the person who tried."""


class WrongPasswordError(SignOffError):
    """The password was another one."""

    def __init__(self) -> None:
        super().__init__(WRONG_PASSWORD)


class NoReasonError(SignOffError):
    """Warnings of these checks were given no reason."""

    def __init__(self, codes: Collection[CheckCode]) -> None:
        super().__init__(NO_REASON)
        self.codes = tuple(codes)


@dataclass(frozen=True)
class Standing:
    """How a case stands for one person: `role` is what they would sign as, None if they cannot.

    `seen` names this very snapshot with its checks: whoever signs sends it back, so that nothing
    changes unseen. `unresolved` are the cells of which the check of disagreements tells, `first` is
    what a first reviewer signed of this version, if this person may see it, `second` what a second
    one did who read it blind. `differences` are the cells on which these two differ, of which those
    `undecided` (ids) nobody has decided yet. `cells` are all cells by id, `laboratory` what its
    settings add to the report.
    """

    snapshot: CaseSnapshot
    seen: str
    missing: tuple[CellSnapshot, ...]
    locked: bool
    role: SignatureRole | None
    reason: str | None
    agreement: Agreement | None
    checks: tuple[Check, ...]
    unresolved: tuple[Cell, ...]
    first: SignedContents | None
    second: SignedContents | None
    stage: Stage
    differences: tuple[Difference, ...]
    undecided: frozenset[str]
    cells: Mapping[str, Cell]
    laboratory: Laboratory | None

    @property
    def warnings(self) -> tuple[CheckCode, ...]:
        """The checks that take a reason."""
        return tuple(one.code for one in self.checks if one.status == CheckStatus.WARNING)

    @property
    def blocked(self) -> bool:
        """Whether a check keeps everybody from signing."""
        return any(one.status == CheckStatus.BLOCKING for one in self.checks)


@dataclass(frozen=True)
class _Signed:
    """A signature of a version; what was signed is verified and read once, when it is needed."""

    signature: Signature

    @cached_property
    def contents(self) -> SignedContents:
        return read_contents(self.signature)


class SignOff:
    """Signs cases of one installation, by one reviewer or by two."""

    def __init__(
        self, accounts: Accounts, weights: Path, readers: int, at_least: AtLeast | None = None
    ) -> None:
        self._accounts = accounts
        self._weights = weights
        self._readers = readers
        self._at_least = at_least or AtLeast()

    def standing(self, case: Case, account_id: str) -> Standing:
        """Describe the case as it is now, and what keeps this person from signing it."""
        kept, present, snapshot = self._as_it_is(case, account_id)
        signed, stage = signatures.of_version(case.id, snapshot.version), stage_of(case)
        first, second = _first(signed), _second(signed)
        locked = any(one.final for one in signed)
        differing, undecided = _differing(case, stage, first, second, present)
        left = {cell.id for cell in _missing(stage, present, first, account_id)}
        reason = SIGNED_ALREADY if locked else self._reason(case, snapshot, first, account_id)
        if stage is Stage.ADJUDICATION and reason == SAME_READER:
            reason = None
        compared = _compared(stage, first, second, snapshot, present, account_id, undecided)
        checks = checks_of(self._facts(case, kept, present, snapshot, left))
        laboratory = laboratory_for(case.specimen)
        return Standing(
            snapshot=snapshot,
            seen=_seen(snapshot, checks, laboratory),
            missing=tuple(cell for cell in snapshot.cells if cell.id in left),
            locked=locked,
            role=None if reason else _role(stage, first, compared),
            reason=reason,
            agreement=compared,
            checks=checks,
            unresolved=tuple(unresolved(present)),
            first=first.contents if first and stage is not Stage.BLIND else None,
            second=second.contents if second and differing else None,
            stage=stage,
            differences=differing,
            undecided=undecided,
            cells={cell.id: cell for cell in present},
            laboratory=laboratory,
        )

    def sign(
        self,
        case: Case,
        account: Account,
        proof: str | Confirmed,
        conclusion: str,
        seen: str,
        reasons: Mapping[CheckCode, str] | None = None,
    ) -> Signature:
        """Sign a case as this person saw it; raises `SignOffError`.

        `proof` is the password, or a confirmation of the identity provider. What is sent twice is
        signed once. `reasons` are for the checks that warn.
        """
        try:
            if not self._accounts.proves(account, proof):
                raise WrongPasswordError
            # A colleague may have described it anew while the password was looked at.
            with exclusive_transaction(case):
                again = _same_signature(case.id, account, conclusion, seen)
                return again or self._sign(case, account, conclusion, seen, reasons or {})
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
            # Whatever is to be done shows in the lists.
            case.archived_at = None
            # The reason may identify the patient: only the amendment holds it.
            note(Event.CASE_AMEND, about_case(case), version=version)
        return opened

    def _as_it_is(
        self, case: Case, account_id: str
    ) -> tuple[list[Analysis], list[Cell], CaseSnapshot]:
        """Collect the images, the cells and the snapshot of a case as they stand for a person."""
        kept = analyses.of_case(case.id)
        cells = cells_of(case, kept, account_id)
        return kept, cells, collect_snapshot(case, kept, cells, self._weights)

    def _facts(
        self,
        case: Case,
        kept: Sequence[Analysis],
        present: Sequence[Cell],
        snapshot: CaseSnapshot,
        left: Collection[str],
    ) -> Facts:
        return Facts(
            snapshot=snapshot,
            cells=present,
            missing=left,
            at_least=self._at_least.of(case.specimen, case.leukopenia),
            collected_on=case.collected_on,
            first_image=min((one.created_at for one in kept), default=None),
            now=utc_now(),
            namesakes=tuple(cases.open_namesakes(case)),
        )

    def _reason(
        self, case: Case, snapshot: CaseSnapshot, first: _Signed | None, account_id: str
    ) -> str | None:
        """Say why this person cannot sign an unsigned case whatever they review."""
        if case.demo:
            return DEMO
        if case.closed_at:
            return CLOSED
        if _being_read(case.id):
            return STILL_READ
        if not snapshot.images:
            return NOTHING_IN_IT
        return SAME_READER if first and first.signature.reader_id == account_id else None

    def _sign(
        self,
        case: Case,
        account: Account,
        conclusion: str,
        seen: str,
        reasons: Mapping[CheckCode, str],
    ) -> Signature:
        standing = self.standing(case, account.id)
        role = _check(standing, seen)
        checks = _with_reasons(standing, reasons)
        if standing.stage is Stage.BLIND and role == SignatureRole.SECOND:
            standing = replace(standing, agreement=_blindly(case, standing.snapshot, account))
        signature = _signature(standing, role, account, conclusion, checks, utc_now())
        signature.final = self._readers == 1 or _completes(standing, role)
        signatures.add_signature(signature, [image.id for image in standing.snapshot.images])
        add_signed_counts(signature.id, standing.snapshot)
        note(
            Event.CASE_SIGN,
            about_case(case),
            version=signature.version,
            role=signature.role,
            final=signature.final,
            sha256=signature.sha256,
            # What is read blind is told by the signature alone.
            reasons={
                check.code: check.reason for check in checks if check.reason and not case.blind
            },
        )
        return signature


def _missing(
    stage: Stage, cells: Sequence[Cell], first: _Signed | None, reader_id: str
) -> list[Cell]:
    """Return the cells that this person must review before signing.

    The first reviewer, and who decides between two: every counted cell proposed as a blast or
    smudge, or unclassified, that nobody has classified. The second reviewer must have classified
    such cells personally and, unless blind, all that differ from what the first reviewer signed.
    """
    if first is None or stage is Stage.ADJUDICATION:
        return [cell for cell in cells if _matters(cell) and not cell.seen]
    if stage is Stage.BLIND:
        return [cell for cell in cells if _matters(cell) and not _named_by(cell, reader_id)]
    signed = {cell.id: cell.label for cell in first.contents.snapshot.cells}
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


def _first(signed: Sequence[Signature]) -> _Signed | None:
    return _signed_as(SignatureRole.FIRST, signed)


def _second(signed: Sequence[Signature]) -> _Signed | None:
    return _signed_as(SignatureRole.SECOND, signed)


def _signed_as(role: SignatureRole, signed: Sequence[Signature]) -> _Signed | None:
    return next((_Signed(one) for one in signed if one.role == role), None)


def _differing(
    case: Case,
    stage: Stage,
    first: _Signed | None,
    second: _Signed | None,
    present: Sequence[Cell],
) -> tuple[tuple[Difference, ...], frozenset[str]]:
    """Return where two who read a case blind differ, and the ids of what is not decided yet."""
    if stage is not Stage.ADJUDICATION or first is None or second is None:
        return (), frozenset()
    signed_cells = (one.contents.snapshot.cells for one in (first, second))
    found = tuple(differences(*signed_cells))
    until = courses_of(case)[-1].until
    decided = {cell.id for cell in present if cell.at and until and cell.at > until}
    return found, frozenset(one.cell.id for one in found if one.cell.id not in decided)


def _compared(
    stage: Stage,
    first: _Signed | None,
    second: _Signed | None,
    snapshot: CaseSnapshot,
    present: Sequence[Cell],
    reader_id: str,
    undecided: Collection[str],
) -> Agreement | None:
    """Compare two reviewers, as far as this person may know."""
    if stage is Stage.BLIND:
        return None
    if stage is Stage.ADJUDICATION and first and second:
        by_second = second.contents
        labels = {cell.id: cell.label for cell in snapshot.cells if cell.id not in undecided}
        return blind_agreement(first.contents, by_second.snapshot.cells, by_second.reader, labels)
    return _agreement(snapshot, present, first, reader_id)


def _blindly(case: Case, snapshot: CaseSnapshot, account: Account) -> Agreement | None:
    """Compare what a second reviewer signs with what the first has signed."""
    first = _first(signatures.of_version(case.id, snapshot.version))
    return first and blind_agreement(first.contents, snapshot.cells, account.name)


def _completes(standing: Standing, role: SignatureRole) -> bool:
    """Say whether a second or third signature is the last one that a version needs."""
    if standing.stage is not Stage.BLIND:
        return role != SignatureRole.FIRST
    compared = standing.agreement
    return role == SignatureRole.SECOND and not (compared and compared.disagreements)


def _agreement(
    snapshot: CaseSnapshot, present: Sequence[Cell], first: _Signed | None, reader_id: str
) -> Agreement | None:
    if first is None or first.signature.reader_id == reader_id:
        return None
    contents = first.contents
    signed = contents.snapshot.cells
    by_first = {cell.id for cell in signed if cell.by == contents.reader}
    by_second = {cell.id for cell in present if _named_by(cell, reader_id)}
    return agreement(signed, snapshot.cells, by_first, by_second)


def _role(stage: Stage, first: _Signed | None, compared: Agreement | None) -> SignatureRole:
    """Choose the role: first, second, or deciding."""
    if first is None:
        return SignatureRole.FIRST
    if stage is not Stage.OPEN:
        blind = stage is Stage.BLIND
        return SignatureRole.SECOND if blind else SignatureRole.ADJUDICATOR
    return (
        SignatureRole.ADJUDICATOR if compared and compared.disagreements else SignatureRole.SECOND
    )


def _being_read(case_id: str) -> bool:
    """Say whether images of a case wait to be read, or are read."""
    fields = any(task.under_way for task in field_tasks.unread_of_case(case_id))
    return fields or cell_tasks.any_under_way(case_id)


def _check(standing: Standing, seen: str) -> SignatureRole:
    """Return as what the person signs; raises `SignOffError` where they cannot."""
    if standing.role is None:
        raise SignOffError(standing.reason or CHANGED)
    if seen != standing.seen:
        raise SignOffError(CHANGED)
    if standing.missing:
        raise SignOffError(NOT_SEEN)
    if standing.undecided:
        raise SignOffError(NO_DECISION)
    if standing.blocked:
        raise SignOffError(BLOCKED)
    return standing.role


def _with_reasons(standing: Standing, reasons: Mapping[CheckCode, str]) -> tuple[SignedCheck, ...]:
    """Return the checks, each warning with its reason; raises `SignOffError` without one."""
    given = {code: reasons.get(code, "").strip() for code in standing.warnings}
    if lacking := [code for code, reason in given.items() if not reason]:
        raise NoReasonError(lacking)
    if any(len(reason) > LONGEST_REASON for reason in given.values()):
        raise SignOffError(LONG_REASON)
    return tuple(
        SignedCheck(**check.model_dump(), reason=given.get(check.code)) for check in standing.checks
    )


def _seen(snapshot: CaseSnapshot, checks: Sequence[Check], laboratory: Laboratory | None) -> str:
    """Name what a person sees before they sign."""
    return digest(
        {
            "state": snapshot.serialize(),
            "checks": [check.serialize() for check in checks],
            "laboratory": laboratory and laboratory.serialize(),
        }
    )


def _same_signature(case_id: str, account: Account, conclusion: str, seen: str) -> Signature | None:
    """Return the signature that this very form has given before; None where it has not."""
    signed = signatures.of_version(case_id, signatures.version_of(case_id))
    own = (one for one in signed if one.reader_id == account.id and one.conclusion == conclusion)
    return next((one for one in own if _saw(read_contents(one)) == seen), None)


def _saw(contents: SignedContents) -> str:
    checks = [check.unsigned for check in contents.checks or ()]
    return _seen(contents.snapshot, checks, contents.laboratory)


def _signature(
    standing: Standing,
    role: SignatureRole,
    account: Account,
    conclusion: str,
    checks: tuple[SignedCheck, ...],
    at: datetime,
) -> Signature:
    """Make the signature; its hash covers who, as what, when, the checks, the whole case."""
    contents = SignedContents(
        schema=SCHEMA,
        reader=account.name,
        full_name=account.full_name,
        role=role,
        at=at.isoformat(),
        conclusion=conclusion,
        checks=checks,
        laboratory=standing.laboratory,
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
