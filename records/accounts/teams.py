"""Teams: colleagues who see each other's analyses. Everybody belongs to one."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, insert, select
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.orm import Mapped, mapped_column

from core.ids import new_id
from records import Model, UtcDateTime, db, utc_now
from records.engines import by_code_points, lock_writers

NAME_LENGTH = 64
FIRST_NAME, FIRST_KEY = "Laboratory", "laboratory"
"""Of the team that an installation begins with."""


class Team(Model):
    """A team; `name_key` is the name as compared, `name` as shown."""

    __tablename__ = "teams"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    name_key: Mapped[str] = mapped_column(by_code_points(String(4 * NAME_LENGTH)), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)


def first_id(context: DefaultExecutionContext) -> str:
    """Return the id of the oldest team, made if there is none: an account's default."""
    connection = context.connection
    oldest = select(Team.id).order_by(Team.created_at, Team.id).limit(1)
    team_id = connection.scalar(oldest)
    if team_id is None:
        # Somebody else may be making it.
        lock_writers(connection)
        team_id = connection.scalar(oldest)
    if team_id is None:
        team_id = new_id()
        made = {"id": team_id, "name": FIRST_NAME, "name_key": FIRST_KEY}
        connection.execute(insert(Team).values(**made, created_at=utc_now()))
    return team_id


def add(name: str, name_key: str) -> Team:
    """Add a team, not yet committed; raises `IntegrityError` if the name is taken."""
    team = Team(name=name, name_key=name_key)
    db.session.add(team)
    db.session.flush()
    return team


def get(team_id: str) -> Team | None:
    """Find the team of this id."""
    return db.session.get(Team, team_id)


def named(name_key: str) -> Team | None:
    """Find the team of this name, as compared."""
    return db.session.scalar(select(Team).filter_by(name_key=name_key))


def all_teams() -> list[Team]:
    """Return every team, in alphabetical order."""
    return list(db.session.scalars(select(Team).order_by(Team.name_key)))
