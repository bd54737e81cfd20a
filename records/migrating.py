"""Alembic's migrations of the present database.

To be imported where one is needed: Alembic takes 13 MB, and most starts find this version's schema.
"""

from __future__ import annotations

import flask_migrate
from flask import current_app

from records import MIGRATIONS, db


def upgrade(revision: str = "head") -> None:
    """Bring the schema up to a revision, the newest unless given."""
    _introduce()
    flask_migrate.upgrade(revision=revision)


def downgrade(revision: str) -> None:
    """Take the schema back to a revision, or to "base", without tables."""
    _introduce()
    flask_migrate.downgrade(revision=revision)


def _introduce() -> None:
    """Tell Flask-Migrate of the application's database."""
    flask_migrate.Migrate(current_app, db, str(MIGRATIONS))
