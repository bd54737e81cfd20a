"""What differs between SQLite and PostgreSQL: connections, and who may write."""

from __future__ import annotations

import sqlite3
from typing import Any
from weakref import ref

import psycopg
from sqlalchemy import URL, Connection, Engine, ExceptionContext, RootTransaction, String, event

SQLITE, POSTGRESQL = "sqlite", "postgresql"
"""Names that SQLAlchemy gives to the kinds of database."""

WAIT_SECONDS = 5
"""How long a connection waits for the lock of another one, and for the server."""

WRITERS = 0x4C65756B
"""The key of the advisory lock that whoever writes to a PostgreSQL database holds."""

IDLE_SECONDS = 60
"""How long a transaction that keeps others from writing may do nothing: its process has frozen."""

_OPTIONS = {
    "lock_timeout": f"{WAIT_SECONDS}s",
    "timezone": "UTC",
    # As SQLite keeps times.
    "datestyle": "ISO",
    # Else a machine that is gone from the network holds its locks for hours.
    "tcp_keepalives_idle": 10,
    "tcp_keepalives_interval": 5,
    "tcp_keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}

_LOCKED = "transaction that holds the writers' lock"


def options_for(url: URL) -> dict[str, Any]:
    """Return the options with which SQLAlchemy is to open a database."""
    if url.get_backend_name() != POSTGRESQL:
        return {}
    return {
        # Whoever holds the writers' lock must see what others committed before it.
        "isolation_level": "READ COMMITTED",
        # A server that was restarted has closed the connections of the pool.
        "pool_pre_ping": True,
        "connect_args": {
            "application_name": "leukoscope",
            "client_encoding": "utf8",
            "connect_timeout": WAIT_SECONDS,
            "options": " ".join(f"-c {name}={value}" for name, value in _OPTIONS.items()),
        },
    }


def prepare(engine: Engine) -> None:
    """Give all connections of an engine the rules that this program counts on."""
    if engine.dialect.name == POSTGRESQL:
        event.listen(engine, "before_execute", _lock_before_change)
        event.listen(engine, "handle_error", _leave_out_rows)
    else:
        event.listen(engine, "connect", _set_pragmas)


def lock_writers(connection: Connection) -> None:
    """Keep others from writing until the transaction ends.

    SQLite has one writer. In PostgreSQL the writers of this program take one advisory lock, so that
    there too a look and the change after it are one step, row locks are never taken in two orders,
    and numbers are given in the order in which their rows appear to others.
    """
    if connection.dialect.name == POSTGRESQL:
        _take_advisory_lock(connection)
        return
    driver = connection.connection.driver_connection
    if driver is None or not driver.in_transaction:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def by_code_points(text: String) -> String:
    """Return this type of a text such that it is sorted alike in both databases."""
    return text.with_variant(type(text)(text.length, collation="C"), POSTGRESQL)


def _take_advisory_lock(connection: Connection) -> None:
    transaction = connection.get_transaction()
    held: ref[RootTransaction] | None = connection.info.get(_LOCKED)
    if transaction is not None and held is not None and held() is transaction:
        return
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITERS})")
    connection.exec_driver_sql(f"SET LOCAL idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'")
    transaction = connection.get_transaction()
    if transaction is not None:
        connection.info[_LOCKED] = ref(transaction)


def _lock_before_change(connection: Connection, statement: object, *_: object) -> None:
    """Take the writers' lock before the first change of a transaction, as SQLite does."""
    if getattr(statement, "is_dml", False):
        _take_advisory_lock(connection)


def _leave_out_rows(context: ExceptionContext) -> None:
    """Take out of an error what PostgreSQL quotes of the row: pseudonyms and notes, for the log."""
    error, shown = context.original_exception, context.sqlalchemy_exception
    if isinstance(error, psycopg.Error) and error.diag.message_detail:
        whole, brief = str(error), error.diag.message_primary or type(error).__name__
        error.args = (brief,)
        if shown is not None:
            shown.args = tuple(str(part).replace(whole, brief) for part in shown.args)


def _set_pragmas(connection: object, _record: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA busy_timeout = {1000 * WAIT_SECONDS}")
