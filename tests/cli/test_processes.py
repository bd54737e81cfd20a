"""Several processes on one PostgreSQL database: workers that are killed, web servers in turn."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from cli.client import Client
from core.ids import new_id
from records import db, workers
from records.analyses.analyses import Analysis
from records.analyses.cell_tasks import CellTask
from records.analyses.field_tasks import FieldTask
from records.tasks import TaskState
from services.analyses.field_queue import FieldQueue
from settings import ROOT, Settings
from tests.collector import collecting
from tests.people import add_account
from tests.programs import token_of
from tests.services.analyses.test_field_queue import upload, uploads
from tests.uploads import png
from tests.waiting import HANGS, until

several = pytest.mark.postgres_only("several processes need PostgreSQL")

COMMAND = """
import os, signal, sys, time
from app import create_app
from flask.cli import ScriptInfo
from models.registry import Models
from settings import Settings
from tests.stand_ins import stand_in_models

# A parent that was started in the background lets its children ignore interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)

def read_slowly(models, rgb, progress, **_):
    for step in range(10):
        time.sleep(0.05)
        progress(step, 10)
    return models.detector.find(rgb)

def classify_slowly(models, rgb, override=False, here=Models.classify):
    # As long as a test needs to kill it in the middle.
    time.sleep(float(os.environ.get("SLOWNESS", 0)))
    return here(models, rgb, override)

Models.read_field, Models.classify = read_slowly, classify_slowly
made = create_app(Settings.from_environment(), stand_in_models())
made.cli.main(sys.argv[1:], obj=ScriptInfo(create_app=lambda: made))
"""

Run = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def run(settings: Settings) -> Iterator[Run]:
    """Start commands on the installation; what still runs at the end of the test is killed."""
    begun: list[subprocess.Popen[str]] = []

    def run(*command: str, slowness: float = 0, **variables: object) -> subprocess.Popen[str]:
        given = {
            "INSTANCE": settings.instance_dir,
            "DATABASE_URL": settings.database_url.get_secret_value(),
            **variables,
        }
        environment = {f"LEUKOSCOPE_{name}": str(value) for name, value in given.items()}
        begun.append(
            subprocess.Popen(
                [sys.executable, "-c", COMMAND, *command],
                cwd=ROOT,
                env=os.environ | environment | {"SLOWNESS": str(slowness)},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        return begun[-1]

    yield run
    for process in begun:
        process.kill()
        print(process.communicate()[0])


@pytest.fixture
def asked(app: Flask) -> list[str]:
    """Six fields of each of two people, which wait for workers."""
    app.extensions["leukoscope_tasks"].leave_to_others()
    queue: FieldQueue = app.extensions["leukoscope_fields"]
    with app.app_context():
        owners = [add_account(app, name) for name in ("ada", "ben")]
        return [queue.take(owner, upload()).id for owner in owners for _ in range(6)]


def states(app: Flask) -> list[TaskState]:
    with app.app_context():
        return list(db.session.scalars(db.select(FieldTask.state)))


def check_read_once(app: Flask, asked: list[str]) -> None:
    """Wait for the end; each field became one analysis, and no file is left."""
    until(lambda: not {TaskState.WAITING, TaskState.RUNNING} & set(states(app)))
    assert set(states(app)) == {TaskState.DONE}
    with app.app_context():
        kept = list(db.session.scalars(db.select(Analysis.id)))
    assert sorted(kept) == sorted(asked)
    assert uploads(app) == set()


@several
def test_a_killed_workers_fields_are_read_by_another(app: Flask, run: Run, asked: list[str]):
    """No person has to act, and it takes less than half a minute."""
    killed = run("worker")
    until(lambda: {TaskState.DONE, TaskState.RUNNING} <= set(states(app)))
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert TaskState.RUNNING in states(app)
    run("worker")
    check_read_once(app, asked)

    with app.app_context():
        assert 2 in db.session.scalars(db.select(FieldTask.attempts))


@several
def test_a_worker_that_is_stopped_leaves_its_fields_to_the_next(
    app: Flask, run: Run, asked: list[str]
):
    stopped = run("worker", "--threads", "1")
    until(lambda: TaskState.RUNNING in states(app))
    stopped.send_signal(signal.SIGTERM)
    assert stopped.wait(60) == 0
    assert TaskState.RUNNING not in states(app)
    with app.app_context():
        assert workers.living() == set()

    run("worker", "--queues", "fields, models")
    check_read_once(app, asked)


@several
def test_a_worker_of_other_queues_reads_no_field(app: Flask, run: Run, asked: list[str]):
    run("worker", "--queues", "explanations")
    with app.app_context():
        until(workers.living)
    time.sleep(3)
    assert set(states(app)) == {TaskState.WAITING}

    run("worker")
    check_read_once(app, asked)


def program(app: Flask) -> tuple[int, Client]:
    """A free port, and ada's program that asks the server there."""
    add_account(app, "ada")
    (port,) = free_ports(1)
    return port, Client(f"http://127.0.0.1:{port}", token_of(app, "ada"))


def cells(app: Flask) -> list[CellTask]:
    with app.app_context():
        return list(db.session.scalars(db.select(CellTask)))


@several
def test_a_web_server_has_cells_classified_by_workers(app: Flask, run: Run):
    """Without one it says that the image waits, and nothing is lost."""
    port, client = program(app)
    run("web", PORT=port)
    until(lambda: answers(port))
    waiting = client.send("/cells", "image", "cell.png", png(), new_id())
    assert (waiting["state"], waiting["result"]) == ("waiting", None)
    assert len(uploads(app)) == 1

    run("worker")
    until(lambda: client.get(f"/analyses/{waiting['id']}")["state"] == "done")
    assert client.get(f"/analyses/{waiting['id']}")["result"] == "all_blast"
    sent = client.send("/cells", "image", "cell.png", png(), new_id())
    until(lambda: client.get(f"/analyses/{sent['id']}")["result"] == "all_blast")
    until(lambda: uploads(app) == set())


@several
def test_a_killed_workers_cell_is_classified_by_another(app: Flask, run: Run):
    port, client = program(app)
    run("web", PORT=port)
    killed = run("worker", slowness=600)
    until(lambda: answers(port))
    waiting = client.send("/cells", "image", "cell.png", png(), new_id())
    until(lambda: [task.state for task in cells(app)] == [TaskState.RUNNING])
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    run("worker")
    until(lambda: client.get(f"/analyses/{waiting['id']}")["state"] == "done")

    (task,) = cells(app)
    assert task.attempts == 2
    until(lambda: uploads(app) == set())


@several
def test_a_worker_goes_on_with_the_trace_of_the_web_server(app: Flask, run: Run):
    port, client = program(app)
    with collecting() as collector:
        servers = [run("web", PORT=port, TRACES_URL=collector.url)]
        servers.append(run("worker", TRACES_URL=collector.url))
        until(lambda: answers(port))
        # Before the second the way into the queues is open, and the caretaker finds none lying.
        for _ in range(2):
            asked = client.send("/cells", "image", "zirbelkiefer.png", png(), new_id())
            until(lambda id=asked["id"]: client.get(f"/analyses/{id}")["state"] == "done")
        for server in servers:
            server.send_signal(signal.SIGINT)
            assert server.wait(HANGS) in {0, 130}
        _, sent = collector.named("POST /api/v1/cells")
        *_, read = collector.named("task cells")

    assert (sent.resource["leukoscope.role"], read.resource["leukoscope.role"]) == ("web", "worker")
    assert (read.trace_id, read.span.parent_span_id) == (sent.trace_id, sent.span.span_id)
    assert read.attributes["leukoscope.outcome"] == "done"
    assert not any(b"zirbelkiefer" in body for body in collector.bodies)


@several
@pytest.mark.slow
def test_web_servers_are_killed_in_turn_under_load(app: Flask, run: Run):
    """While one lives, a proxy that tries the next one answers every request."""
    ports = free_ports(3)
    servers = {port: run("web", PORT=port) for port in ports}
    for port in ports:
        until(lambda port=port: answers(port))
    for port in ports:
        servers[port].send_signal(signal.SIGKILL)
        servers[port].wait()
        assert all(any(answers(each) for each in ports) for _ in range(20))
        servers[port] = run("web", PORT=port)
        until(lambda port=port: answers(port))


@several
def test_a_web_server_and_a_worker_go_on_when_the_next_version_has_migrated(
    app: Flask, run: Run, asked: list[str]
):
    """They are replaced one after another; none of their version starts any more."""
    (port,) = free_ports(1)
    run("web", PORT=port)
    until(lambda: answers(port))
    worker = run("worker")
    until(lambda: TaskState.RUNNING in states(app))
    with app.app_context(), db.engine.begin() as connection:
        for statement in NEXT_VERSION:
            connection.exec_driver_sql(statement)

    check_read_once(app, asked)
    assert answers(port)
    assert ready(port) == {"schema": "newer", "workers": "ok", "database": "ok", "disk": "ok"}
    assert worker.poll() is None
    late = run("worker")
    assert late.wait(HANGS) == 1
    assert late.stdout
    assert "made by a newer version" in late.stdout.read()


NEXT_VERSION = (
    "ALTER TABLE analyses ADD COLUMN scanner VARCHAR(32)",
    "CREATE TABLE scanners (id VARCHAR(32) PRIMARY KEY)",
    "UPDATE alembic_version SET version_num = '9999'",
)


def ready(port: int) -> dict[str, str]:
    """What a web server says of itself while it counts as ready."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=30) as answer:
        return json.load(answer)


def free_ports(number: int) -> list[int]:
    """Ports of the loopback that nobody listens on."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


def answers(port: int) -> bool:
    """Whether a web server on this port shows the page to sign in."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/sign-in", timeout=30) as answer:
            return answer.status == 200
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


@pytest.mark.sqlite_only("about the default")
@pytest.mark.parametrize("command", ["web", "worker"])
def test_on_sqlite_there_is_one_process(app: Flask, command: str):
    answer = app.test_cli_runner().invoke(args=[command])

    assert answer.exit_code == 1
    assert "Several processes need PostgreSQL: set LEUKOSCOPE_DATABASE_URL." in answer.output


@several
def test_nothing_is_moved_or_removed_beside_them(app: Flask, run: Run, asked: list[str]):
    run("worker")
    check_read_once(app, asked)

    shell = app.test_cli_runner()
    for command in (["move-to", "sqlite"], ["leftovers", "--delete"]):
        answer = shell.invoke(args=command)
        assert answer.exit_code == 1
        assert "Web servers or workers run on this database" in answer.output


@several
def test_an_unknown_queue_is_refused(app: Flask):
    answer = app.test_cli_runner().invoke(args=["worker", "--queues", "fields,stars"])

    assert answer.exit_code == 1
    assert "No queue is named stars: webhooks, explanations, fields" in answer.output
