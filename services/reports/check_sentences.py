"""Sentences on the checks of a case, in reports and on pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from services.cases.checks import Check, CheckCode, CheckStatus, DateIssue
from services.cases.snapshot import CaseSnapshot
from services.formatting import SPECIMEN_NAMES
from services.language import gettext, lazy_gettext, lower_first, ngettext, per_cent
from services.reports.formatting import format_duplicates, format_qualities, format_specimen

MOST_NAMED = 12
"""Cells or images that a sentence names."""

CHECK_NAMES = {
    CheckCode.REVIEW: lazy_gettext("Review"),
    CheckCode.IMAGES: lazy_gettext("Images"),
    CheckCode.DATES: lazy_gettext("Dates"),
    CheckCode.WHITE_CELLS: lazy_gettext("White cells"),
    CheckCode.BLASTS: lazy_gettext("Blasts"),
    CheckCode.UNCLASSIFIED: lazy_gettext("Unclassified cells"),
    CheckCode.DISAGREEMENTS: lazy_gettext("Disagreements"),
    CheckCode.SPECIMEN: lazy_gettext("Intended use"),
    CheckCode.DUPLICATES: lazy_gettext("Duplicates"),
    CheckCode.PSEUDONYM: lazy_gettext("Pseudonym"),
}
"""By what is checked."""

DATE_SENTENCES = {
    DateIssue.IN_FUTURE: lazy_gettext("The date of collection is in the future."),
    DateIssue.TOO_OLD: lazy_gettext("The date of collection is before 1900."),
    DateIssue.AFTER_IMAGE: lazy_gettext("The date of collection is after the first image arrived."),
}
PASSED = {
    CheckCode.REVIEW: lazy_gettext("Every suspicious or unclassified cell is reviewed."),
    CheckCode.IMAGES: lazy_gettext("Every image is readable."),
    CheckCode.DATES: lazy_gettext("The dates are possible."),
    CheckCode.SPECIMEN: lazy_gettext("The models are validated for this specimen."),
    CheckCode.DUPLICATES: lazy_gettext("No image counts twice."),
    CheckCode.PSEUDONYM: lazy_gettext("No other open case has this pseudonym."),
}
"""What is said of a check in which nothing was found; of others the numbers are."""


def format_check(check: Check, snapshot: CaseSnapshot) -> str:
    """Say what a check found, in a sentence or two."""
    if check.status == CheckStatus.OK and check.code in PASSED:
        return str(PASSED[check.code])
    return _SENTENCES[check.code](check, snapshot)


def _review(check: Check, _snapshot: CaseSnapshot) -> str:
    return ngettext("%(num)s cell needs review.", "%(num)s cells need review.", check.count)


def _images(check: Check, snapshot: CaseSnapshot) -> str:
    if check.status != CheckStatus.BLOCKING:
        return " ".join(format_qualities(snapshot))
    return ngettext(
        "White cells count in image %(which)s, not readable. Name them “not a cell”.",
        "White cells count in images %(which)s, not readable. Name them “not a cell”.",
        check.count,
        which=_listed(check.items),
    )


def _listed(items: Sequence[str]) -> str:
    more = len(items) - MOST_NAMED
    named = ", ".join(items[:MOST_NAMED])
    if more > 0:
        return gettext("%(named)s and %(more)s more", named=named, more=more)
    return named


def _dates(check: Check, _snapshot: CaseSnapshot) -> str:
    return " ".join(str(DATE_SENTENCES[DateIssue(issue)]) for issue in check.items)


def _white_cells(check: Check, snapshot: CaseSnapshot) -> str:
    if check.status == CheckStatus.BLOCKING:
        return gettext("There is no white cell. Add a field, or draw the cells that were missed.")
    kind = lower_first(SPECIMEN_NAMES[snapshot.specimen.kind])
    of = gettext("%(kind)s in leukopenia", kind=kind) if snapshot.specimen.leukopenia else kind
    return ngettext(
        "%(num)s white cell reviewed; %(of)s needs at least %(limit)s.",
        "%(num)s white cells reviewed; %(of)s needs at least %(limit)s.",
        check.count,
        of=of,
        limit=check.limit,
    )


def _blasts(check: Check, _snapshot: CaseSnapshot) -> str:
    if not check.total:
        return gettext("No cell was proposed or named as a blast.")
    if check.status == CheckStatus.BLOCKING:
        return gettext(
            "%(count)s of %(total)s blasts, proposed or named, not seen yet.",
            count=check.count,
            total=check.total,
        )
    if check.count:
        return gettext(
            "%(count)s of %(total)s blasts, proposed or named, were decided in bulk.",
            count=check.count,
            total=check.total,
        )
    return gettext(
        "Every blast, proposed or named, was seen singly (%(total)s).", total=check.total
    )


def _unclassified(check: Check, _snapshot: CaseSnapshot) -> str:
    most = per_cent(f"{100 * (check.limit or 0):g}")
    return gettext(
        "%(count)s of %(total)s white cells unclassified; at most %(most)s should be.",
        count=check.count,
        total=check.total,
        most=most,
    )


def _disagreements(check: Check, _snapshot: CaseSnapshot) -> str:
    if not check.total:
        return gettext("Models and reviewer agree on every blast.")
    if not check.count:
        return gettext("Every disagreement on blasts is resolved (%(total)s).", total=check.total)
    return ngettext(
        "%(num)s of %(total)s disagreements on blasts not resolved: cell %(which)s.",
        "%(num)s of %(total)s disagreements on blasts not resolved: cells %(which)s.",
        check.count,
        total=check.total,
        which=_listed(check.items),
    )


def _specimen(_check: Check, snapshot: CaseSnapshot) -> str:
    return format_specimen(snapshot)


def _duplicates(_check: Check, snapshot: CaseSnapshot) -> str:
    return " ".join(format_duplicates(snapshot))


def _pseudonym(check: Check, _snapshot: CaseSnapshot) -> str:
    return ngettext(
        "Another open case has the same pseudonym.",
        "%(num)s other open cases have the same pseudonym.",
        check.count,
    )


_SENTENCES: dict[CheckCode, Callable[[Check, CaseSnapshot], str]] = {
    CheckCode.REVIEW: _review,
    CheckCode.IMAGES: _images,
    CheckCode.DATES: _dates,
    CheckCode.WHITE_CELLS: _white_cells,
    CheckCode.BLASTS: _blasts,
    CheckCode.UNCLASSIFIED: _unclassified,
    CheckCode.DISAGREEMENTS: _disagreements,
    CheckCode.SPECIMEN: _specimen,
    CheckCode.DUPLICATES: _duplicates,
    CheckCode.PSEUDONYM: _pseudonym,
}
