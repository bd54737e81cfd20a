"""An installation of several processes on PostgreSQL, for `cluster` and `grown`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from dbos import DBOS
from flask import Flask
from pydantic import SecretStr

from app import create_app
from benchmarks.load_server import READY, Served, free_port, wait_for_end
from records import db, opening
from settings import ROOT, Settings
from tests import postgres
from tests.stand_ins import stand_in_models

DATABASE = "leukoscope"
SLOW = "100ms"
"""Statements that take longer are written down with their plans."""

SERVER_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "1GB",
    "max_wal_size": "4GB",
    "shared_preload_libraries": "pg_stat_statements,auto_explain",
    "auto_explain.log_min_duration": SLOW,
    "auto_explain.log_analyze": "on",
    "auto_explain.log_timing": "off",
    "auto_explain.log_buffers": "on",
}
"""Beside these, those of a new server: what is committed is on the disk."""

WORKING = "Leukoscope works on"


@dataclass
class Installation:
    """A database of this version's tables, an instance folder, and the processes on both."""

    server: postgres.Server
    folder: Path
    variables: Mapping[str, str]
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The address of the database."""
        return self.server.url(DATABASE)

    @property
    def instance(self) -> Path:
        """The instance folder, which all processes share."""
        return self.folder / "instance"

    def app(self, **settings: object) -> Flask:
        """Make an application that only asks for work, with stand-in networks."""
        chosen = {"instance_dir": self.instance, "database_url": SecretStr(self.url), **settings}
        app = create_app(Settings().model_copy(update=chosen), stand_in_models())
        app.extensions["leukoscope_tasks"].leave_to_others()
        return app

    def web(self) -> Served:
        """Start a web server, and wait until it is ready."""
        port = free_port()
        process = self._begin(["web"], LEUKOSCOPE_PORT=str(port))
        self._check(process, READY)
        return Served(port, process, self.instance, "", "")

    def work(self, workers: int, *, pinned: bool = False) -> list[subprocess.Popen[str]]:
        """Start workers of one task at a time, each on a core of its own if `pinned`.

        Waits until all work.
        """
        command = ["worker", "--threads", "1"]
        begun = [self._begin(command) for _ in range(workers)]
        for number, process in enumerate(begun):
            self._check(process, WORKING)
            if pinned:
                pin(process, number % (os.cpu_count() or 1))
        return begun

    def stop(self) -> None:
        """End all processes, and give them time to leave in order."""
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes:
            wait_for_end(process)
        self.processes.clear()

    def connections(self) -> int:
        """Count the open connections to the database, this one included."""
        with psycopg.connect(self.url) as connection:
            counted = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            ).fetchone()
        return counted[0] if counted else 0

    def errors(self) -> int:
        """Count the tracebacks in the log of the processes."""
        return self._log.read_text(encoding="utf-8").count("Traceback (most recent call last)")

    @property
    def _log(self) -> Path:
        return self.folder / "processes.log"

    def _begin(self, command: list[str], **variables: str) -> subprocess.Popen[str]:
        environment = {
            **{name: value for name, value in os.environ.items() if "LEUKOSCOPE_" not in name},
            "LEUKOSCOPE_INSTANCE": str(self.instance),
            "LEUKOSCOPE_DATABASE_URL": self.url,
            "LEUKOSCOPE_PROXIES": "1",
            "LEUKOSCOPE_INSECURE_COOKIES": "1",
            "LEUKOSCOPE_SECOND_FACTOR": "optional",
            **self.variables,
            **variables,
        }
        with self._log.open("a", encoding="utf-8") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.cluster_process", *command],
                cwd=ROOT,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.processes.append(process)
        return process

    def _check(self, process: subprocess.Popen[str], ready: str) -> None:
        """Wait until a process says that it is ready; raises `RuntimeError` if it ends instead."""
        line = process.stdout.readline() if process.stdout else ""
        if not line.startswith(ready):
            raise RuntimeError(f"It did not start: {line}{self._log.read_text()[-3000:]}")


def pin(process: subprocess.Popen[str], cpu: int) -> None:
    """Let a process run on one core only, and the threads that it starts from now on."""
    for thread in Path(f"/proc/{process.pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {cpu})


@contextmanager
def installed(variables: Mapping[str, str] | None = None) -> Generator[Installation]:
    """Start PostgreSQL and make an empty installation; all of it is gone at the end.

    `variables` of the environment are passed on to every process, such as LEUKOSCOPE_IMAGES_URL.
    """
    with postgres.running(SERVER_SETTINGS) as server, TemporaryDirectory() as folder:
        installation = Installation(server, Path(folder), variables or {})
        server.create(installation.url, migrated=False)
        with psycopg.connect(installation.url) as connection:
            connection.execute("CREATE EXTENSION pg_stat_statements")
        app = installation.app()
        with app.app_context():
            opening.bring_up_to_date(app.config["LEUKOSCOPE"])
            db.session.remove()
            db.engine.dispose()
        DBOS.migrate(app.config["LEUKOSCOPE"].queues_url)
        try:
            yield installation
        finally:
            installation.stop()


def leave_nothing_behind() -> None:
    """Have this process end what it started when it is told to end."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))


def passed_on() -> dict[str, str]:
    """Return the variables of images, for an installation whose images are in a store."""
    return {name: value for name, value in os.environ.items() if "LEUKOSCOPE_IMAGES" in name}
