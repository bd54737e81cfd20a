"""Cases: one specimen of one patient, under a pseudonym, to which a team's analyses belong."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    Date,
    ForeignKey,
    Index,
    String,
    Text,
    and_,
    event,
    false,
    or_,
    select,
    text,
)
from sqlalchemy import case as either
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.coding import BLOOD, MARROW
from core.folding import fold
from records import Model, UtcDateTime, code_type, db, utc_now
from records.accounts.accounts import Account, new_id, team_of_owner
from records.cases.states import CaseState, case_state
from records.engines import by_code_points

SPECIMENS = (BLOOD, MARROW)

PSEUDONYM_LENGTH = 40
ACCESSION_LENGTH = 40
STAIN_LENGTH = 40
MAGNIFICATION_LENGTH = 16
NOTES_LENGTH = 4000


class Priority(StrEnum):
    """How soon a case should be read, least urgent first; FHIR has the same words."""

    ROUTINE = "routine"
    URGENT = "urgent"
    STAT = "stat"


_PRESENT_DEMO = "demo AND archived_at IS NULL"


class Case(Model):
    """One specimen; `owner_id` opened it, for the team in which they were at that time.

    People who read a `blind` one see only their own work until two have signed it. With
    `leave_out_edge`, cells that the edge of a picture cuts are reviewed but not counted. With
    `leukopenia` of the patient, a differential needs fewer cells.

    A `demo` is for practice: only its owner's lists show it, and nobody can sign it. One that its
    owner removed is archived, because what was reviewed in it is kept.

    `assignee_id` is who is to read it. A case is closed where nobody is to sign it, and archived
    where lists show it no more. `folded` is its text as a search compares it, `form_key` names the
    form that made it, so that one sent twice makes one case.
    """

    __tablename__ = "cases"
    __table_args__ = (
        CheckConstraint("specimen IN ('blood', 'marrow')", name="specimen"),
        CheckConstraint("priority IN ('routine', 'urgent', 'stat')", name="priority"),
        Index("ix_cases_team_id_created_at", "team_id", "created_at"),
        Index("ix_cases_team_id_assignee_id", "team_id", "assignee_id"),
        Index("ix_cases_team_id_archived_at", "team_id", "archived_at"),
        Index(
            "ix_cases_one_demo",
            *("owner_id", "team_id"),
            unique=True,
            sqlite_where=text(_PRESENT_DEMO),
            postgresql_where=text(_PRESENT_DEMO),
        ),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    owner_id: Mapped[str] = mapped_column(ForeignKey("accounts.id", ondelete="RESTRICT"))
    team_id: Mapped[str] = mapped_column(
        ForeignKey("teams.id", ondelete="RESTRICT"), default=team_of_owner
    )
    pseudonym: Mapped[str] = mapped_column(String(PSEUDONYM_LENGTH))
    accession: Mapped[str] = mapped_column(String(ACCESSION_LENGTH), default="")
    priority: Mapped[Priority] = mapped_column(code_type(Priority, 8), default=Priority.ROUTINE)
    specimen: Mapped[str] = mapped_column(String(8))
    stain: Mapped[str] = mapped_column(String(STAIN_LENGTH), default="")
    magnification: Mapped[str] = mapped_column(String(MAGNIFICATION_LENGTH), default="")
    collected_on: Mapped[date | None] = mapped_column(Date)
    notes: Mapped[str] = mapped_column(Text, default="")
    leave_out_edge: Mapped[bool] = mapped_column(default=False, server_default=false())
    leukopenia: Mapped[bool] = mapped_column(default=False, server_default=false())
    demo: Mapped[bool] = mapped_column(default=False, server_default=false())
    blind: Mapped[bool] = mapped_column(default=False, server_default=false())
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)

    assignee_id: Mapped[str | None] = mapped_column(ForeignKey("accounts.id", ondelete="RESTRICT"))
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    close_reason: Mapped[str] = mapped_column(Text, default="")
    archived_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    folded: Mapped[str] = mapped_column(by_code_points(Text()), default="")
    form_key: Mapped[str | None] = mapped_column(String(32), unique=True)

    owner: Mapped[Account] = relationship(foreign_keys=owner_id)
    assignee: Mapped[Account | None] = relationship(foreign_keys=assignee_id)


@event.listens_for(Case, "before_insert")
@event.listens_for(Case, "before_update")
def _fold_texts(_mapper: object, _connection: object, case: Case) -> None:
    case.folded = "\n".join(
        fold(text or "") for text in (case.pseudonym, case.accession, case.notes)
    )


STATE: ColumnElement[str] = either(
    (Case.closed_at.is_not(None), CaseState.CLOSED), else_=case_state(Case.id)
)
"""The state of a case in a query."""


def add(case: Case) -> None:
    """Add a case, not yet committed."""
    db.session.add(case)
    db.session.flush()


def get(case_id: str) -> Case:
    """Return the case of this id, whoever's it is: for work that a row of it leads to."""
    return db.session.get_one(Case, case_id)


def find(case_id: str) -> Case | None:
    """Find a case of any team."""
    return db.session.get(Case, case_id)


def find_in_team(team_id: str, case_id: str) -> Case | None:
    """Find the team's case of this id; None for another team's."""
    return db.session.scalar(select(Case).where(Case.id == case_id, Case.team_id == team_id))


def of_team(team_id: str, case_ids: Iterable[str]) -> list[Case]:
    """Return the team's cases of these ids, in alphabetical order."""
    wanted = select(Case).where(Case.team_id == team_id, Case.id.in_(list(case_ids)))
    return list(db.session.scalars(wanted.order_by(Case.folded, Case.id)))


def newest_named(team_id: str, pseudonym: str) -> Case | None:
    """Find the team's newest case of a pseudonym, whatever its case of letters; without demos."""
    wanted = select(Case).where(
        Case.team_id == team_id,
        ~Case.demo,
        Case.folded.startswith(fold(pseudonym) + "\n", autoescape=True),
    )
    return db.session.scalar(wanted.order_by(Case.created_at.desc(), Case.id).limit(1))


def made_by_form(owner_id: str, form_key: str) -> Case | None:
    """Find the case that a form of its owner made."""
    return db.session.scalar(select(Case).filter_by(owner_id=owner_id, form_key=form_key))


def listed_for(account_id: str | None) -> ColumnElement[bool]:
    """Return whether a person's lists may show a case: a demo only to its owner, until removed."""
    return or_(~Case.demo, and_(Case.owner_id == account_id, Case.archived_at.is_(None)))


def demo_of(owner_id: str, team_id: str) -> Case | None:
    """Find a person's demo case in a team that they have not removed."""
    wanted = select(Case).where(Case.demo, Case.archived_at.is_(None))
    return db.session.scalar(wanted.where(Case.owner_id == owner_id, Case.team_id == team_id))


def any_of(team_id: str, account_id: str) -> bool:
    """Return whether the team has any case that a person's lists show."""
    wanted = select(Case.id).where(Case.team_id == team_id, listed_for(account_id))
    return db.session.scalar(wanted.limit(1)) is not None


def is_closed(case_id: str) -> bool:
    """Return whether a case is closed, as the database has it now."""
    wanted = select(Case.id).where(Case.id == case_id, Case.closed_at.is_not(None))
    return db.session.scalar(wanted) is not None


def unsigned_of(team_id: str) -> list[Case]:
    """Return the team's cases that may still change, newest first; without demos."""
    done = CaseState.SIGNED, CaseState.CLOSED
    wanted = select(Case).where(Case.team_id == team_id, Case.archived_at.is_(None), ~Case.demo)
    wanted = wanted.where(STATE.not_in(done))
    return list(db.session.scalars(wanted.order_by(Case.created_at.desc(), Case.id)))


def open_namesakes(case: Case) -> list[str]:
    """Return the ids of the team's other cases of the same pseudonym that may still change."""
    wanted = select(Case.id).where(
        Case.team_id == case.team_id,
        Case.id != case.id,
        ~Case.demo,
        Case.folded.startswith(fold(case.pseudonym) + "\n", autoescape=True),
        STATE.not_in((CaseState.SIGNED, CaseState.CLOSED)),
    )
    return list(db.session.scalars(wanted.order_by(Case.created_at, Case.id)))


def states(case_ids: Iterable[str]) -> dict[str, CaseState]:
    """Return the state of each of these cases, by id."""
    rows = db.session.execute(select(Case.id, STATE).where(Case.id.in_(list(case_ids)))).tuples()
    return {case_id: CaseState(state) for case_id, state in rows}
