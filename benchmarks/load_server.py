"""A server of its own on a temporary installation, in its own process, for `load` and `kills`."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from app import create_app
from benchmarks.memory import memory_mib
from benchmarks.reading_room import drawn_field, keep
from records import db
from records.analyses import analyses
from records.cases.cases import Case
from records.migrating import upgrade
from settings import ROOT, Settings
from tests.people import add_account
from tests.stand_ins import stand_in_models

READY = "Leukoscope is ready"
STOPPING_SECONDS = 60
DATABASE_SECONDS = 30


@dataclass
class Served:
    """A running server: its port, its process, its log, and a case that has a field."""

    port: int
    process: subprocess.Popen[str]
    instance: Path
    room: str
    sheet: str

    def memory(self) -> tuple[float, float]:
        """Resident memory of the server now, and at most so far, in MiB."""
        return memory_mib("VmRSS", self.process.pid), memory_mib("VmHWM", self.process.pid)

    def fields(self) -> dict[str, int]:
        """How many fields that were sent are in each state."""
        database = f"file:{self.instance / 'leukoscope.sqlite3'}?mode=ro"
        with closing(sqlite3.connect(database, DATABASE_SECONDS, uri=True)) as connection:
            return dict(
                connection.execute("SELECT state, count(*) FROM field_tasks GROUP BY state")
            )

    def errors(self) -> int:
        """How many tracebacks stand in the server's log."""
        return self.log.read_text(encoding="utf-8").count("Traceback (most recent call last)")

    def kill(self) -> None:
        """End the server as a power cut does: it can finish nothing."""
        self.process.kill()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()

    def start(self) -> None:
        """Start it again where it was."""
        with self.log.open("a", encoding="utf-8") as log:
            self.process = _started(self.instance, self.port, log.fileno())

    def stop(self) -> None:
        """Let it end by itself."""
        _stop(self.process)

    @property
    def log(self) -> Path:
        """What the server said beside its answers."""
        return self.instance / "server.log"


@contextmanager
def server_with(names: list[str]) -> Generator[Served]:
    """Serve an installation with these accounts, all of one team, and a case with 100 cells."""
    with tempfile.TemporaryDirectory() as folder:
        instance = Path(folder) / "instance"
        room, sheet = _filled(instance, names)
        port = free_port()
        with (instance / "server.log").open("w", encoding="utf-8") as log:
            served = Served(port, _started(instance, port, log.fileno()), instance, room, sheet)
        try:
            yield served
        finally:
            served.stop()


def _filled(instance: Path, names: list[str]) -> tuple[str, str]:
    """Make the installation; addresses of its case's reading room and of a sheet of cells."""
    settings = Settings().model_copy(update={"instance_dir": instance})
    app = create_app(settings, stand_in_models())
    with app.app_context():
        upgrade()
    owner_id = add_account(app, names[0])
    for name in names[1:]:
        add_account(app, name)
    with app.app_context():
        case = Case(owner_id=owner_id, pseudonym="Load", specimen="marrow")
        db.session.add(case)
        db.session.flush()
        keep(instance, owner_id, case.id, *drawn_field(0))
        db.session.commit()
        room = f"/cases/{case.id}/room"
        (field,) = analyses.of_case(case.id)
        sheet = f"{room}/sheets/{field.id}/0"
        db.session.remove()
        db.engine.dispose()
    return room, sheet


def _started(instance: Path, port: int, log: int) -> subprocess.Popen[str]:
    """Start the server behind a proxy, and wait until it is ready."""
    environment = {
        **{name: value for name, value in os.environ.items() if "LEUKOSCOPE_" not in name},
        "LEUKOSCOPE_INSTANCE": str(instance),
        "LEUKOSCOPE_PORT": str(port),
        "LEUKOSCOPE_PROXIES": "1",
        "LEUKOSCOPE_INSECURE_COOKIES": "1",
        "LEUKOSCOPE_SECOND_FACTOR": "optional",
    }
    process = subprocess.Popen(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )
    line = process.stdout.readline() if process.stdout else ""
    if not line.startswith(READY):
        _stop(process)
        raise RuntimeError(f"The server did not start: {line or 'see its log'}")
    return process


def _stop(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    wait_for_end(process)


def wait_for_end(process: subprocess.Popen[str]) -> None:
    """Wait for a process that was told to end; kill it after `STOPPING_SECONDS`."""
    try:
        process.wait(STOPPING_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout:
        process.stdout.close()


def free_port() -> int:
    """Find a port of the loopback that nobody listens on."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return unused.getsockname()[1]
