"""Traces of requests and tasks: what a collector gets, and what it never does."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from core import telemetry, tracing
from core.telemetry import Telemetry
from core.tracing import Attribute
from pages.common import logs
from pages.common.requires import requires
from records import db
from records.accounts.accounts import Role
from records.analyses.analyses import Analysis
from records.cases.cases import Case
from settings import Settings
from tests.applications import empty_app
from tests.collector import Collector, Sent, collecting
from tests.pages.common.test_logs import (
    FILE,
    PSEUDONYM,
    QUERY,
    TYPED,
    lines_of,
    whole_case,
    written,
)
from tests.people import PASSWORD, post, sign_in_as
from tests.uploads import upload_cell, upload_field
from tests.waiting import HANGS

OF_PROCESS = {
    "service.name",
    "service.instance.id",
    "leukoscope.role",
    "telemetry.sdk.language",
    "telemetry.sdk.name",
    "telemetry.sdk.version",
}
PARENT = f"00-{'a' * 32}-{'b' * 16}-01"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@pytest.fixture
def traced(settings: Settings, collector: Collector) -> Iterator[Flask]:
    """An application whose traces go to the collector."""
    with empty_app(settings.model_copy(update={"traces_url": collector.url})) as app:
        tracing.send_to(Telemetry(collector.url, "all"))
        yield app
    tracing.close()


@pytest.fixture
def arrived(
    traced: Flask, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], list[Sent]]:
    """End tracing, and give all spans that the collector got."""
    monkeypatch.setattr(telemetry, "LAST_SECONDS", HANGS)

    def arrived() -> list[Sent]:
        traced.extensions["leukoscope_tasks"].stop()
        tracing.close()
        return collector.spans()

    return arrived


def test_nothing_of_a_patient_or_a_person_and_nothing_typed_is_sent(
    traced: Flask, collector: Collector, arrived: Callable[[], list[Sent]]
):
    client = sign_in_as(traced, "ada")
    whole_case(traced, client)
    client = sign_in_as(traced, "ottokar")
    post(client, "/cases/new", pseudonym="Zirbelkiefer-78", accession="S26-4711", specimen="blood")
    upload_cell(client, FILE)
    client.get("/sign-in", headers={"User-Agent": QUERY, "X-Forwarded-For": "10.9.8.7"})
    client.open(f"/cases?text={QUERY}", method=QUERY)
    with traced.app_context():
        ids = [*db.session.scalars(db.select(Case.id)), *db.session.scalars(db.select(Analysis.id))]
    spans = arrived()

    assert len(spans) > 20
    assert len(ids) > 2
    private = [*TYPED, PASSWORD, *ids, "S26-4711", "Zirbelkiefer", "ottokar", "127.0.0.1", "10.9.8"]
    for sent in [*collector.bodies, *(each.encode() for each in collector.headers)]:
        for word in private:
            # The collector itself is at this address.
            assert word.encode() not in sent.replace(b"Host: 127.0.0.1", b""), word
    for span in spans:
        assert set(span.attributes) <= set(Attribute)
        assert set(span.resource) == OF_PROCESS
        assert not (span.span.events or span.span.links or span.span.trace_state)
        assert not span.span.status.message


def test_an_error_is_sent_by_its_kind_alone(
    traced: Flask, collector: Collector, arrived, monkeypatch: pytest.MonkeyPatch
):
    client = sign_in_as(traced, "ada")
    traced.config["PROPAGATE_EXCEPTIONS"] = False

    def fail(case_id: str) -> None:
        raise ValueError(PSEUDONYM)

    monkeypatch.setitem(traced.view_functions, "cases.show", requires(Role.VIEWER)(fail))
    assert client.get(f"/cases/{'a' * 32}?text={QUERY}").status_code == 500
    (span,) = (each for each in arrived() if each.attributes[Attribute.STATUS] == 500)

    assert span.attributes[Attribute.ERROR] == "ValueError"
    assert span.span.status.code == span.span.status.STATUS_CODE_ERROR
    for word in (PSEUDONYM, QUERY, "a" * 32, "Traceback"):
        assert not any(word.encode() in body for body in collector.bodies)


def test_a_request_is_told_by_route_method_status_and_database(traced: Flask, arrived):
    client = sign_in_as(traced, "ada")
    client.get(f"/cases/{'0' * 32}?text={QUERY}")
    client.get("/static/style.css").close()
    client.get(f"/{PSEUDONYM}")
    spans = {span.name: span for span in arrived()}
    shown = spans["GET /cases/<case_id>"]

    assert shown.attributes[Attribute.ROUTE] == "/cases/<case_id>"
    assert shown.attributes[Attribute.METHOD] == "GET"
    assert shown.attributes[Attribute.STATUS] == 404
    assert shown.attributes[Attribute.STATEMENTS] > 0
    assert 0 < shown.attributes[Attribute.DATABASE_SECONDS] < HANGS
    assert shown.span.kind == shown.span.SPAN_KIND_SERVER
    assert shown.span.end_time_unix_nano > shown.span.start_time_unix_nano
    assert shown.resource["service.name"] == "leukoscope"
    assert shown.resource["leukoscope.role"] == "all"
    assert "GET /static/<path:filename>" in spans
    assert Attribute.ROUTE not in spans["GET"].attributes


def test_a_field_is_read_in_the_trace_of_its_upload(traced: Flask, arrived):
    client = sign_in_as(traced, "ada")
    upload_field(client)
    spans = arrived()
    (asked,) = (span for span in spans if span.name == "POST /detect")
    (read,) = (span for span in spans if span.name == "task fields")

    assert read.trace_id == asked.trace_id
    assert read.span.parent_span_id == asked.span.span_id
    assert read.span.kind == read.span.SPAN_KIND_CONSUMER
    assert read.attributes[Attribute.QUEUE] == "fields"
    assert read.attributes[Attribute.OUTCOME] == "done"
    assert read.attributes[Attribute.ATTEMPTS] == 1
    assert read.attributes[Attribute.STATEMENTS] > 0


def test_lines_of_the_log_name_the_trace(traced: Flask, arrived):
    with written(logs.JsonLines()) as text:
        traced.test_client().get("/help")
    (line,) = lines_of(text)

    assert line["message"] == "GET help.index 200"
    assert line["trace_id"] in {span.trace_id for span in arrived()}


@pytest.mark.parametrize(
    ("proxies", "sent", "joins"),
    [
        (1, PARENT, True),
        (0, PARENT, False),
        (1, PARENT.upper(), False),
        (1, f"{PARENT}-{PSEUDONYM}", False),
        (1, f"00-{'0' * 32}-{'b' * 16}-01", False),
        (1, "", False),
    ],
)
def test_the_trace_of_a_proxy_goes_on(traced: Flask, arrived, proxies: int, sent: str, joins: bool):
    settings = traced.config["LEUKOSCOPE"]
    traced.config["LEUKOSCOPE"] = settings.model_copy(update={"proxies": proxies})
    headers = {"traceparent": sent, "tracestate": f"who={PSEUDONYM}"}
    traced.test_client().get("/healthz", headers=headers)
    (span,) = arrived()

    assert re.fullmatch("[0-9a-f]{32}", span.trace_id)
    assert (span.trace_id == "a" * 32) is joins
    assert span.span.parent_span_id.hex() == ("b" * 16 if joins else "")
    assert span.span.trace_state == ""


def test_without_a_collector_no_request_is_traced(app: Flask, client: FlaskClient):
    with written(logs.JsonLines()) as text:
        client.get("/help")
    hooks = json.dumps([each.__module__ for each in app.before_request_funcs[None]])

    assert "trace_id" not in text.getvalue()
    assert "pages.operations.tracing" not in hooks
