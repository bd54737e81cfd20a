"""Blind review: what a person sees of a case that two people read independently."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from records import db
from records.cases.cases import Case
from records.cases.on_cell import OnCell, Sight
from records.cases.signatures import Amendment, Signature, SignatureRole, present_version

CaseId = ColumnElement[str] | InstrumentedAttribute[str]


def under_way(case_id: CaseId) -> ColumnElement[bool]:
    """Return whether a case is read blind, and its second reviewer has not signed yet."""
    signed = select(Signature.id).where(
        Signature.case_id == case_id,
        Signature.version == present_version(case_id),
        or_(Signature.final, Signature.role == SignatureRole.SECOND),
    )
    blind = select(Case.id).where(Case.id == case_id, Case.blind)
    return blind.correlate_except(Case).exists() & ~signed.correlate_except(Signature).exists()


def opened_at(case_id: CaseId) -> ColumnElement[datetime]:
    """Return when the present version of a case was opened, NULL for the first."""
    newest = select(func.max(Amendment.at)).where(Amendment.case_id == case_id)
    return newest.correlate_except(Amendment).scalar_subquery()


def sight_of(case: Case, account_id: str | None) -> Sight | None:
    """Return what a person sees of a case; None for everything."""
    if not case.blind:
        return None
    one = select(Case.id, opened_at(Case.id)).where(Case.id == case.id, under_way(Case.id))
    row = db.session.execute(one).first()
    return Sight(account_id, row[1]) if row else None


def visible(
    row: type[OnCell], person: InstrumentedAttribute[str], account_id: str | None
) -> ColumnElement[bool]:
    """Return the condition for rows of any case that a person may see: as `sight_of` says."""
    return or_(person == account_id, ~under_way(row.case_id), row.at < opened_at(row.case_id))
