"""How far cases are: worked out of their reviews, signatures and amendments, never kept."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import ColumnElement, case, select
from sqlalchemy.orm import InstrumentedAttribute

from records.cases.reviews import Review
from records.cases.signatures import (
    FIRST_VERSION,
    Amendment,
    Signature,
    SignatureRole,
    present_version,
)


class CaseState(StrEnum):
    """How far a case is.

    A case is first signed between the signatures of two readers, adjudicating once two who read it
    blind have signed and differ, amending once a signed one was opened again, and closed where
    nobody is to sign it.
    """

    OPEN = "open"
    IN_REVIEW = "in review"
    FIRST_SIGNED = "first signed"
    ADJUDICATING = "adjudicating"
    SIGNED = "signed"
    AMENDING = "amending"
    CLOSED = "closed"


def case_state(case_id: ColumnElement[str] | InstrumentedAttribute[str]) -> ColumnElement[str]:
    """Return the expression by which a query works out the state of a case that is not closed."""
    version = present_version(case_id)
    signed = select(Signature.id).where(Signature.case_id == case_id, Signature.version == version)
    signed = signed.correlate_except(Signature, Amendment)
    reviewed = select(Review.id).where(Review.case_id == case_id).correlate_except(Review)
    return case(
        (signed.where(Signature.final).exists(), CaseState.SIGNED),
        (signed.where(Signature.role == SignatureRole.SECOND).exists(), CaseState.ADJUDICATING),
        (signed.exists(), CaseState.FIRST_SIGNED),
        (version > FIRST_VERSION, CaseState.AMENDING),
        (reviewed.exists(), CaseState.IN_REVIEW),
        else_=CaseState.OPEN,
    )
