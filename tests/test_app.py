import json
import os
import re
import shlex
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.request import urlopen

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from models.manifest import WeightsError
from records.storage.image_store import DiskStore
from settings import ROOT, Settings
from tests.addresses import rules_of_pages
from tests.backups import install_models
from tests.networks import VERSION, write_weights
from tests.pages.common.test_access import requests
from tests.waiting import HANGS, until

SERVE = """
import signal
import app, models.installed
from tests.stand_ins import stand_in_models
models.installed.load_models = lambda *_: stand_in_models()
# A parent that was started in the background lets its children ignore interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)
app.main()
"""

COMMAND = """
import sys
from app import create_app
from flask.cli import ScriptInfo
from settings import Settings
from tests.stand_ins import stand_in_models
made = create_app(Settings.from_environment(), stand_in_models())
made.cli.main({!r}, obj=ScriptInfo(create_app=lambda: made))
"""


def started(code: str, **environment: object) -> subprocess.Popen[str]:
    """A Python program with these settings, begun."""
    variables = {f"LEUKOSCOPE_{name}": str(value) for name, value in environment.items()}
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


Run = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def run() -> Iterator[Run]:
    """Start programs as `started` does; what still runs at the end of the test is killed."""
    begun = []

    def run(code: str, **environment: object) -> subprocess.Popen[str]:
        begun.append(started(code, **environment))
        return begun[-1]

    yield run
    for process in begun:
        with process:
            process.kill()


def command(*arguments: object, **environment: object) -> tuple[str, str]:
    """Run `flask --app app …` in a process of its own; what it printed and what it complained."""
    code = COMMAND.format([str(each) for each in arguments])
    with started(code, **environment) as process:
        return process.communicate(timeout=HANGS)


@pytest.fixture
def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def test_missing_weights_stop_the_factory(settings: Settings):
    with pytest.raises(WeightsError):
        create_app(settings)


@pytest.mark.parametrize(
    ("setting", "value", "sentence"),
    [
        ("WEIGHTS", "nowhere", "missing"),
        ("PORT", "none", "LEUKOSCOPE_PORT is “none”"),
        ("IMAGES_URL", "images", "LEUKOSCOPE_IMAGES_URL must be “file:” for the instance folder"),
    ],
)
def test_what_is_wrong_stops_the_start_with_a_sentence(
    run: Run, tmp_path: Path, setting: str, value: str, sentence: str
):
    process = run("import app; app.main()", INSTANCE=tmp_path / "instance", **{setting: value})
    output, errors = process.communicate(timeout=HANGS)

    assert process.returncode == 1
    assert output == ""
    assert errors.startswith("Leukoscope cannot start: ")
    assert errors.count("\n") == 1
    assert sentence in errors


def test_weights_that_are_not_calibrated_stop_the_start(run: Run, tmp_path: Path):
    weights = write_weights(tmp_path / "weights")
    path = weights / "detector" / VERSION / "manifest.json"
    content = json.loads(path.read_text())
    del content["calibration"]
    path.write_text(json.dumps(content))
    process = run("import app; app.main()", INSTANCE=tmp_path / "instance", WEIGHTS=weights)
    _, errors = process.communicate(timeout=HANGS)

    assert process.returncode == 1
    assert errors.startswith(
        f"Leukoscope cannot start: The detector {VERSION} is not calibrated and cannot be served: "
    )
    assert errors.count("\n") == 1


def test_an_image_store_that_does_not_answer_stops_the_start(
    run: Run, tmp_path: Path, free_port: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "geheim")
    process = run(SERVE, INSTANCE=tmp_path, PORT=free_port, IMAGES_URL="s3://images/clinic")
    output, errors = process.communicate(timeout=HANGS)

    assert (process.returncode, output) == (1, "")
    assert errors == (
        "Leukoscope cannot start: The image store s3://images/clinic does not answer. Check "
        "AWS_ENDPOINT_URL, and that the server runs and can be reached.\n"
    )


def test_a_missing_key_of_the_images_stops_the_start_and_is_not_made_anew(
    run: Run, tmp_path: Path, free_port: int
):
    process = run(
        SERVE, INSTANCE=tmp_path / "instance", PORT=free_port, IMAGES_KEY_FILE=tmp_path / "keys"
    )
    output, errors = process.communicate(timeout=HANGS)

    assert (process.returncode, output) == (1, "")
    assert errors.startswith(
        f"Leukoscope cannot start: The key file of the images, {tmp_path / 'keys'}, is missing. "
    )
    assert errors.count("\n") == 1
    assert not (tmp_path / "keys").exists()


def spoiled(instance: Path, kind: str) -> None:
    """Make the database of an installation one that cannot be used."""
    instance.mkdir()
    database = instance / "leukoscope.sqlite3"
    if kind == "garbage":
        database.write_bytes(os.urandom(20_000))
        return
    with closing(sqlite3.connect(database)) as newer:
        newer.execute("PRAGMA journal_mode = WAL")
        newer.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        newer.execute("INSERT INTO alembic_version VALUES ('9999')")
        newer.commit()


@pytest.mark.parametrize(
    ("kind", "sentence"), [("garbage", "damaged, or no database"), ("newer", "newer version")]
)
def test_a_database_that_cannot_be_used_stops_the_start_with_a_sentence(
    run: Run, tmp_path: Path, free_port: int, kind: str, sentence: str
):
    spoiled(tmp_path / "instance", kind)
    before = (tmp_path / "instance" / "leukoscope.sqlite3").read_bytes()
    process = run(SERVE, INSTANCE=tmp_path / "instance", PORT=free_port)
    output, errors = process.communicate(timeout=HANGS)

    assert (process.returncode, output) == (1, "")
    assert errors.startswith("Leukoscope cannot start: ")
    assert errors.count("\n") == 1
    assert sentence in errors
    assert (tmp_path / "instance" / "leukoscope.sqlite3").read_bytes() == before


def test_a_locked_database_stops_the_start_with_a_sentence(
    run: Run, tmp_path: Path, free_port: int
):
    (tmp_path / "instance").mkdir()
    database = tmp_path / "instance" / "leukoscope.sqlite3"
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("BEGIN IMMEDIATE")
        process = run(SERVE, INSTANCE=tmp_path / "instance", PORT=free_port)
        _, errors = process.communicate(timeout=HANGS)

    assert process.returncode == 1
    assert errors.startswith("Leukoscope cannot start: ")
    assert errors.count("\n") == 1
    assert "another program holds" in errors


def start_mounted(folder: Path, size: str, prepare: str, port: int) -> str:
    """Start on a small file system of its own, as `prepare` leaves it; what was said."""
    if shutil.which("unshare") is None:
        pytest.skip("file systems cannot be mounted here: unshare is missing")
    script = (
        f"mount -t tmpfs -o size={size} none {folder} && {prepare} && echo mounted >&2 && "
        f"exec {shlex.quote(sys.executable)} -c {shlex.quote(SERVE)}"
    )
    instance = {"LEUKOSCOPE_INSTANCE": str(folder / "instance")}
    ended = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script],
        cwd=ROOT,
        env=os.environ | instance | {"LEUKOSCOPE_PORT": str(port)},
        capture_output=True,
        text=True,
        timeout=HANGS,
    )
    refused, mounted, errors = ended.stderr.partition("mounted\n")
    if not mounted:
        pytest.skip(f"file systems cannot be mounted here: {refused}")
    assert ended.returncode == 1
    return errors


def test_a_full_disk_stops_the_start_with_a_sentence(tmp_path: Path, free_port: int):
    errors = start_mounted(tmp_path, "96k", "true", free_port)

    assert errors.startswith("Leukoscope cannot start: ")
    assert errors.count("\n") == 1
    assert "the disk is full" in errors


@pytest.mark.parametrize("files", [(), ("server.lock",)])
def test_a_read_only_instance_stops_the_start_with_a_sentence(
    tmp_path: Path, free_port: int, files: tuple[str, ...]
):
    instance = tmp_path / "instance"
    made = " && ".join([f"mkdir {instance}", *(f"touch {instance / name}" for name in files)])
    prepare = f"{made} && mount -o remount,ro {tmp_path}"
    errors = start_mounted(tmp_path, "8m", prepare, free_port)

    assert errors == f"Leukoscope cannot start: {instance} cannot be used: Read-only file system.\n"


def test_a_port_in_use_stops_the_start_with_a_sentence(run: Run, tmp_path: Path, free_port: int):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", free_port))
        listener.listen()
        process = run(SERVE, INSTANCE=tmp_path / "instance", PORT=free_port)
        _, errors = process.communicate(timeout=HANGS)

    assert process.returncode == 1
    assert f"http://127.0.0.1:{free_port} cannot be used" in errors


def test_a_server_that_logs_json_writes_nothing_else(run: Run, tmp_path: Path, free_port: int):
    process = run(SERVE, INSTANCE=tmp_path, PORT=free_port, LOG_FORMAT="json")
    lines = []
    while not lines or "is ready" not in lines[-1]["message"]:
        lines.append(json.loads(process.stderr.readline()))
    address = f"http://127.0.0.1:{free_port}/readyz"
    with urlopen(address, timeout=HANGS) as answer:
        assert set(json.load(answer).values()) == {"ok"}
        sent = answer.headers["X-Request-ID"]
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=HANGS)
    lines += [json.loads(line) for line in errors.splitlines()]

    assert output == ""
    assert [line["message"] for line in lines if line.get("request_id") == sent] == [
        "GET health.ready 200"
    ]
    assert {"time", "level", "logger", "message"} <= set.intersection(*map(set, lines))


def test_a_collector_that_is_not_there_delays_neither_answers_nor_the_end(
    run: Run, tmp_path: Path, free_port: int
):
    unheard = "http://127.0.0.1:9/v1/traces"
    process = run(SERVE, INSTANCE=tmp_path, PORT=free_port, TRACES_URL=unheard)
    assert process.stdout.readline().startswith("Leukoscope is ready")
    for _ in range(10):
        with urlopen(f"http://127.0.0.1:{free_port}/healthz", timeout=2) as answer:
            assert answer.status == 200
    until(lambda: "does not take traces" in process.stderr.readline())
    stopped = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=HANGS)

    assert process.returncode == 0
    assert errors == ""
    # Two seconds for what waits, the rest for a busy machine.
    assert time.monotonic() - stopped < 30


def test_a_second_server_stops_and_a_killed_one_is_cleaned_up_after(
    run: Run, tmp_path: Path, free_port: int
):
    first = run(SERVE, INSTANCE=tmp_path, PORT=free_port)
    assert first.stdout.readline().startswith("Leukoscope is ready")
    for port in (free_port, 1 + free_port):
        second = run(SERVE, INSTANCE=tmp_path, PORT=port)
        _, errors = second.communicate(timeout=HANGS)
        assert second.returncode == 1
        assert errors.startswith(f"Leukoscope cannot start: {tmp_path} is in use by process ")
        assert f" {first.pid} on " in errors
        assert errors.count("\n") == 1
    output, errors = command("audit", "verify", INSTANCE=tmp_path)
    assert errors == ""
    assert "none changed, moved or missing" in output
    first.kill()
    first.communicate(timeout=HANGS)

    left = DiskStore(tmp_path / "images").put(b"whole, but its row was not kept yet")
    after_kill = run(SERVE, INSTANCE=tmp_path, PORT=free_port)
    assert after_kill.stdout.readline().startswith("Leukoscope is ready")
    assert left not in DiskStore(tmp_path / "images").names()
    after_kill.send_signal(signal.SIGINT)
    _, errors = after_kill.communicate(timeout=HANGS)
    assert "Removed 1 files that no row names" in errors


def test_a_served_instance_is_backed_up_and_restored_elsewhere(
    run: Run, tmp_path: Path, free_port: int
):
    installed = Settings(weights_dir=tmp_path / "weights")
    install_models(installed)
    here = {"INSTANCE": tmp_path / "here", "WEIGHTS": installed.weights_dir}
    there = here | {"INSTANCE": tmp_path / "there"}
    server = run(SERVE, PORT=free_port, **here)
    try:
        assert server.stdout.readline().startswith("Leukoscope is ready")
        output, errors = command("backup", tmp_path / "backup", **here)
        assert errors == ""
        assert f"Backed up to {tmp_path / 'backup'} and verified: 0 images" in output
        _, errors = command("restore", tmp_path / "backup", "--replace", **here)
        assert "is in use by process" in errors
    finally:
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=HANGS)
    output, errors = command("restore", tmp_path / "backup", **there)
    assert errors == ""
    assert f"Restored to {tmp_path / 'there'}" in output
    assert "none changed, moved or missing" in command("audit", "verify", **there)[0]
    _, errors = command("restore", tmp_path / "backup", **there)
    assert "is not empty: it has leukoscope.sqlite3, audit_witness" in errors
    (tmp_path / "there" / "restoring").mkdir()
    refused = run(SERVE, PORT=free_port, **there)
    _, errors = refused.communicate(timeout=HANGS)
    assert errors.startswith("Leukoscope cannot start: ")
    assert "a restore into it was not finished" in errors


def test_a_new_installation_serves_and_says_where(run: Run, tmp_path: Path, free_port: int):
    process = run(SERVE, INSTANCE=tmp_path / "instance", PORT=free_port)
    assert process.stdout.readline() == f"Leukoscope is ready at http://127.0.0.1:{free_port}\n"
    with urlopen(f"http://127.0.0.1:{free_port}/sign-up", timeout=HANGS) as answer:
        assert "becomes the administrator" in answer.read().decode()
        assert answer.headers["Server"] is None
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=HANGS)
    kept = {path.name for path in (tmp_path / "instance").iterdir()}
    assert {"secret_key", "leukoscope.sqlite3", "audit_witness"} <= kept
    trail = sqlite3.connect(tmp_path / "instance" / "leukoscope.sqlite3")
    events = trail.execute("SELECT event, details FROM audit_entries ORDER BY number").fetchall()
    trail.close()
    assert [event for event, _ in events] == ["begin", "start"]
    assert json.loads(events[1][1])["signup"] == "approved"


def test_serving_needs_neither_tensorflow_nor_torch(run: Run, tmp_path: Path):
    code = """
import sys
from settings import Settings
from app import create_app
from tests.stand_ins import stand_in_models
create_app(Settings.from_environment(), stand_in_models())
heavy = {"tensorflow", "keras", "torch", "ultralytics", "matplotlib"}
heavy |= {"cv2", "shap", "numba", "pandas"}
heavy &= set(sys.modules)
sys.exit(", ".join(sorted(heavy)) or 0)
"""
    process = run(code, INSTANCE=tmp_path / "instance")
    _, errors = process.communicate(timeout=HANGS)

    assert process.returncode == 0, errors


def test_a_web_server_beside_workers_loads_no_network(run: Run, tmp_path: Path):
    code = """
import sys
from app import create_app, leave_to_workers, prepare
from settings import Settings
settings = Settings.from_environment()
app = create_app(settings)
leave_to_workers(app, settings)
prepare(app, settings)
for address in ("/sign-in", "/sign-up", "/help", "/readyz"):
    assert app.test_client().get(address).status_code == 200, address
assert not app.extensions["leukoscope_models"].loaded
heavy = {"openvino", "cv2", "scipy", "shap", "sklearn", "highdicom", "pydicom", "opentelemetry"}
heavy &= set(sys.modules)
sys.exit(", ".join(sorted(heavy)) or 0)
"""
    process = run(code, INSTANCE=tmp_path / "instance")
    _, errors = process.communicate(timeout=HANGS)

    assert process.returncode == 0, errors


def test_every_page_wants_a_sign_in_but_the_few_that_cannot(app: Flask):
    """Nobody's data is shown to anonymous visitors, on whatever page is added."""
    public = {"accounts.sign_in", "accounts.sign_up", "health.alive", "health.ready", "help.index"}
    client = app.test_client()
    for rule in rules_of_pages(app):
        if "GET" not in rule.methods or rule.endpoint in public or "static" in rule.endpoint:
            continue
        path = re.sub(r"<(?:[^:>]+:)?[^>]+>", "1", rule.rule)
        answer = client.get(path)
        assert answer.status_code in {302, 404, 405}, rule
        if answer.status_code == 302:
            assert answer.headers["Location"].startswith("/sign-in"), rule


def test_every_form_of_the_application_wants_a_token(app: Flask, signed_in: FlaskClient):
    for rule, method, address in requests(app, rules_of_pages(app)):
        if method == "POST":
            assert signed_in.post(address).status_code == 400, rule
