"""How far cases are: worked out of their reviews, signatures and amendments, never kept."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import InstrumentedAttribute

from records.cases.reviews import Review
from records.cases.signatures import FIRST_VERSION, Amendment, Signature


class CaseState(StrEnum):
    """How far a case is.

    A case is first signed between the signatures of two readers, and amending once a signed one
    was opened again.
    """

    OPEN = "open"
    IN_REVIEW = "in review"
    FIRST_SIGNED = "first signed"
    SIGNED = "signed"
    AMENDING = "amending"


def case_state(case_id: ColumnElement[str] | InstrumentedAttribute[str]) -> ColumnElement[str]:
    """Return the expression by which a query works out a case's state."""
    newest = func.max(Amendment.version)
    version = select(func.coalesce(newest, FIRST_VERSION)).where(Amendment.case_id == case_id)
    version = version.correlate_except(Amendment).scalar_subquery()
    signed = select(Signature.id).where(Signature.case_id == case_id, Signature.version == version)
    signed = signed.correlate_except(Signature, Amendment)
    reviewed = select(Review.id).where(Review.case_id == case_id).correlate_except(Review)
    return case(
        (signed.where(Signature.final).exists(), CaseState.SIGNED),
        (signed.exists(), CaseState.FIRST_SIGNED),
        (version > FIRST_VERSION, CaseState.AMENDING),
        (reviewed.exists(), CaseState.IN_REVIEW),
        else_=CaseState.OPEN,
    )
