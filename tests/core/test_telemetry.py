"""A collector that is down, silent or slow: nobody waits for it, and the log says so once."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from core import telemetry
from core.telemetry import Telemetry
from core.tracing import Attribute, Kind
from tests.collector import collecting
from tests.waiting import HANGS, until

AT_ONCE = 1.0
"""Far less than any time that sending waits for, far more than a busy machine needs."""


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    quiet = logging.getLogger("opentelemetry")
    level = quiet.level
    yield
    quiet.setLevel(level)
    until(lambda: not {"OtelBatchSpanRecordProcessor", "last traces"} & _threads())


def _threads() -> set[str]:
    return {thread.name for thread in threading.enumerate()}


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1/traces"


def traced(telemetry_: Telemetry, number: int) -> float:
    """Trace so many blocks; the longest time in seconds that one took."""
    longest = 0.0
    for _ in range(number):
        begun = time.monotonic()
        with telemetry_.span("GET /help", Kind.REQUEST, None):
            pass
        longest = max(longest, time.monotonic() - begun)
    return longest


def test_a_silent_collector_holds_up_nobody(silent: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(telemetry, "LAST_SECONDS", 0.2)
    # Soon at work on the first batch, which nobody takes.
    monkeypatch.setattr(telemetry, "SEND_EVERY", 0.01)
    sender = Telemetry(silent, "all")

    assert traced(sender, 3 * telemetry.MOST_WAITING) < AT_ONCE
    begun = time.monotonic()
    sender.close()
    assert time.monotonic() - begun < 0.2 + AT_ONCE


def test_no_more_spans_wait_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(telemetry, "LAST_SECONDS", HANGS)
    monkeypatch.setattr(telemetry, "MOST_WAITING", 8)
    monkeypatch.setattr(telemetry, "SENT_AT_ONCE", 8)
    with collecting() as collector:
        sender = Telemetry(collector.url, "all")
        # As while a batch is under way.
        lock = sender._provider._active_span_processor._span_processors[0]._batch_processor
        with lock._export_lock:
            traced(sender, 50)
            assert len(lock._queue) == 8
        sender.close()

    assert len(collector.spans()) == 8


def test_the_log_says_once_that_a_collector_is_down_and_once_that_it_is_back(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(telemetry, "SEND_EVERY", 0.05)
    monkeypatch.setattr(telemetry, "SEND_SECONDS", 0.2)
    with collecting() as collector:
        url = collector.url
    sender = Telemetry(url, "all")
    until(lambda: traced(sender, 1) and caplog.messages)
    for _ in range(5):
        traced(sender, 1)
        time.sleep(0.1)
    assert [text[:35] for text in caplog.messages] == ["The collector does not take traces;"]

    port = int(url.split(":")[2].split("/")[0])
    with socket.create_server(("127.0.0.1", port)) as listener:
        answering = threading.Thread(target=_answer, args=(listener,), daemon=True)
        answering.start()
        traced(sender, 1)
        until(lambda: len(caplog.messages) > 1)
        sender.close()
    assert caplog.messages[1:] == ["The collector takes traces again."]


def _answer(listener: socket.socket) -> None:
    """Take one request, whatever it is."""
    connection, _ = listener.accept()
    with connection:
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def test_a_process_is_told_by_name_role_and_an_id_of_its_own(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(telemetry, "LAST_SECONDS", HANGS)
    with collecting() as collector:
        for role, name in (("web", ""), ("worker", "haematology")):
            monkeypatch.setitem(os.environ, "OTEL_SERVICE_NAME", name)
            sender = Telemetry(collector.url, role)
            traced(sender, 1)
            sender.close()
    web, worker = (span.resource for span in collector.spans())

    assert (web["service.name"], web["leukoscope.role"]) == ("leukoscope", "web")
    assert (worker["service.name"], worker["leukoscope.role"]) == ("haematology", "worker")
    assert web["service.instance.id"] != worker["service.instance.id"]
    assert socket.gethostname() not in {*web.values(), *worker.values()}


def test_an_error_is_told_by_its_class(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(telemetry, "LAST_SECONDS", HANGS)
    with collecting() as collector:
        sender = Telemetry(collector.url, "all")
        with pytest.raises(LookupError), sender.span("task fields", Kind.TASK, None):
            raise LookupError("Zirbelkiefer")
        sender.close()
    (span,) = collector.spans()

    assert span.attributes[Attribute.ERROR] == "LookupError"
    assert b"Zirbelkiefer" not in collector.bodies[0]
