"""Memory of each role of a process: `python -m benchmarks.roles [web worker one]`.

A role starts as an installation starts it, on a PostgreSQL that is thrown away (`one` on SQLite),
answers pages, and takes a cell of a program, without a worker for `web`. Printed are megabytes
(MiB) when it is ready and when it has done so: VmRSS is all that is resident, and Pss counts what
other processes share, such as the interpreter's files, in part.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import SecretStr

from app import create_app
from benchmarks.memory import memory_mib
from cli.client import Client
from core.ids import new_id
from settings import Settings
from tests import postgres
from tests.people import add_account
from tests.programs import token_of
from tests.stand_ins import stand_in_models
from tests.uploads import png

COMMANDS = {
    "web": ["-m", "flask", "--app", "app", "web"],
    "worker": ["-m", "flask", "--app", "app", "worker"],
    "one": ["app.py"],
}
READY = {"worker": "Leukoscope works on"}
PAGES = ("/sign-in", "/sign-up", "/help", "/readyz")
VISITS = 20


def main() -> None:
    """Measure the roles that are named, all unless any is."""
    names = sys.argv[1:] or list(COMMANDS)
    with postgres.running() as server:
        for name in names:
            with server.place() as url, TemporaryDirectory() as folder:
                here = Settings(instance_dir=Path(folder))
                if name != "one":
                    server.create(url)
                    here = here.model_copy(update={"database_url": SecretStr(url)})
                measure(name, here)


def measure(name: str, settings: Settings) -> None:
    """Print the memory of one role."""
    port = free_port()
    with running(name, settings, port) as process:
        told(name, "when it is ready", process.pid)
        if name == "worker":
            return
        visit(port)
        told(name, f"after {VISITS * len(PAGES)} pages", process.pid)
        send_cell(settings, port)
        told(name, "after a cell was sent", process.pid)


def told(name: str, when: str, pid: int) -> None:
    """Print the memory of a process now."""
    resident, shared = memory_mib("VmRSS", pid), memory_mib("Pss", pid)
    print(f"{name:8}{when:24}VmRSS {resident:4.0f} MiB   Pss {shared:4.0f} MiB", flush=True)


@contextmanager
def running(name: str, settings: Settings, port: int) -> Generator[subprocess.Popen[str]]:
    """Start a role and give it when it is ready; end it."""
    given = {"LEUKOSCOPE_INSTANCE": str(settings.instance_dir), "LEUKOSCOPE_PORT": str(port)}
    if url := settings.database_url.get_secret_value():
        given["LEUKOSCOPE_DATABASE_URL"] = url
    command = [sys.executable, *COMMANDS[name]]
    process = subprocess.Popen(
        command, env=os.environ | given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        wanted = READY.get(name, "Leukoscope is ready")
        for line in process.stdout or ():
            if wanted in line:
                break
        time.sleep(1)
        yield process
    finally:
        process.kill()
        process.wait()


def visit(port: int) -> None:
    """Ask for pages that need no account."""
    for page in PAGES * VISITS:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{page}", timeout=60) as answer:
            answer.read()


def send_cell(settings: Settings, port: int) -> None:
    """Have a program send a cell image, and wait for the answer."""
    app = create_app(settings, stand_in_models())
    add_account(app, "ada")
    client = Client(f"http://127.0.0.1:{port}", token_of(app, "ada"))
    client.send("/cells", "image", "cell.png", png(), new_id())


def free_port() -> int:
    """Find a port of the loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


if __name__ == "__main__":
    main()
