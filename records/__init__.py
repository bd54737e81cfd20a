"""What is kept: the database, its conventions, and the time everything is stamped with."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import DateTime, Dialect, MetaData, event
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

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


db = SQLAlchemy(model_class=Base)
migrate = Migrate(db=db, directory=MIGRATIONS)


def utc_now() -> datetime:
    """The present time, aware, in UTC."""
    return datetime.now(UTC)


@contextmanager
def transaction() -> Iterator[None]:
    """Keep all that the block changes; after an error in it, nothing."""
    try:
        yield
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise


def let_nobody_else_write(session: Session) -> None:
    """What is read from here to the end of the transaction stays so: SQLite has one writer."""
    connection = session.connection()
    if not connection.connection.driver_connection.in_transaction:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def alone(*rows: Base) -> Iterator[None]:
    """A transaction in which nobody else writes; these rows are read again, as others left them.

    Raises `GoneError` where one of them was deleted meanwhile.
    """
    with transaction():
        let_nobody_else_write(db.session())
        for row in rows:
            _read_again(row)
        yield


def _read_again(row: Base) -> None:
    try:
        db.session.refresh(row)
    except InvalidRequestError as error:
        raise GoneError(type(row).__name__) from error


_TABLES = (
    "accounts.accounts",
    "accounts.second_factors",
    "accounts.security_keys",
    "analyses.analyses",
    "analyses.explanations",
    "analyses.field_tasks",
    "audit.audit",
    "audit.external_log",
    "cases.cases",
    "cases.reviews",
    "cases.signatures",
)
"""Modules whose tables and listeners SQLAlchemy must know."""


def init_app(app: Flask) -> None:
    """Connect the application to its database (`SQLALCHEMY_DATABASE_URI`)."""
    for name in _TABLES:
        import_module(f"records.{name}")

    db.init_app(app)
    migrate.init_app(app)
    with app.app_context():
        event.listen(db.engine, "connect", _set_pragmas)


def _set_pragmas(connection: object, _record: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA busy_timeout = 5000")
