"""Which processes serve a PostgreSQL database: what must be alone waits for none of them.

On SQLite the lock of the instance (`records.storage.instance_lock`) says it.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from records import db
from records.engines import POSTGRESQL
from settings import SettingsError

SERVERS = 0x4C657374
"""The key of the advisory lock that whoever serves shares."""

IN_USE = (
    "Web servers or workers run on this database (`flask --app app tasks workers` lists workers). "
    "Stop them first."
)


@contextmanager
def shared() -> Generator[None]:
    """Serve while the block runs; an application context is needed.

    The lock ends with the process, however that ends.
    """
    if db.engine.dialect.name != POSTGRESQL:
        yield
        return
    with db.engine.connect() as connection:
        connection.exec_driver_sql(f"SELECT pg_advisory_lock_shared({SERVERS})")
        connection.commit()
        try:
            yield
        finally:
            connection.exec_driver_sql(f"SELECT pg_advisory_unlock_shared({SERVERS})")


@contextmanager
def alone() -> Generator[None]:
    """Let nobody serve while the block runs; raises `SettingsError` if somebody does."""
    if db.engine.dialect.name != POSTGRESQL:
        yield
        return
    with db.engine.connect() as connection:
        taken = connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({SERVERS})").scalar()
        connection.commit()
        if not taken:
            raise SettingsError(IN_USE)
        try:
            yield
        finally:
            connection.exec_driver_sql(f"SELECT pg_advisory_unlock({SERVERS})")
