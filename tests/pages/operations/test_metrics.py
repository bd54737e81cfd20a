"""Metrics for Prometheus: who may read them, and what is in them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from pages.common.requires import Audience, requires
from settings import Settings
from tests.applications import empty_app
from tests.people import post, sign_in_as
from tests.uploads import upload_field

TOKEN = "b4c1f0d2e3a59687b4c1f0d2"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def watched(settings: Settings) -> Iterator[Flask]:
    """An application with a token for its metrics."""
    with empty_app(settings.model_copy(update={"metrics_token": TOKEN})) as app:
        yield app


def samples(client: FlaskClient) -> dict[tuple[str, ...], float]:
    """Every metric by its name and the values of its labels, in the order of their names."""
    answer = client.get("/metrics", headers=BEARER)
    assert answer.status_code == 200
    assert answer.mimetype == "text/plain"
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_without_a_token_of_the_server_there_are_no_metrics(client: FlaskClient):
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


@pytest.mark.parametrize(
    "sent", [None, "", "Bearer ", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN, "Bearer é" * 9]
)
def test_without_the_token_there_is_nothing_to_see(watched: Flask, sent: str | None):
    headers = {} if sent is None else {"Authorization": sent.encode().decode("latin-1")}
    answer = watched.test_client().get("/metrics", headers=headers)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "leukoscope" not in answer.text


def test_requests_are_counted_by_endpoint_method_and_status(watched: Flask):
    client = watched.test_client()
    for path in ("/sign-in", "/sign-in", "/cases/" + "0" * 32, "/nothing/Alder-7"):
        client.get(path)
    client.open("/sign-in", method="ALDER")
    found = samples(client)

    assert found["leukoscope_requests_total", "accounts.sign_in", "GET", "200"] == 2
    assert found["leukoscope_requests_total", "cases.show", "GET", "302"] == 1
    assert found["leukoscope_requests_total", "other", "GET", "404"] == 1
    assert found["leukoscope_requests_total", "other", "other", "405"] == 1
    assert found["leukoscope_request_seconds_count", "accounts.sign_in", "GET"] == 2
    assert found["leukoscope_request_seconds_bucket", "accounts.sign_in", "60.0", "GET"] == 2
    assert not any("alder" in part.lower() for key in found for part in key)


def test_errors_of_the_program_are_counted(watched: Flask, monkeypatch: pytest.MonkeyPatch):
    watched.config["PROPAGATE_EXCEPTIONS"] = False
    fails = requires(Audience.ANYBODY)(lambda: 1 / 0)
    monkeypatch.setitem(watched.view_functions, "accounts.sign_in", fails)
    client = watched.test_client()
    client.get("/sign-in")

    assert samples(client)["leukoscope_requests_total", "accounts.sign_in", "GET", "500"] == 1


def test_wrong_passwords_are_counted(watched: Flask):
    client = sign_in_as(watched, "ada")
    post(watched.test_client(), "/sign-in", name="ada", password="wrong")

    assert samples(client)["leukoscope_sign_ins_failed_total",] == 1


def test_tasks_cells_and_sizes_are_those_of_now(watched: Flask):
    client = sign_in_as(watched, "ada")
    before = samples(client)
    upload_field(client)
    after = samples(client)

    done = ("leukoscope_tasks", "done", "field_tasks")
    assert (before[done], after[done]) == (0, 1)
    assert after["leukoscope_tasks", "waiting", "explanations"] == 0
    assert after["leukoscope_white_cells",] > before["leukoscope_white_cells",] == 0
    assert after["leukoscope_database_bytes",] > 100_000
    assert 0 < after["leukoscope_disk_free_bytes",] < after["leukoscope_disk_bytes",]


def test_two_applications_count_apart(watched: Flask, settings: Settings, tmp_path):
    other = settings.model_copy(
        update={"metrics_token": TOKEN, "instance_dir": tmp_path / "another"}
    )
    watched.test_client().get("/sign-in")
    with empty_app(other) as app:
        found = samples(app.test_client())

    assert ("leukoscope_requests_total", "accounts.sign_in", "GET", "200") not in found
