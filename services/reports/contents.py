"""What a report says of a case: values only, the same for every format."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import chain, islice, zip_longest
from pathlib import Path

from core.taxonomy import BLAST, BUILT_IN, UNCLASSIFIED, CellClasses
from records import utc_now
from records.analyses import analyses
from records.cases import signatures
from records.cases.blinding import sight_of
from records.cases.cases import Case
from records.cases.signatures import FIRST_VERSION, Amendment, Signature, SignatureRole
from services.cases.checks import SignedCheck
from services.cases.review import cells_of
from services.cases.signed_contents import SignedContents, digest, verify
from services.cases.snapshot import Agreement, CaseSnapshot, CellSnapshot, classes_of
from services.cases.snapshot_builder import collect_snapshot
from services.laboratory.letterhead import Laboratory
from services.laboratory.settings import laboratory_for
from services.language import lazy_gettext

SCHEMA = "leukoscope.report.2"
"""Name and number of the form of the JSON report."""

ASSISTS = lazy_gettext("Leukoscope assists a qualified reader. It does not diagnose.")

BLASTS_SHOWN, OTHERS_SHOWN = 8, 4
"""Cells of which a report has pictures."""


class ReportStatus(StrEnum):
    """How far a version is signed, in FHIR's words."""

    PRELIMINARY = "preliminary"
    FINAL = "final"
    AMENDED = "amended"


@dataclass(frozen=True)
class SignatureLine:
    """One signature; `sha256` is of the canonical JSON of all that this reader signed.

    `reader` is the name of the account, `full_name` that of the person where it was given. `schema`
    says how it is hashed: None for signatures of before there were schemas. `checks` are those of
    the case when it was signed; None for signatures of before there were any. A `final` one
    completed the version. `laboratory` is what its settings put into the report then.
    """

    reader: str
    role: SignatureRole
    at: datetime
    conclusion: str
    sha256: str
    schema: str | None = None
    final: bool = True
    checks: tuple[SignedCheck, ...] | None = None
    full_name: str = ""
    laboratory: Laboratory | None = None

    @property
    def name(self) -> str:
        """Whom the report names: the person, else the account."""
        return self.full_name or self.reader

    @property
    def reasons(self) -> tuple[SignedCheck, ...]:
        """The checks that warned, with the reasons given."""
        return tuple(check for check in self.checks or () if check.reason)


@dataclass(frozen=True)
class LaterVersion:
    """The newest signed `version` after that of a report, else the open one; opened at `since`."""

    version: int
    since: datetime
    signed: bool


@dataclass(frozen=True)
class ReportContents:
    """Everything that a report says; `sha256` is of the last signature, else of the snapshot.

    `later` is beside what was signed: it is no part of what is hashed. `laboratory` is as the last
    reader signed it, else as it is set now. `classes` are those that anybody who signed it gave.
    """

    snapshot: CaseSnapshot
    status: ReportStatus
    sha256: str
    signatures: tuple[SignatureLine, ...]
    agreement: Agreement | None
    made_at: datetime
    later: LaterVersion | None = None
    laboratory: Laboratory | None = None
    classes: CellClasses = BUILT_IN

    @property
    def signed(self) -> bool:
        """Whether the version is complete: otherwise it carries a watermark."""
        return self.status != ReportStatus.PRELIMINARY

    @property
    def conclusion(self) -> str:
        """The conclusion of the last signature, empty before the first."""
        return self.signatures[-1].conclusion if self.signatures else ""


def collect_report(
    case: Case, weights: Path, version: int | None = None, account_id: str | None = None
) -> ReportContents:
    """Collect what the report of one version says.

    Args:
        case: the case.
        weights: the folder of the installed networks, for a version that is not signed yet.
        version: the present one unless named.
        account_id: for whom: while a case is read blind, a report tells nobody of others' work.

    Raises:
        LookupError: there is no such version.
        AlteredError: what is kept is not what was signed.
    """
    present = signatures.version_of(case.id)
    version = present if version is None else version
    if not FIRST_VERSION <= version <= present:
        raise LookupError(version)
    all_signatures = signatures.of_case(case.id)
    signed = [signature for signature in all_signatures if signature.version == version]
    if signed and signed[-1].final:
        later = later_version(version, all_signatures, signatures.amendments_of(case.id))
        return _final(signed, later)
    kept = analyses.of_case(case.id)
    snapshot = collect_snapshot(case, kept, cells_of(case, kept, account_id), weights)
    sight = sight_of(case, account_id)
    return _preliminary(
        snapshot, [one for one in signed if sight is None or sight.sees(one.reader_id, one.at)]
    )


def later_version(
    version: int, all_signatures: Iterable[Signature], amendments: Iterable[Amendment]
) -> LaterVersion | None:
    """Return what followed a version, of all signatures and amendments of its case."""
    opened = [one for one in amendments if one.version > version]
    if not opened:
        return None
    signed = {one.version for one in all_signatures if one.final}
    newest = next((one for one in reversed(opened) if one.version in signed), opened[-1])
    return LaterVersion(newest.version, newest.at, newest.version in signed)


def shown_blasts(snapshot: CaseSnapshot) -> tuple[CellSnapshot, ...]:
    """Return the first blasts, in the models' order."""
    blasts = (cell for cell in _counting(snapshot) if cell.label == BLAST)
    return tuple(islice(blasts, BLASTS_SHOWN))


def shown_others(snapshot: CaseSnapshot) -> tuple[CellSnapshot, ...]:
    """Return typical other white cells: of each class in turn, the most frequent first.

    The models' order ends with the cells that look least like a blast: these are typical. Whole
    cells that somebody classified go before others.
    """
    white = snapshot.classes.white
    by_class: dict[str, list[CellSnapshot]] = defaultdict(list)
    for cell in reversed(_counting(snapshot)):
        if cell.label in white and cell.label != BLAST:
            by_class[cell.label].append(cell)
    classes = sorted(by_class, key=lambda code: (code == UNCLASSIFIED, -len(by_class[code])))
    ordered = [sorted(by_class[code], key=_untypical) for code in classes]
    turns = chain.from_iterable(zip_longest(*ordered))
    return tuple(islice(filter(None, turns), OTHERS_SHOWN))


def _untypical(cell: CellSnapshot) -> tuple[bool, bool]:
    return not cell.seen, cell.at_edge


def _counting(snapshot: CaseSnapshot) -> list[CellSnapshot]:
    return [cell for cell in snapshot.cells if cell.counted]


def _final(signed: Sequence[Signature], later: LaterVersion | None) -> ReportContents:
    verified = [verify(one) for one in signed]
    first = signed[-1].version == FIRST_VERSION
    return ReportContents(
        snapshot=verified[-1].snapshot,
        status=ReportStatus.FINAL if first else ReportStatus.AMENDED,
        sha256=signed[-1].sha256,
        signatures=_lines(signed, verified),
        agreement=verified[-1].agreement,
        made_at=utc_now(),
        later=later,
        laboratory=verified[-1].laboratory,
        classes=classes_of(one.snapshot for one in verified),
    )


def _preliminary(snapshot: CaseSnapshot, signed: Sequence[Signature]) -> ReportContents:
    return ReportContents(
        snapshot=snapshot,
        status=ReportStatus.PRELIMINARY,
        sha256=digest(snapshot.serialize()),
        signatures=_lines(signed, [verify(one) for one in signed]),
        agreement=None,
        made_at=utc_now(),
        laboratory=laboratory_for(snapshot.specimen.kind),
        classes=snapshot.classes,
    )


def _lines(
    signed: Sequence[Signature], verified: Sequence[SignedContents]
) -> tuple[SignatureLine, ...]:
    """Return each signature as it was hashed."""
    return tuple(
        SignatureLine(
            reader=contents.reader,
            role=contents.role,
            at=datetime.fromisoformat(contents.at),
            conclusion=contents.conclusion,
            sha256=signature.sha256,
            schema=contents.schema_name,
            final=signature.final,
            checks=contents.checks,
            full_name=contents.full_name,
            laboratory=contents.laboratory,
        )
        for signature, contents in zip(signed, verified, strict=True)
    )
