"""Opening the database at the start: what keeps it from being used, in one sentence."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask_migrate import upgrade
from sqlalchemy.exc import DBAPIError

from records import MIGRATIONS, db
from records.faults import Fault, fault_of
from settings import Settings, SettingsError

SENTENCES = {
    Fault.FULL: "the disk is full. Make room and start again.",
    Fault.BUSY: "another program holds the database. End it and start again.",
    Fault.UNREADABLE: "the database is damaged, or no database. Restore it from a backup.",
}
NEWER = (
    "the database was made by a newer version (schema {}). Start that version, or restore a "
    "backup of this one."
)


@contextmanager
def usable(settings: Settings) -> Generator[None]:
    """Say in a sentence why the instance cannot be used; raises `SettingsError`."""
    try:
        yield
    except (DBAPIError, OSError) as error:
        fault = fault_of(error, settings.instance_dir)
        why = SENTENCES.get(fault) if fault else None
        raise SettingsError(_sentence(settings, why or _words(error))) from error


def bring_up_to_date(settings: Settings) -> None:
    """Migrate the database to this version's schema; raises `SettingsError` if it is newer."""
    known = {each.revision for each in ScriptDirectory(str(MIGRATIONS)).walk_revisions()}
    with db.engine.connect() as connection:
        present = MigrationContext.configure(connection).get_current_heads()
    for revision in set(present) - known:
        raise SettingsError(_sentence(settings, NEWER.format(revision)))
    upgrade()


def _sentence(settings: Settings, why: str) -> str:
    return f"{settings.instance_dir} cannot be used: {why}"


def _words(error: DBAPIError | OSError) -> str:
    cause = error.orig if isinstance(error, DBAPIError) else error.strerror
    return f"{cause or type(error).__name__}."
