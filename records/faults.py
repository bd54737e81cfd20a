"""Which fault of the disk or the database an exception stands for."""

from __future__ import annotations

import errno
import sqlite3
from enum import Enum
from pathlib import Path

import psycopg
from sqlalchemy.exc import DBAPIError, NoResultFound
from sqlalchemy.orm.exc import ObjectDeletedError, StaleDataError

from records.storage.image_store import MissingImageError, StoreError


class Fault(Enum):
    """What went wrong outside of the program."""

    BUSY = "another connection holds the database"
    FULL = "the disk is full"
    GONE = "a row or file was deleted since it was read"
    CHANGED = "a row that another one needs was deleted or made since it was read"
    UNREADABLE = "the file is no database"
    NO_STORE = "the store of images does not answer, or refuses"


class GoneError(LookupError):
    """A row was deleted since it was read."""


_FULL = {errno.ENOSPC, errno.EDQUOT}
_BY_CODE = {
    sqlite3.SQLITE_BUSY: Fault.BUSY,
    sqlite3.SQLITE_LOCKED: Fault.BUSY,
    sqlite3.SQLITE_FULL: Fault.FULL,
    sqlite3.SQLITE_NOTADB: Fault.UNREADABLE,
    sqlite3.SQLITE_CORRUPT: Fault.UNREADABLE,
}
_BY_EXTENDED_CODE = {
    sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY: Fault.CHANGED,
    sqlite3.SQLITE_CONSTRAINT_UNIQUE: Fault.CHANGED,
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY: Fault.CHANGED,
    # The index of the write-ahead log cannot grow.
    sqlite3.SQLITE_IOERR_SHMSIZE: Fault.FULL,
}
_BY_STATE = {
    # lock_not_available, deadlock_detected, serialization_failure, query_canceled
    **dict.fromkeys(("55P03", "40P01", "40001", "57014"), Fault.BUSY),
    # too_many_connections; the server is stopping, was killed, or is starting
    **dict.fromkeys(("53300", "57P01", "57P02", "57P03"), Fault.BUSY),
    "53100": Fault.FULL,
    # foreign_key_violation, restrict_violation, unique_violation
    **dict.fromkeys(("23503", "23001", "23505"), Fault.CHANGED),
    # data_corrupted, index_corrupted
    **dict.fromkeys(("XX001", "XX002"), Fault.UNREADABLE),
}
_CONNECTION = "08"
"""How the states of PostgreSQL begin that are of the connection."""

_GONE = (GoneError, MissingImageError, NoResultFound, ObjectDeletedError, StaleDataError)


def fault_of(error: BaseException | None, kept_in: Path) -> Fault | None:
    """Name the fault behind an exception, None where it is one of the program.

    Args:
        error: what was raised.
        kept_in: the folder of the installation; a file missing elsewhere is no deleted row.
    """
    if isinstance(error, DBAPIError):
        return _of_database(error.orig)
    if isinstance(error, sqlite3.Error | psycopg.Error):
        return _of_database(error)
    if isinstance(error, _GONE):
        return Fault.GONE
    if isinstance(error, StoreError):
        return Fault.NO_STORE
    return _of_disk(error, kept_in) if isinstance(error, OSError) else None


def is_unreachable(error: BaseException | None) -> bool:
    """Return whether a PostgreSQL server did not answer, or let nobody in."""
    if not isinstance(error, psycopg.OperationalError):
        return False
    return error.sqlstate is None or error.sqlstate.startswith(_CONNECTION)


def _of_database(error: BaseException | None) -> Fault | None:
    if isinstance(error, psycopg.DataError) and error.sqlstate is None:
        # The driver sends no text with a NUL character: nothing can have that name.
        return Fault.GONE
    if isinstance(error, psycopg.Error):
        return Fault.BUSY if is_unreachable(error) else _BY_STATE.get(error.sqlstate or "")
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return None
    return _BY_EXTENDED_CODE.get(code) or _BY_CODE.get(code & 0xFF)


def _of_disk(error: OSError, kept_in: Path) -> Fault | None:
    if error.errno in _FULL:
        return Fault.FULL
    named = isinstance(error.filename, str | Path)
    if isinstance(error, FileNotFoundError) and named:
        return Fault.GONE if Path(error.filename).is_relative_to(kept_in) else None
    return None
