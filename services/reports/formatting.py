"""Sentences and names of reports, on pages as well."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from models.findings import Namer, Verdict
from records.cases.signatures import SignatureRole
from services.cases.review import LeftOut
from services.cases.snapshot import CaseSnapshot, ImageSnapshot, ModelUsed
from services.formatting import NAMERS, QUALITY_TITLES, format_not_validated
from services.laboratory.letterhead import ReferenceRange
from services.language import (
    format_datetime,
    gettext,
    join,
    lazy_gettext,
    localize,
    lower_first,
    ngettext,
)
from services.reports.contents import LaterVersion, ReportStatus

STATUS_NAMES = {
    ReportStatus.PRELIMINARY: lazy_gettext("Not signed"),
    ReportStatus.FINAL: lazy_gettext("Signed"),
    ReportStatus.AMENDED: lazy_gettext("Signed, amended"),
}
SIGNER_NAMES = {
    SignatureRole.FIRST: lazy_gettext("Reviewer"),
    SignatureRole.SECOND: lazy_gettext("Second reviewer, agreed"),
    SignatureRole.ADJUDICATOR: lazy_gettext("Second reviewer, resolved differences"),
}
"""Who signed, by role of the signature."""

BLIND_SIGNER_NAMES = {
    SignatureRole.FIRST: lazy_gettext("First reviewer"),
    SignatureRole.SECOND: lazy_gettext("Second reviewer"),
    SignatureRole.ADJUDICATOR: lazy_gettext("Adjudicator"),
}
"""The same where two read blind and differed."""

SAW = {
    False: lazy_gettext("The second reviewer saw the classes of the first."),
    True: lazy_gettext("Each classified without seeing the other’s classes."),
}
"""What two reviewers knew of each other, by whether they read blind."""

DUPLICATE = lazy_gettext("Image {} duplicates an earlier one, so its cells count twice.")
QUALITIES = {
    Verdict.DOUBTFUL: lazy_gettext("Image {} is doubtful ({}): its counts may be unreliable."),
    Verdict.NOT_READABLE: lazy_gettext("Image {} is not readable ({}): nothing was counted in it."),
}
OVERRIDDEN = lazy_gettext(
    "Image {} failed the quality check ({}) and was counted at a person’s request: its counts may "
    "be unreliable."
)


class Signer(Protocol):
    """Whatever says as what somebody signed, and whether that completed the version."""

    @property
    def role(self) -> SignatureRole:
        """As what."""
        ...

    @property
    def final(self) -> bool:
        """Whether it completed the version."""
        ...


def signer_name(role: SignatureRole, signed: Iterable[Signer]) -> str:
    """Say as what somebody signed, of all the signatures of a version."""
    differed = any(one.role == SignatureRole.SECOND and not one.final for one in signed)
    return (BLIND_SIGNER_NAMES if differed else SIGNER_NAMES)[role]


def format_warnings(snapshot: CaseSnapshot) -> list[str]:
    """Say what is wrong with the counts, a sentence each."""
    warnings = (
        format_specimen(snapshot),
        *format_duplicates(snapshot),
        *format_qualities(snapshot),
        format_left_out(snapshot.left_out),
    )
    return [*filter(None, warnings)]


def format_so_far(snapshot: CaseSnapshot) -> str:
    """Say how many blasts people found in the cells that they have reviewed."""
    share = snapshot.by_reviewers.blasts
    blasts = ngettext("%(num)s blast", "%(num)s blasts", share.blasts)
    return gettext(
        "Reviewed so far: %(blasts)s of %(white_cells)s white cells",
        blasts=blasts,
        white_cells=share.white_cells,
    )


def format_left_out(left_out: Mapping[LeftOut, int]) -> str:
    """Say which cells are no part of the counts; empty where all are."""
    edge, single = left_out.get(LeftOut.EDGE, 0), left_out.get(LeftOut.SINGLE, 0)
    said = []
    if edge:
        said.append(ngettext("%(num)s cell cut by the edge", "%(num)s cells cut by the edge", edge))
    if single:
        said.append(ngettext("%(num)s single cell image", "%(num)s single cell images", single))
    return gettext("Not counted: %(listed)s.", listed=join(said)) if said else ""


def format_specimen(snapshot: CaseSnapshot) -> str:
    """Say that models were not validated for such a specimen; empty where they were."""
    return format_not_validated(snapshot.specimen.kind, snapshot.not_validated)


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
    names = (lower_first(QUALITY_TITLES[reason]) for reason in image.quality.reasons)
    return sentence.format(image.number, join(names))


def format_model(used: ModelUsed) -> str:
    """Name a network, with its architecture where that is known."""
    name = lower_first(NAMERS[Namer(used.model)])
    return f"{name} ({used.architecture})" if used.architecture else name


def format_range(usual: ReferenceRange) -> str:
    """Write a reference range, as "20–40", "≤ 2" or "0", without its unit."""
    low, high = localize(format_bound(usual.low)), localize(format_bound(usual.high))
    if low and high:
        return low if low == high else f"{low}–{high}"
    return f"≥ {low}" if low else f"≤ {high}" if high else ""


def format_bound(bound: float | None) -> str:
    """Write a percentage without its unit, as forms take it; empty for no bound."""
    return "" if bound is None else f"{bound:g}"


def format_later_version(later: LaterVersion | None) -> str:
    """Say that a case was opened again after a version; empty where it was not."""
    if later is None:
        return ""
    if later.signed:
        return gettext("Superseded by version %(version)s.", version=later.version)
    since = format_datetime(later.since)
    return gettext(
        "Being amended since %(since)s (version %(version)s, not signed yet).",
        since=since,
        version=later.version,
    )
