"""How Alembic reaches the application's database."""

from __future__ import annotations

from alembic import context
from flask import current_app
from sqlalchemy import Connection

from records.engines import SQLITE


def run(connection: Connection) -> None:
    """Run the migrations asked for on this connection."""
    migration = current_app.extensions["migrate"]
    context.configure(
        connection=connection,
        target_metadata=migration.db.metadata,
        **migration.configure_args,
    )
    with context.begin_transaction():
        context.run_migrations()


def run_with_foreign_keys_off(connection: Connection) -> None:
    """Run the migrations; SQLite rebuilds a table to alter it, which would cascade otherwise."""
    connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
    connection.commit()
    try:
        run(connection)
    finally:
        connection.exec_driver_sql("PRAGMA foreign_keys = ON")


with current_app.extensions["migrate"].db.engine.connect() as database:
    if database.dialect.name == SQLITE:
        run_with_foreign_keys_off(database)
    else:
        run(database)
