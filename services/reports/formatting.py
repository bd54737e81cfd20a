"""Sentences and names of reports, on pages as well."""

from __future__ import annotations

from models.findings import Verdict
from records.cases.signatures import SignatureRole
from services.cases.snapshot import CaseSnapshot, ImageSnapshot, ModelUsed
from services.formatting import QUALITY_TITLES, format_datetime
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
QUALITIES = {
    Verdict.DOUBTFUL: "Image {} is doubtful ({}): its counts may be unreliable.",
    Verdict.NOT_READABLE: "Image {} is not readable ({}): nothing was counted in it.",
}
OVERRIDDEN = (
    "Image {} failed the quality check ({}) and was counted at a person’s request: its counts may "
    "be unreliable."
)


def format_warnings(snapshot: CaseSnapshot) -> list[str]:
    """Say what is wrong with the counts, a sentence each."""
    return [*format_duplicates(snapshot), *format_qualities(snapshot)]


def format_duplicates(snapshot: CaseSnapshot) -> list[str]:
    """Say which images count twice."""
    return [DUPLICATE.format(number) for number in snapshot.duplicates]


def format_qualities(snapshot: CaseSnapshot) -> list[str]:
    """Say which images are doubtful or not readable."""
    return [*filter(None, (_format_quality(image) for image in snapshot.images))]


def _format_quality(image: ImageSnapshot) -> str:
    """Say what is wrong with an image; empty where nothing is, or was not asked."""
    if image.quality is None or image.quality.verdict == Verdict.READABLE:
        return ""
    sentence = QUALITIES[image.quality.verdict]
    if image.quality.overridden:
        sentence = OVERRIDDEN
    names = (QUALITY_TITLES[reason].lower() for reason in image.quality.reasons)
    return sentence.format(image.number, ", ".join(names))


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
