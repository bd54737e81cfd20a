"""Opening a database: that of the instance at the start, or that of a backup to be read."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from urllib.parse import quote

from flask import Flask
from sqlalchemy import URL, NullPool, inspect, text
from sqlalchemy.exc import DBAPIError

from records import MIGRATIONS, db, init_app
from records.engines import POSTGRESQL, options_for
from records.faults import Fault, fault_of, is_unreachable
from records.storage.image_store import StoreError
from settings import DATABASE, Settings, SettingsError, place_of

RESTORING = "restoring"
"""The folder of an instance that is there while, and only while, a restore moves files in."""

REVISIONS = "alembic_version"
"""The table in which Alembic keeps the revision."""

RESTORE_DRAFT = "restoring.part"
"""The folder into which a restore copies first; nothing else of the instance is touched by then."""

SENTENCES = {
    Fault.FULL: "the disk is full. Make room and start again.",
    Fault.BUSY: "another program holds the database. End it and start again.",
    Fault.UNREADABLE: "the database is damaged, or no database. Restore it from a backup.",
}
UNREACHABLE = "{} Check LEUKOSCOPE_DATABASE_URL, and that PostgreSQL runs and lets this program in."
NOT_UTF_8 = (
    "its encoding is {}. Create it anew with: createdb --encoding UTF8 --template template0 NAME"
)
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
    except StoreError as error:
        raise SettingsError(str(error)) from error
    except DBAPIError as error:
        raise SettingsError(_sentence(settings, _why(settings, error))) from error
    except OSError as error:
        raise SettingsError(_of_instance(settings, _why(settings, error))) from error


def bring_up_to_date(settings: Settings) -> None:
    """Migrate the database to this version's schema; raises `SettingsError` if it cannot be."""
    present = schema()
    if unknown := unknown_revision(present):
        raise SettingsError(_sentence(settings, NEWER.format(unknown)))
    if (encoding := _encoding()) != "UTF8":
        raise SettingsError(_sentence(settings, NOT_UTF_8.format(encoding)))
    if present != newest_schema():
        from records.migrating import upgrade

        upgrade()


def check_finished(settings: Settings) -> None:
    """Raise `SettingsError` where a restore stopped midway: files of two instances are mixed."""
    if (settings.instance_dir / RESTORING).exists():
        raise SettingsError(_of_instance(settings, UNFINISHED))


def check_present(settings: Settings) -> str:
    """Return the database's revision; raises `SettingsError` if it is not this version's."""
    present = schema()
    if unknown := unknown_revision(present):
        raise SettingsError(_sentence(settings, NEWER.format(unknown)))
    if present != newest_schema():
        raise SettingsError(_sentence(settings, OLDER.format(present or "none")))
    return present


def schema() -> str:
    """Return the revision of the present database; empty where it has no tables."""
    with db.engine.connect() as connection:
        if not inspect(connection).has_table(REVISIONS):
            return ""
        kept = connection.scalars(text(f"SELECT version_num FROM {REVISIONS}"))  # noqa: S608
        return " ".join(kept)


@cache
def newest_schema() -> str:
    """Return the revision of this version's schema."""
    return max(_revisions())


def unknown_revision(present: str) -> str | None:
    """Find the first of these revisions that only a newer version knows."""
    known = _revisions()
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
    app = _app_of(URL.create("sqlite", database=database, query=query), folder)
    db.init_app(app)
    with _entered(app):
        yield


@contextmanager
def elsewhere(settings: Settings) -> Generator[None]:
    """Enter an application context of another database than the present one.

    Of these settings the database counts, and the folder, which has the hash log.
    """
    app = _app_of(settings.database, settings.instance_dir)
    init_app(app)
    with _entered(app):
        yield


def _app_of(url: URL, folder: Path) -> Flask:
    app = Flask("elsewhere", instance_path=str(folder))
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
        "hide_parameters": True,
        "poolclass": NullPool,
        **options_for(url),
    }
    return app


@contextmanager
def _entered(app: Flask) -> Generator[None]:
    with app.app_context():
        try:
            yield
        finally:
            db.session.remove()
            db.engine.dispose()


def words_of(error: DBAPIError | OSError) -> str:
    """Return what an error says, in one line."""
    cause = error.orig if isinstance(error, DBAPIError) else error.strerror
    words = " ".join(str(cause or type(error).__name__).split())
    return words if words.endswith(("?", ".")) else f"{words}."


@cache
def _revisions() -> frozenset[str]:
    """Return the revisions of this version: their files are named by them."""
    files = (MIGRATIONS / "versions").glob("[0-9]*.py")
    return frozenset(file.name.partition("_")[0] for file in files)


def _encoding() -> str:
    """Return the encoding of the present database; that of SQLite is always the same."""
    if db.engine.dialect.name != POSTGRESQL:
        return "UTF8"
    return str(db.session.scalar(text("SHOW server_encoding")))


def _sentence(settings: Settings, why: str) -> str:
    if settings.database == settings.sqlite:
        return _of_instance(settings, why)
    return f"{place_of(settings.database)} cannot be used: {why}"


def _of_instance(settings: Settings, why: str) -> str:
    return f"{settings.instance_dir} cannot be used: {why}"


def _why(settings: Settings, error: DBAPIError | OSError) -> str:
    cause = error.orig if isinstance(error, DBAPIError) else None
    if is_unreachable(cause):
        return UNREACHABLE.format(words_of(error))
    fault = fault_of(error, settings.instance_dir)
    return SENTENCES.get(fault, words_of(error)) if fault else words_of(error)
