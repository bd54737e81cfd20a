"""Others who write to the database of an application, and how long it waits for them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg
from flask import Flask
from sqlalchemy import URL, event

from records import db
from records.engines import SQLITE, WRITERS


@contextmanager
def held_by_another(url: URL) -> Iterator[None]:
    """Another connection is about to write, and lets nobody else."""
    if url.get_backend_name() == SQLITE:
        with closing(sqlite3.connect(str(url.database), isolation_level=None, timeout=30)) as other:
            other.execute("BEGIN EXCLUSIVE")
            yield
            other.execute("ROLLBACK")
    else:
        address = url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(address) as other:
            other.execute("SELECT pg_advisory_xact_lock(%s)", [WRITERS])
            yield


@contextmanager
def impatient(app: Flask, milliseconds: int) -> Iterator[None]:
    """New connections of the application wait no longer than this for others."""
    with app.app_context():
        engine = db.engine

    def prepare(connection: sqlite3.Connection | psycopg.Connection, _record: object) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.execute(f"PRAGMA busy_timeout = {milliseconds}")
        else:
            connection.execute(f"SET lock_timeout = {milliseconds}")
            connection.commit()

    event.listen(engine, "connect", prepare)
    engine.dispose()
    yield
    event.remove(engine, "connect", prepare)
