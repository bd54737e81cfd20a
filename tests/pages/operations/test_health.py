"""What load balancers are told: alive, without a look at anything; ready, by a word a check."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from records import db, workers
from services.instance import readiness
from settings import Settings
from tests.applications import empty_app
from tests.trail import entries

READY = {"database": "ok", "schema": "ok", "networks": "ok", "disk": "ok"}
BY_ADDRESS = {"Host": "10.0.0.7:5000"}


@contextmanager
def statements(app: Flask) -> Iterator[list[str]]:
    """What the database is asked meanwhile."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    yield asked
    event.remove(engine, "before_cursor_execute", note)


def test_health_needs_no_account_and_tells_nothing(client: FlaskClient):
    answer = client.get("/healthz")

    assert (answer.status_code, answer.text, answer.mimetype) == (200, "ok\n", "text/plain")
    assert "Set-Cookie" not in answer.headers


def test_health_asks_nothing_of_the_database_whoever_asks(app: Flask, signed_in: FlaskClient):
    with statements(app) as asked:
        assert signed_in.get("/healthz").status_code == 200

    assert asked == []


def test_a_server_that_can_work_says_so_in_words(app: Flask, client: FlaskClient):
    answer = client.get("/readyz")

    assert (answer.status_code, answer.json) == (200, READY)
    assert "Set-Cookie" not in answer.headers
    with app.app_context():
        assert entries() == []


def test_checks_are_not_limited(client: FlaskClient):
    answers = {client.get(path).status_code for path in ("/healthz", "/readyz") for _ in range(80)}

    assert answers == {200}


def spoil(app: Flask, statement: str) -> None:
    path = app.config["LEUKOSCOPE"].instance_dir / "leukoscope.sqlite3"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute(statement)


@pytest.mark.parametrize(("revision", "schema"), [("9999", "newer"), ("0034", "older")])
def test_a_schema_of_another_version_is_not_ready(
    app: Flask, client: FlaskClient, revision: str, schema: str
):
    spoil(app, f"UPDATE alembic_version SET version_num = '{revision}'")
    answer = client.get("/readyz")

    assert (answer.status_code, answer.json) == (503, READY | {"schema": schema})


@pytest.mark.parametrize(("revision", "status"), [("9999", 200), ("0034", 503)])
def test_a_web_server_goes_on_while_the_next_version_takes_its_place(
    app: Flask, client: FlaskClient, revision: str, status: int
):
    app.extensions["leukoscope_tasks"].leave_to_others()
    spoil(app, f"UPDATE alembic_version SET version_num = '{revision}'")

    assert client.get("/readyz").status_code == status


def test_a_database_that_does_not_answer_is_not_ready(app: Flask, client: FlaskClient):
    with app.app_context():
        db.engine.dispose()
    path = app.config["LEUKOSCOPE"].instance_dir / "leukoscope.sqlite3"
    path.write_bytes(b"no database" * 1000)
    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json == READY | {"database": "failed", "schema": "failed"}
    assert client.get("/healthz").status_code == 200


def test_a_full_disk_is_not_ready(client: FlaskClient, monkeypatch: pytest.MonkeyPatch):
    usage = shutil.disk_usage("/")._replace(free=readiness.LEAST_FREE - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)
    answer = client.get("/readyz")

    assert (answer.status_code, answer.json) == (503, READY | {"disk": "full"})


def test_a_disk_that_is_gone_is_not_ready(client: FlaskClient, monkeypatch: pytest.MonkeyPatch):
    def gone(_path: object) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(shutil, "disk_usage", gone)

    assert client.get("/readyz").json["disk"] == "failed"


def test_networks_that_are_not_loaded_are_not_ready(app: Flask, client: FlaskClient):
    del app.extensions["leukoscope_models"]
    answer = client.get("/readyz")

    assert (answer.status_code, answer.json) == (503, READY | {"networks": "missing"})


def test_a_server_without_networks_tells_of_workers(app: Flask, client: FlaskClient):
    """It is ready without any: what is to be done waits for them."""
    app.extensions["leukoscope_tasks"].leave_to_others()
    ready = {name: word for name, word in READY.items() if name != "networks"}

    answer = client.get("/readyz")
    assert (answer.status_code, answer.json) == (200, ready | {"workers": "none"})
    with app.app_context():
        workers.beat("0" * 32, "process 1")
    assert client.get("/readyz").json == ready | {"workers": "ok"}


def test_a_load_balancer_asks_by_address_and_nobody_else_may(settings: Settings):
    named = settings.model_copy(update={"proxies": 1, "hostnames": ("clinic.example",)})
    with empty_app(named) as app:
        client = app.test_client()
        answers = {
            path: client.get(path, headers=BY_ADDRESS).status_code
            for path in ("/healthz", "/readyz", "/metrics", "/sign-in", "/healthz/")
        }

    assert answers == {
        "/healthz": 200,
        "/readyz": 200,
        "/metrics": 404,
        "/sign-in": 400,
        "/healthz/": 400,
    }


def test_on_loopback_no_other_site_learns_that_the_server_is_there(client: FlaskClient):
    assert client.get("/healthz", headers={"Host": "evil.example"}).status_code == 400
