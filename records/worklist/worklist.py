"""The worklist of a team: its cases, narrowed, in order, with counts that SQL adds up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Select, and_, func, literal, or_, select
from sqlalchemy import case as either
from sqlalchemy.orm import aliased, joinedload

from core.folding import fold
from records import db, pagination
from records.accounts.accounts import Account
from records.analyses.analyses import Analysis, AnalysisKind
from records.cases.blinding import visible
from records.cases.cases import STATE, Case, Priority, listed_for
from records.cases.reviews import Review
from records.cases.signatures import Amendment, Signature
from records.cases.states import CaseState
from records.pagination import Page, Place
from records.slides.slides import Slide
from records.worklist.summaries import AnalysisSummary, SignedCounts


class View(StrEnum):
    """Which part of a team's cases a person looks at; only one shows what is archived."""

    ALL = "all"
    MINE = "mine"
    TO_REVIEW = "to-review"
    TO_CO_SIGN = "to-co-sign"
    AMENDED = "amended"
    ARCHIVED = "archived"


class Order(StrEnum):
    """In which order cases are listed."""

    URGENT = "urgent"
    NEWEST = "newest"
    OLDEST = "oldest"
    PSEUDONYM = "pseudonym"
    ASSIGNEE = "assignee"


@dataclass(frozen=True)
class Filters:
    """What to look for; None does not restrict.

    `text` is part of the pseudonym, accession, notes or name of a file, whatever its case.
    `account_id` is who looks. `since` is included, `before` is not.
    """

    view: View = View.ALL
    account_id: str | None = None
    text: str | None = None
    state: CaseState | None = None
    specimen: str | None = None
    since: datetime | None = None
    before: datetime | None = None
    order: Order = Order.NEWEST


@dataclass(frozen=True)
class Counts:
    """What a case holds: images, cells reviewed of all, and the models' blasts."""

    fields: int = 0
    cell_images: int = 0
    cells: int = 0
    reviewed: int = 0
    white_cells: int = 0
    blasts: int = 0


UNFINISHED = (
    *(CaseState.OPEN, CaseState.IN_REVIEW, CaseState.FIRST_SIGNED),
    *(CaseState.ADJUDICATING, CaseState.AMENDING),
)
UNSIGNED = (CaseState.OPEN, CaseState.IN_REVIEW, CaseState.AMENDING)
RANKS = {priority: rank for rank, priority in enumerate(Priority)}

_NEWEST = Case.created_at.desc(), Case.id
_ORDERS = {
    Order.URGENT: (either(RANKS, value=Case.priority, else_=0).desc(), Case.created_at, Case.id),
    Order.NEWEST: _NEWEST,
    Order.OLDEST: (Case.created_at, Case.id),
    Order.PSEUDONYM: (Case.folded, *_NEWEST),
    Order.ASSIGNEE: (Account.name_key.is_(None), Account.name_key, *_NEWEST),
}


def page_of(team_id: str, filters: Filters, number: int, size: int) -> Page[Case]:
    """Return one page of the team's cases with their people.

    A number out of range gives the nearest page.
    """
    wanted = _filtered(select(Case).where(Case.team_id == team_id), filters)
    if filters.order is Order.ASSIGNEE:
        wanted = wanted.outerjoin(Account, Account.id == Case.assignee_id)
    people = joinedload(Case.owner), joinedload(Case.assignee)
    return pagination.page_of(
        wanted.options(*people).order_by(*_ORDERS[filters.order]), number, size
    )


def behind(team_id: str, filters: Filters, place: Place | None, size: int) -> list[Case]:
    """Return so many of the team's cases behind a place, newest first, with their people."""
    wanted = _filtered(select(Case).where(Case.team_id == team_id), filters)
    people = joinedload(Case.owner), joinedload(Case.assignee)
    return pagination.newest_behind(wanted.options(*people), Case.created_at, Case.id, place, size)


def sizes_of(team_id: str, account_id: str) -> dict[View, int]:
    """Count the team's cases in every view of a person."""
    shown = Case.team_id == team_id, listed_for(account_id)
    counted = select(func.count()).select_from(Case).where(*shown)
    views = {view: counted.where(_in_view(view, account_id)) for view in View}
    return {view: db.session.scalar(wanted) or 0 for view, wanted in views.items()}


def counts_of(case_ids: Iterable[str], account_id: str | None = None) -> dict[str, Counts]:
    """Add up what each of these cases holds, by its id, with the reviews that a person sees."""
    ids = list(case_ids)
    reviewed = _reviewed(ids, account_id)
    counted = {}
    for case_id, fields, images, cells, white, blasts in db.session.execute(_added_up(ids)):
        seen, beyond = reviewed.get(case_id, (0, 0))
        counted[case_id] = Counts(fields, images, cells + beyond, seen, white, blasts)
    return {case_id: counted.get(case_id, Counts()) for case_id in ids}


def signed_counts(case_ids: Iterable[str]) -> Mapping[str, SignedCounts]:
    """Return what was signed last in each of these cases, by its id."""
    signed = select(Signature.case_id, SignedCounts).join(
        SignedCounts, SignedCounts.signature_id == Signature.id
    )
    wanted = signed.where(Signature.case_id.in_(list(case_ids)), Signature.final)
    return dict(db.session.execute(wanted.order_by(Signature.id)).tuples().all())


def _filtered(wanted: Select[tuple[Case]], filters: Filters) -> Select[tuple[Case]]:
    wanted = wanted.where(listed_for(filters.account_id))
    wanted = wanted.where(_in_view(filters.view, filters.account_id))
    if filters.text:
        wanted = wanted.where(_named(fold(filters.text)))
    if filters.state:
        wanted = wanted.where(STATE.in_([filters.state]))
    if filters.specimen:
        wanted = wanted.where(Case.specimen == filters.specimen)
    return pagination.between(wanted, Case.created_at, filters.since, filters.before)


def _in_view(view: View, account_id: str | None) -> ColumnElement[bool]:
    """Return whether a case is in a view.

    What few cases have comes first: the state of each is worked out of several tables.
    """
    shown = Case.archived_at.is_(None)
    if view is View.ARCHIVED:
        return Case.archived_at.is_not(None)
    if view is View.MINE:
        return and_(shown, Case.assignee_id == account_id, STATE.in_(UNFINISHED))
    if view is View.TO_REVIEW:
        finally_signed = select(Signature.case_id).where(Signature.final)
        perhaps = or_(Case.id.not_in(finally_signed), Case.id.in_(_amended()))
        return and_(shown, perhaps, STATE.in_(UNSIGNED))
    if view is View.TO_CO_SIGN:
        once = select(Signature.case_id).where(~Signature.final)
        by_somebody_else = (STATE == CaseState.FIRST_SIGNED) & ~_signed_last_by(account_id)
        waiting = or_(by_somebody_else, STATE == CaseState.ADJUDICATING)
        return and_(shown, Case.id.in_(once), waiting)
    return and_(shown, Case.id.in_(_amended())) if view is View.AMENDED else shown


def _amended() -> Select[tuple[str]]:
    return select(Amendment.case_id)


def _signed_last_by(account_id: str | None) -> ColumnElement[bool]:
    """Return whether a person gave the newest signature of a case."""
    of_case = aliased(Signature)
    newest = select(func.max(of_case.id)).where(of_case.case_id == Case.id).correlate(Case)
    own = select(Signature.id).where(Signature.id == newest.scalar_subquery())
    return own.where(Signature.reader_id == account_id).correlate(Case).exists()


def _named(folded: str) -> ColumnElement[bool]:
    """Return whether a case or one of its files has this in its text."""
    files = select(AnalysisSummary.analysis_id).where(
        AnalysisSummary.folded_name.contains(folded, autoescape=True)
    )
    of_files = select(Analysis.case_id).where(Analysis.id.in_(files), Analysis.case_id.is_not(None))
    of_slides = select(Slide.case_id).where(
        Slide.folded_name.contains(folded, autoescape=True), Slide.case_id.is_not(None)
    )
    return or_(
        Case.folded.contains(folded, autoescape=True),
        Case.id.in_(of_files),
        Case.id.in_(of_slides),
    )


def _added_up(case_ids: list[str]) -> Select[tuple[str | None, int, int, int, int, int]]:
    is_field = Analysis.kind == AnalysisKind.DETECTION
    sums = (
        func.coalesce(func.sum(column), 0)
        for column in (AnalysisSummary.cells, AnalysisSummary.white_cells, AnalysisSummary.blasts)
    )
    counted = select(
        Analysis.case_id,
        func.count(either((is_field, 1))),
        func.count(either((~is_field, 1))),
        *sums,
    )
    joined = counted.outerjoin(AnalysisSummary, AnalysisSummary.analysis_id == Analysis.id)
    return joined.where(Analysis.case_id.in_(case_ids)).group_by(Analysis.case_id)


def _reviewed(case_ids: list[str], account_id: str | None) -> dict[str, tuple[int, int]]:
    """Count the cells of each case with a standing review, and those that models do not count."""
    again = aliased(Review)
    undone = select(again.id).where(again.undoes == Review.id).exists()
    standing = select(Review.case_id, Review.analysis_id, Review.cell).distinct()
    standing = standing.where(Review.case_id.in_(case_ids), Review.undoes.is_(None), ~undone)
    standing = standing.where(visible(Review, Review.reviewer_id, account_id))
    cells = standing.subquery()
    listed = AnalysisSummary.candidates.contains(literal(",") + cells.c.cell + literal(","))
    beyond = or_(cells.c.cell.startswith("d"), listed)
    counted = select(cells.c.case_id, func.count(), func.count(either((beyond, 1))))
    joined = counted.outerjoin(AnalysisSummary, AnalysisSummary.analysis_id == cells.c.analysis_id)
    rows = db.session.execute(joined.group_by(cells.c.case_id)).tuples()
    return {case_id: (seen, more) for case_id, seen, more in rows}
