"""Applications on empty databases, made as cheaply as many tests need them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from dbos import DBOS
from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import Engine, event
from werkzeug.routing import Rule

from app import create_app
from models.registry import Models
from records import db, opening
from settings import QUEUES, Settings
from tests import postgres
from tests.stand_ins import stand_in_models


class _CompiledTemplates(BytecodeCache):
    """Templates compiled once a process, not once an application."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._code:
            bucket.bytecode_from_string(self._code[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key] = bucket.bytecode_to_string()


_templates = _CompiledTemplates()


_compile_builder = Rule._compile_builder
_builders: dict[object, Callable[..., tuple[str, str]]] = {}


def _compiled_once(rule: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
    """What builds the addresses of a rule, compiled once a process: it knows nothing of the map."""
    if rule.defaults:
        return _compile_builder(rule, append_unknown)
    key = (rule.rule, tuple(rule._trace), append_unknown)
    if key not in _builders:
        _builders[key] = _compile_builder(rule, append_unknown)
    return _builders[key]


Rule._compile_builder = _compiled_once


@event.listens_for(Engine, "connect")
def _leave_writing_to_the_system(connection: object, _record: object) -> None:
    """Wait for no disk: what a test keeps need not survive a power cut."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous = OFF")


@contextmanager
def empty_app(settings: Settings, models: Models | None = None) -> Iterator[Flask]:
    """The application on a migrated database without rows; stand-in models unless given."""
    put_empty_database(settings)
    app = new_app(settings, models)
    try:
        yield app
    finally:
        end(app)


def new_app(settings: Settings, models: Models | None = None) -> Flask:
    """Another application on an installation that is there."""
    app = create_app(settings, models or stand_in_models())
    app.testing = True
    app.jinja_env.bytecode_cache = _templates
    return app


def end(app: Flask) -> None:
    """Stop the background of an application and close its database."""
    app.extensions["leukoscope_tasks"].stop()
    app.extensions["leukoscope_slide_processes"].close()
    with app.app_context():
        db.engine.dispose()


def put_empty_database(settings: Settings) -> None:
    """Copy the migrated database into an installation that has none."""
    settings.instance_dir.mkdir(parents=True, exist_ok=True)
    if url := settings.database_url.get_secret_value():
        postgres.present().create(url)
    else:
        _database(settings).write_bytes(_migrated())
        (settings.instance_dir / QUEUES).write_bytes(_empty_queues())


def put_blank_database(settings: Settings) -> None:
    """Give an installation that has none a database without tables."""
    if url := settings.database_url.get_secret_value():
        postgres.present().create(url, migrated=False)


def _database(settings: Settings) -> Path:
    return settings.instance_dir / "leukoscope.sqlite3"


@cache
def _empty_queues() -> bytes:
    """The database of the queues, made once a process."""
    with TemporaryDirectory() as folder:
        settings = Settings(instance_dir=Path(folder))
        DBOS.migrate(settings.queues_url)
        return (settings.instance_dir / QUEUES).read_bytes()


@cache
def _migrated() -> bytes:
    """A database after all migrations, made once a process."""
    with TemporaryDirectory() as folder:
        settings = Settings(instance_dir=Path(folder))
        app = create_app(settings, stand_in_models())
        with app.app_context():
            opening.bring_up_to_date(settings)
            # The last connection to close moves what SQLite keeps beside the file into it.
            db.engine.dispose()
        with closing(sqlite3.connect(_database(settings))) as made:
            # The migrations leave free pages, which would let a full disk take some more rows.
            made.execute("VACUUM")
        return _database(settings).read_bytes()
