"""Sentences and names of reports, on pages as well."""

from __future__ import annotations

from records.cases.signatures import SignatureRole
from services.cases.snapshot import CaseSnapshot, ModelUsed
from services.formatting import format_datetime
from services.reports.contents import LaterVersion, ReportStatus

STATUS_NAMES = {
    ReportStatus.PRELIMINARY: "Not signed",
    ReportStatus.FINAL: "Signed",
    ReportStatus.AMENDED: "Signed, amended",
}
SIGNER_NAMES = {
    SignatureRole.FIRST: "Reviewer",
    SignatureRole.SECOND: "Second reviewer, agreed",
    SignatureRole.ADJUDICATOR: "Second reviewer, resolved differences",
}
"""Who signed, by role of the signature."""

DUPLICATE = "Image {} duplicates an earlier one, so its cells count twice."


def format_warnings(snapshot: CaseSnapshot) -> list[str]:
    """Say what is wrong with the counts, a sentence each."""
    return [DUPLICATE.format(number) for number in snapshot.duplicates]


def format_model(used: ModelUsed) -> str:
    """Name a network, with its architecture where that is known."""
    return f"{used.model} ({used.architecture})" if used.architecture else used.model


def format_later_version(later: LaterVersion | None) -> str:
    """Say that a case was opened again after a version; empty where it was not."""
    if later is None:
        return ""
    if later.signed:
        return f"Superseded by version {later.version}."
    since = format_datetime(later.since)
    return f"Being amended since {since} (version {later.version}, not signed yet)."
