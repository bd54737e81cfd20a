"""Opening a database: that of the instance at the start, or that of a backup to be read."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import URL, NullPool, text
from sqlalchemy.exc import DBAPIError

from records import MIGRATIONS, db
from records.faults import Fault, fault_of
from settings import DATABASE, Settings, SettingsError

RESTORING = "restoring"
"""The folder of an instance that is there while, and only while, a restore moves files in."""

RESTORE_DRAFT = "restoring.part"
"""The folder into which a restore copies first; nothing else of the instance is touched by then."""

SENTENCES = {
    Fault.FULL: "the disk is full. Make room and start again.",
    Fault.BUSY: "another program holds the database. End it and start again.",
    Fault.UNREADABLE: "the database is damaged, or no database. Restore it from a backup.",
}
NEWER = (
    "the database was made by a newer version (schema {}). Start that version, or restore a "
    "backup of this one."
)
OLDER = (
    "the database has the schema of an older version ({}). Start this version once, which upgrades "
    "it, or use that version."
)
UNFINISHED = (
    "a restore into it was not finished. Run it again: flask --app app restore DIR --replace"
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
    if unknown := unknown_revision(schema()):
        raise SettingsError(_sentence(settings, NEWER.format(unknown)))
    upgrade()


def check_finished(settings: Settings) -> None:
    """Raise `SettingsError` where a restore stopped midway: files of two instances are mixed."""
    if (settings.instance_dir / RESTORING).exists():
        raise SettingsError(_sentence(settings, UNFINISHED))


def check_present(settings: Settings) -> str:
    """Return the database's revision; raises `SettingsError` if it is not this version's."""
    present = schema()
    if unknown := unknown_revision(present):
        raise SettingsError(_sentence(settings, NEWER.format(unknown)))
    if present != _revisions().get_current_head():
        raise SettingsError(_sentence(settings, OLDER.format(present or "none")))
    return present


def schema() -> str:
    """Return the revision of the present database; empty where it has no tables."""
    with db.engine.connect() as connection:
        return " ".join(MigrationContext.configure(connection).get_current_heads())


def unknown_revision(present: str) -> str | None:
    """Find the first of these revisions that only a newer version knows."""
    known = {each.revision for each in _revisions().walk_revisions()}
    return next((revision for revision in present.split() if revision not in known), None)


def damage() -> list[str]:
    """Check the present database; return what SQLite finds wrong with it."""
    results = db.session.scalars(text("PRAGMA integrity_check"))
    return [line for line in results if line != "ok"]


@contextmanager
def read_only(folder: Path) -> Generator[None]:
    """Enter an application context of a database and its hash log, which nobody writes to."""
    folder = folder.resolve()
    database = "file:" + quote(str(folder / DATABASE))
    query = {"mode": "ro", "immutable": "1", "uri": "true"}
    app = Flask("backup", instance_path=str(folder))
    app.config["SQLALCHEMY_DATABASE_URI"] = URL.create("sqlite", database=database, query=query)
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"hide_parameters": True, "poolclass": NullPool}
    db.init_app(app)
    with app.app_context():
        try:
            yield
        finally:
            db.session.remove()
            db.engine.dispose()


def _revisions() -> ScriptDirectory:
    return ScriptDirectory(str(MIGRATIONS))


def _sentence(settings: Settings, why: str) -> str:
    return f"{settings.instance_dir} cannot be used: {why}"


def _words(error: DBAPIError | OSError) -> str:
    cause = error.orig if isinstance(error, DBAPIError) else error.strerror
    return f"{cause or type(error).__name__}."
