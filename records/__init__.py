"""What is kept: the database, its conventions, and the time everything is stamped with."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    CursorResult,
    DateTime,
    Delete,
    Dialect,
    MetaData,
    Table,
    Update,
    func,
    select,
)
from sqlalchemy import Enum as SqlEnum
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

from records.engines import SQLITE, lock_writers, prepare
from records.faults import GoneError

MIGRATIONS = Path(__file__).parent / "migrations"


class Base(DeclarativeBase):
    """The base of all tables; named constraints, so that migrations can change them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class UtcDateTime(TypeDecorator[datetime]):
    """A point in time, aware and in UTC on both sides; SQLite itself keeps no time zone."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Store as UTC; a naive time is an error (TypeError)."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise TypeError("A time without a time zone cannot be stored.")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Read back as aware UTC."""
        return None if value is None else value.replace(tzinfo=UTC)


def code_type(codes: type[StrEnum], length: int) -> SqlEnum:
    """Return the column type that keeps members of an enum by their values, as text."""
    return SqlEnum(
        codes,
        native_enum=False,
        length=length,
        values_callable=lambda members: [member.value for member in members],
    )


db = SQLAlchemy(model_class=Base)

if TYPE_CHECKING:
    # The type of `db.Model` knows neither constructors nor tables.
    Model = Base
else:
    Model = db.Model


def table_of(model: type[Base]) -> Table:
    """Return the table of a model's rows."""
    table = model.__table__
    if not isinstance(table, Table):
        raise TypeError(f"{model.__name__} is not kept in one table")
    return table


def count_changed(statement: Update | Delete) -> int:
    """Change or remove rows, not yet committed; return how many there were."""
    result = db.session.execute(statement)
    if not isinstance(result, CursorResult):
        raise TypeError("the database does not count what changed")
    return result.rowcount


def utc_now() -> datetime:
    """Return the present time, aware, in UTC."""
    return datetime.now(UTC)


def database_now() -> datetime:
    """Return the present time of the database's machine, which all processes of one have alike."""
    if db.engine.dialect.name == SQLITE:
        return utc_now()
    return db.session.scalar(select(func.clock_timestamp())) or utc_now()


@contextmanager
def transaction() -> Generator[None]:
    """Keep all that the block changes; after an error in it, nothing."""
    try:
        yield
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise


def take_write_lock(session: Session) -> None:
    """Keep others from writing until the transaction ends."""
    lock_writers(session.connection())


@contextmanager
def exclusive_transaction(*rows: Base) -> Generator[None]:
    """Run a transaction in which nobody else writes, on these rows as others left them.

    Raises:
        GoneError: one of the rows was deleted meanwhile.
    """
    with transaction():
        take_write_lock(db.session())
        for row in rows:
            _refresh(row)
        yield


def _refresh(row: Base) -> None:
    try:
        db.session.refresh(row)
    except InvalidRequestError as error:
        raise GoneError(type(row).__name__) from error


_TABLES = (
    "accounts.accounts",
    "accounts.api_tokens",
    "accounts.confirmations",
    "accounts.external_identities",
    "accounts.second_factors",
    "accounts.security_keys",
    "analyses.analyses",
    "analyses.archives",
    "analyses.cell_tasks",
    "analyses.explanations",
    "analyses.field_tasks",
    "analyses.slide_areas",
    "audit.audit",
    "audit.external_log",
    "cases.assignments",
    "cases.cases",
    "cases.reviews",
    "cases.signatures",
    "hits",
    "laboratory.laboratory",
    "laboratory.watch_settings",
    "learning.cell_features",
    "learning.feature_tasks",
    "learning.heads",
    "learning.shadow_answers",
    "learning.withdrawn_cases",
    "programs.kept_answers",
    "programs.webhooks",
    "slides.slides",
    "workers",
    "worklist.field_measures",
    "worklist.summaries",
)
"""Modules whose tables and listeners SQLAlchemy must know."""


def init_app(app: Flask) -> None:
    """Connect the application to its database (`SQLALCHEMY_DATABASE_URI`)."""
    for name in _TABLES:
        import_module(f"records.{name}")

    db.init_app(app)
    with app.app_context():
        prepare(db.engine)
