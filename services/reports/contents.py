"""What a report says of a case: values only, the same for every format."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from core.taxonomy import BLAST
from records import utc_now
from records.analyses import analyses
from records.cases import signatures
from records.cases.cases import Case
from records.cases.signatures import FIRST_VERSION, Amendment, Signature, SignatureRole
from services.cases.review import cells_of
from services.cases.signed_contents import SignedContents, digest, verify
from services.cases.snapshot import Agreement, CaseSnapshot, CellSnapshot
from services.cases.snapshot_builder import collect_snapshot

SCHEMA = "leukoscope.report.2"
"""Name and number of the form of the JSON report."""

ASSISTS = "Leukoscope assists a qualified reader. It does not diagnose."

MOST_SUSPICIOUS = 20
"""Cells on the page of the most suspicious ones."""


class ReportStatus(StrEnum):
    """How far a version is signed, in FHIR's words."""

    PRELIMINARY = "preliminary"
    FINAL = "final"
    AMENDED = "amended"


@dataclass(frozen=True)
class SignatureLine:
    """One signature; `sha256` is of the canonical JSON of all that this reader signed.

    `schema` says how it is hashed: None for signatures of before there were schemas.
    """

    reader: str
    role: SignatureRole
    at: datetime
    conclusion: str
    sha256: str
    schema: str | None = None


@dataclass(frozen=True)
class LaterVersion:
    """The newest signed `version` after that of a report, else the open one; opened at `since`."""

    version: int
    since: datetime
    signed: bool


@dataclass(frozen=True)
class ReportContents:
    """Everything that a report says; `sha256` is of the last signature, else of the snapshot.

    `later` is beside what was signed: it is no part of what is hashed.
    """

    snapshot: CaseSnapshot
    status: ReportStatus
    sha256: str
    signatures: tuple[SignatureLine, ...]
    agreement: Agreement | None
    made_at: datetime
    later: LaterVersion | None = None

    @property
    def signed(self) -> bool:
        """Whether the version is complete: otherwise it carries a watermark."""
        return self.status != ReportStatus.PRELIMINARY

    @property
    def conclusion(self) -> str:
        """The conclusion of the last signature, empty before the first."""
        return self.signatures[-1].conclusion if self.signatures else ""


def collect_report(case: Case, weights: Path, version: int | None = None) -> ReportContents:
    """Collect what the report of one version says.

    Args:
        case: the case.
        weights: the folder of the installed networks, for a version that is not signed yet.
        version: the present one unless named.

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
    return _preliminary(collect_snapshot(case, kept, cells_of(case, kept), weights), signed)


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


def most_suspicious(snapshot: CaseSnapshot) -> tuple[CellSnapshot, ...]:
    """Return the first counted cells: blasts of the reviewer, then in the models' order."""
    counted = [cell for cell in snapshot.cells if cell.counted]
    ordered = sorted(counted, key=lambda cell: cell.label != BLAST)
    return tuple(ordered[:MOST_SUSPICIOUS])


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
    )


def _preliminary(snapshot: CaseSnapshot, signed: Sequence[Signature]) -> ReportContents:
    return ReportContents(
        snapshot=snapshot,
        status=ReportStatus.PRELIMINARY,
        sha256=digest(snapshot.serialize()),
        signatures=_lines(signed, [verify(one) for one in signed]),
        agreement=None,
        made_at=utc_now(),
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
        )
        for signature, contents in zip(signed, verified, strict=True)
    )
