"""What people add to a cell beside its class: comments, and corrections of its form."""

from __future__ import annotations

from dataclasses import dataclass

from core.ids import is_id
from core.morphology import ATTRIBUTES
from core.taxonomy import REVIEWED
from records import exclusive_transaction
from records.analyses import analyses
from records.analyses.analyses import AnalysisKind
from records.audit.audit import Event
from records.cases import attribute_reviews, comments, on_cell
from records.cases.attribute_reviews import AttributeReview
from records.cases.blinding import sight_of
from records.cases.cases import Case
from records.cases.comments import CellComment
from records.cases.on_cell import Row
from services.analyses.findings import cell_finding, field_findings, most_suspicious_first
from services.audit.audit import note
from services.cases.cases import about_case
from services.cases.review import (
    NOT_A_KEY,
    TAKEN_KEY,
    UNKNOWN_CELL,
    ReviewError,
    check_open,
    holds_cell,
)
from services.language import lazy_gettext

LONGEST_COMMENT = 500
"""Characters."""

EMPTY_COMMENT = lazy_gettext("Write a comment first.")
LONG_COMMENT = lazy_gettext(
    "A comment has at most %(longest_comment)s characters.", longest_comment=LONGEST_COMMENT
)
UNKNOWN_ATTRIBUTE = lazy_gettext("A cell has no such attribute.")


@dataclass(frozen=True)
class Attribute:
    """One attribute of a cell's form.

    Attributes:
        name: One of `core.morphology.ATTRIBUTES`.
        found: What the classifier read; None where it told nothing.
        probability: Of that value, in 0..1; None where it was not kept.
        review: The last word of a person on it, if any.
    """

    name: str
    found: str | None
    probability: float | None
    review: AttributeReview | None

    @property
    def value(self) -> str | None:
        """What it is taken for now."""
        return self.review.value if self.review else self.found


def comment(case: Case, author_id: str, cell_id: str, key: str, text: str) -> CellComment:
    """Keep a comment on a cell, once for each key.

    Raises `LockedError` for a signed case, `ReviewError` for an unknown cell or a text that is
    empty or too long.
    """
    text = text.strip()
    if not text:
        raise ReviewError(EMPTY_COMMENT)
    if len(text) > LONGEST_COMMENT:
        raise ReviewError(LONG_COMMENT)
    with exclusive_transaction():
        kept = _kept(CellComment, case, key, author_id=author_id)
        if kept:
            return kept
        place = _open_cell(case, cell_id, author_id)
        added = CellComment(key=key, text=text, author_id=author_id, **place)
        on_cell.add(added)
        # The text may identify the patient: only the comment holds it.
        note(Event.CELL_COMMENT, about_case(case), cell=cell_id)
    return added


def correct(
    case: Case, reviewer_id: str, cell_id: str, key: str, attribute: str, value: str
) -> AttributeReview:
    """Keep what a person says of an attribute of a cell, once for each key.

    Raises `LockedError` for a signed case, `ReviewError` for an unknown cell, attribute or value.
    """
    if value not in ATTRIBUTES.get(attribute, ()):
        raise ReviewError(UNKNOWN_ATTRIBUTE)
    with exclusive_transaction():
        kept = _kept(AttributeReview, case, key, reviewer_id=reviewer_id)
        if kept:
            return kept
        place = _open_cell(case, cell_id, reviewer_id)
        form = form_of(case, cell_id, reviewer_id)
        before = next(one.value for one in form if one.name == attribute)
        added = AttributeReview(
            key=key,
            attribute=attribute,
            value_before=before,
            value=value,
            reviewer_id=reviewer_id,
            **place,
        )
        on_cell.add(added)
        # While a case is read blind, the trail must not say what only the row may.
        change = {"attribute": attribute} if case.blind else {attribute: [before, value]}
        note(Event.MORPHOLOGY, about_case(case), cell=cell_id, **change)
    return added


def form_of(case: Case, cell_id: str, account_id: str | None = None) -> list[Attribute]:
    """Return all attributes of a cell's form, as read and as reviewed, for a person."""
    analysis_id, _, cell = cell_id.partition(".")
    words, probabilities = _found(case, analysis_id, cell)
    last = {one.attribute: one for one in corrections_of(case, cell_id, account_id)}
    return [
        Attribute(name, words.get(name), probabilities.get(name), last.get(name))
        for name in ATTRIBUTES
    ]


def comments_on(case: Case, cell_id: str, account_id: str | None = None) -> list[CellComment]:
    """Return all comments on a cell that a person sees, oldest first."""
    return comments.of_cell(case.id, cell_id, sight_of(case, account_id))


def comment_counts(case: Case, account_id: str | None = None) -> dict[str, int]:
    """Count the comments that a person sees on each cell of a case that has any, by its id."""
    return comments.counts_of(case.id, sight_of(case, account_id))


def corrections_of(
    case: Case, cell_id: str, account_id: str | None = None
) -> list[AttributeReview]:
    """Return all reviews of a cell's form that a person sees, oldest first."""
    return attribute_reviews.of_cell(case.id, cell_id, sight_of(case, account_id))


def _found(case: Case, analysis_id: str, cell: str) -> tuple[dict[str, str], dict[str, float]]:
    analysis = next(iter(analyses.of_case(case.id, {analysis_id})), None)
    if analysis is None or not cell.isdecimal():
        return {}, {}
    if analysis.kind == AnalysisKind.CLASSIFICATION:
        finding = cell_finding(analysis)
        return finding.morphology, finding.morphology_probabilities
    white = most_suspicious_first(field_findings(analysis, REVIEWED))
    found = next((one.found for one in white if one.number == int(cell)), None)
    return (found.morphology, found.morphology_probabilities) if found else ({}, {})


def _kept(table: type[Row], case: Case, key: str, **person: str) -> Row | None:
    """Return what was kept under a key before: nothing, or this person's own on this case."""
    if not is_id(key):
        raise ReviewError(NOT_A_KEY)
    row = on_cell.with_key(table, key)
    mine = {"case_id": case.id, **person}
    if row and any(getattr(row, name) != value for name, value in mine.items()):
        raise ReviewError(TAKEN_KEY)
    return row


def _open_cell(case: Case, cell_id: str, account_id: str) -> dict[str, str]:
    """Return where a cell is, as the columns of `OnCell`, in a case that is open to a person."""
    check_open(case, account_id)
    if not holds_cell(case, cell_id, account_id):
        raise ReviewError(UNKNOWN_CELL)
    analysis_id, _, cell = cell_id.partition(".")
    return {"case_id": case.id, "analysis_id": analysis_id, "cell": cell}
