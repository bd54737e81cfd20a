"""How far cases are: worked out of their reviews, signatures and amendments, never kept."""

from __future__ import annotations

from sqlalchemy import ColumnElement, case, func, select

from records.cases.reviews import Review
from records.cases.signatures import FIRST_VERSION, Amendment, Signature

OPEN, IN_REVIEW, FIRST_SIGNED, SIGNED, AMENDING = STATES = (
    *("open", "in review", "first signed"),
    *("signed", "amending"),
)
"""A case is "first signed" between the signatures of two readers, and "amending" once a signed one
was opened again."""


def state_of(case_id: ColumnElement[str]) -> ColumnElement[str]:
    """The state of the case of this id, as a query works it out."""
    newest = func.max(Amendment.version)
    version = select(func.coalesce(newest, FIRST_VERSION)).where(Amendment.case_id == case_id)
    version = version.correlate_except(Amendment).scalar_subquery()
    signed = select(Signature.id).where(Signature.case_id == case_id, Signature.version == version)
    signed = signed.correlate_except(Signature, Amendment)
    reviewed = select(Review.id).where(Review.case_id == case_id).correlate_except(Review)
    return case(
        (signed.where(Signature.final).exists(), SIGNED),
        (signed.exists(), FIRST_SIGNED),
        (version > FIRST_VERSION, AMENDING),
        (reviewed.exists(), IN_REVIEW),
        else_=OPEN,
    )
