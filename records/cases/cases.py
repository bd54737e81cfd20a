"""Cases: one specimen of one patient, under a pseudonym, to which a team's analyses belong."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Select, String, Text, func, select
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from records import Model, UtcDateTime, db, pagination, utc_now
from records.accounts.accounts import Account, new_id, team_of_owner
from records.cases.states import CaseState, case_state
from records.pagination import Page

BLOOD, MARROW = "blood", "marrow"
SPECIMENS = (BLOOD, MARROW)

PSEUDONYM_LENGTH = 40
STAIN_LENGTH = 40
MAGNIFICATION_LENGTH = 16
NOTES_LENGTH = 4000

NEWEST, OLDEST, PSEUDONYM = "newest", "oldest", "pseudonym"


class Case(Model):
    """One specimen; `owner_id` opened it, for the team in which they were at that time."""

    __tablename__ = "cases"
    __table_args__ = (
        CheckConstraint("specimen IN ('blood', 'marrow')", name="specimen"),
        Index("ix_cases_team_id_created_at", "team_id", "created_at"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    owner_id: Mapped[str] = mapped_column(ForeignKey("accounts.id", ondelete="RESTRICT"))
    team_id: Mapped[str] = mapped_column(
        ForeignKey("teams.id", ondelete="RESTRICT"), default=team_of_owner
    )
    pseudonym: Mapped[str] = mapped_column(String(PSEUDONYM_LENGTH))
    specimen: Mapped[str] = mapped_column(String(8))
    stain: Mapped[str] = mapped_column(String(STAIN_LENGTH), default="")
    magnification: Mapped[str] = mapped_column(String(MAGNIFICATION_LENGTH), default="")
    collected_on: Mapped[date | None] = mapped_column(Date)
    notes: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)

    owner: Mapped[Account] = relationship()


@dataclass(frozen=True)
class Filters:
    """What to look for; None does not restrict. `text` is part of pseudonym or notes; `since` is
    included, `before` is not; `order` is one of NEWEST, OLDEST, PSEUDONYM.
    """

    text: str | None = None
    state: CaseState | None = None
    specimen: str | None = None
    since: datetime | None = None
    before: datetime | None = None
    order: str = NEWEST


_ORDERS = {
    NEWEST: (Case.created_at.desc(), Case.id),
    OLDEST: (Case.created_at, Case.id),
    PSEUDONYM: (func.lower(Case.pseudonym), Case.created_at.desc(), Case.id),
}


def add(case: Case) -> None:
    """Add a case, not yet committed."""
    db.session.add(case)
    db.session.flush()


def get(case_id: str) -> Case:
    """Return the case of this id, whoever's it is: for work that a row of it leads to."""
    return db.session.get_one(Case, case_id)


def find_in_team(team_id: str, case_id: str) -> Case | None:
    """Find the team's case of this id; None for another team's."""
    return db.session.scalar(select(Case).where(Case.id == case_id, Case.team_id == team_id))


def any_of(team_id: str) -> bool:
    """Return whether the team has any case."""
    return db.session.scalar(select(Case.id).filter_by(team_id=team_id).limit(1)) is not None


def unsigned_of(team_id: str) -> list[Case]:
    """Return the team's cases that may still change, newest first."""
    wanted = select(Case).where(Case.team_id == team_id, case_state(Case.id) != CaseState.SIGNED)
    return list(db.session.scalars(wanted.order_by(*_ORDERS[NEWEST])))


def states(case_ids: Iterable[str]) -> dict[str, CaseState]:
    """Return the state of each of these cases, by id."""
    wanted = select(Case.id, case_state(Case.id)).where(Case.id.in_(list(case_ids)))
    rows = db.session.execute(wanted).tuples()
    return {case_id: CaseState(state) for case_id, state in rows}


def page_of(team_id: str, filters: Filters, number: int, size: int) -> Page[Case]:
    """Return one page of the team's cases; a number out of range gives the nearest."""
    wanted = _filtered(select(Case).where(Case.team_id == team_id), filters)
    ordered = wanted.options(joinedload(Case.owner)).order_by(*_ORDERS[filters.order])
    return pagination.page_of(ordered, number, size)


def _filtered(wanted: Select[tuple[Case]], filters: Filters) -> Select[tuple[Case]]:
    if filters.text:
        within = (
            column.icontains(filters.text, autoescape=True)
            for column in (Case.pseudonym, Case.notes)
        )
        wanted = wanted.where(db.or_(*within))
    if filters.state:
        wanted = wanted.where(case_state(Case.id) == filters.state)
    if filters.specimen:
        wanted = wanted.where(Case.specimen == filters.specimen)
    return pagination.between(wanted, Case.created_at, filters.since, filters.before)
