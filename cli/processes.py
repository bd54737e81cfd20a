"""`flask --app app web`, `… worker`: an installation of several processes, on PostgreSQL."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from jobs.engine import Tasks
from models.manifest import WeightsError
from records.storage import serving_lock
from settings import Settings, SettingsError

Prepare = Callable[[Flask, Settings, str], None]
Leave = Callable[[Flask, Settings], None]
RunServer = Callable[[Flask, Settings, Callable[[], None]], None]

NEEDS_POSTGRESQL = (
    "Several processes need PostgreSQL: set LEUKOSCOPE_DATABASE_URL. On SQLite one process serves "
    "and works: python app.py."
)


def init_app(
    app: Flask,
    prepare: Prepare,
    leave_to_workers: Leave,
    run_server: RunServer,
    close: Callable[[Flask], None],
) -> None:
    """Add the commands to `flask`.

    Args:
        app: the application, which each command serves or works for.
        prepare: brings the database up to date for a process of this role.
        leave_to_workers: has other processes do the background work, and ask the networks.
        run_server: serves until stopped, and calls what it is given when it is ready.
        close: ends what the application has begun.
    """

    @click.command("web")
    @with_appcontext
    def web() -> None:
        """Serve pages; background work and the networks are left to `worker` processes."""
        _check_settings()
        leave_to_workers(app, _settings())
        try:
            prepare(app, _settings(), "web")
            run_server(app, _settings(), lambda: None)
        except SettingsError as error:
            raise click.ClickException(str(error)) from error

    @click.command("worker")
    @click.option("--queues", default="", help="Names with commas between; all unless given.")
    @click.option(
        "--threads",
        type=click.IntRange(1, 64),
        help="Tasks of each queue at once. The worker that starts last decides for all.",
    )
    @with_appcontext
    def worker(queues: str, threads: int | None) -> None:
        """Do background work until stopped; serve no pages."""
        _check_settings()
        named = _named(queues)
        try:
            app.extensions["leukoscope_models"].get()
            prepare(app, _settings(), "worker")
        except (SettingsError, WeightsError) as error:
            raise click.ClickException(str(error)) from error
        stopped = threading.Event()
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, lambda *_: stopped.set())
        with serving_lock.shared():
            _tasks().start(named, threads)
            click.echo(f"Leukoscope works on: {', '.join(named)}")
            stopped.wait()
            close(app)

    app.cli.add_command(web)
    app.cli.add_command(worker)


def _check_settings() -> None:
    if _settings().one_process:
        raise click.ClickException(NEEDS_POSTGRESQL)


def _named(queues: str) -> list[str]:
    known = _tasks().queues
    names = [name.strip() for name in queues.split(",") if name.strip()] or known
    if unknown := [name for name in names if name not in known]:
        raise click.ClickException(f"No queue is named {unknown[0]}: {', '.join(known)}.")
    return names


def _settings() -> Settings:
    return current_app.config["LEUKOSCOPE"]


def _tasks() -> Tasks:
    return current_app.extensions["leukoscope_tasks"]
