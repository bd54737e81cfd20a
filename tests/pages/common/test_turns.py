"""Pages answer while cells are read: senders hold few of the server's threads."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Semaphore, Thread

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import make_server
from imaging.images import RgbImage
from models.findings import FieldFindings, Progress
from models.registry import Models
from records import db
from records.analyses.analyses import Analysis
from records.analyses.field_tasks import FieldTask
from services.analyses.field_queue import FieldQueue
from settings import Settings
from tests.applications import empty_app
from tests.people import csrf_token, sign_in_as
from tests.stand_ins import StandInClassifier, drawn_field
from tests.uploads import png, send, upload_cell
from tests.waiting import HANGS

THREADS = 4
HELD = THREADS // 2
SENDERS = 24


class Slow:
    """A classification that begins when asked and ends when it may."""

    def __init__(self) -> None:
        self.begun, self.end = Semaphore(0), Event()
        self._classify = Models.classify

    def classify(self, models: Models, *given: object) -> object:
        self.begun.release()
        assert self.end.wait(HANGS)
        return self._classify(models, *given)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    stand_in = Slow()
    monkeypatch.setattr(
        Models, "classify", lambda models, *given: stand_in.classify(models, *given)
    )
    yield stand_in
    stand_in.end.set()


@pytest.fixture
def few_threads(settings: Settings) -> Iterator[Flask]:
    with empty_app(settings.model_copy(update={"threads": THREADS, "port": 0})) as app:
        yield app


@pytest.fixture
def get(few_threads: Flask) -> Iterator[Callable[[str, dict[str, str]], int]]:
    """Ask the served application for a page; the status, or an error after a minute."""
    server = make_server(few_threads, few_threads.config["LEUKOSCOPE"])
    Thread(target=server.run, daemon=True).start()

    def status(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> int:
        connection = http.client.HTTPConnection("127.0.0.1", server.effective_port, timeout=HANGS)
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status

    yield status
    server.close()


def cookie_of(client: FlaskClient) -> dict[str, str]:
    """The header by which the server knows this browser's session."""
    name = client.application.config["SESSION_COOKIE_NAME"]
    return {"Cookie": f"{name}={client.get_cookie(name).value}"}


def upload_of(app: Flask) -> tuple[dict[str, str], bytes]:
    """Headers and body of a script that sends one cell, signed in as ada."""
    client = sign_in_as(app, "ada")
    # First, since it puts the token into the session's cookie.
    token = csrf_token(client)
    part = (
        b'--edge\r\nContent-Disposition: form-data; name="images"; filename="cell.png"\r\n'
        b"Content-Type: image/png\r\n\r\n" + png() + b"\r\n--edge--\r\n"
    )
    headers = {
        **cookie_of(client),
        "Content-Type": "multipart/form-data; boundary=edge",
        "Accept": "application/json",
        "X-CSRFToken": token,
    }
    return headers, part


def test_pages_answer_while_many_send_cells(few_threads: Flask, get, slow: Slow):
    headers, body = upload_of(few_threads)
    with ThreadPoolExecutor(SENDERS) as pool:
        sent = [pool.submit(get, "POST", "/classify", headers, body) for _ in range(SENDERS)]
        # Two are read; the server's other threads are free for pages or refuse at once.
        assert slow.begun.acquire(timeout=HANGS) and slow.begun.acquire(timeout=HANGS)
        assert get("GET", "/healthz", {}) == 200
        assert get("GET", "/history", {"Cookie": headers["Cookie"]}) == 200
        assert not slow.end.is_set()
        slow.end.set()
        statuses = [each.result() for each in sent]
    assert set(statuses) <= {201, 503}
    assert statuses.count(503) >= SENDERS - HELD - statuses.count(201)
    with few_threads.app_context():
        assert db.session.query(Analysis).count() == statuses.count(201) >= 2


def test_a_busy_server_says_when_to_try_again_and_keeps_nothing(few_threads: Flask, slow: Slow):
    late, *early = [sign_in_as(few_threads, f"reader {number}") for number in range(1 + HELD)]
    with ThreadPoolExecutor(HELD) as pool:
        held = [pool.submit(send, browser, "/classify", ("cell.png", png())) for browser in early]
        assert all(slow.begun.acquire(timeout=HANGS) for _ in held)
        refused = send(late, "/classify", ("cell.png", png()), as_json=True)
        slow.end.set()
        assert [each.result().status_code for each in held] == [303] * HELD
    assert refused.status_code == 503
    assert int(refused.headers["Retry-After"]) > 0
    assert refused.json["error"] == "The server is busy. Try again in a few seconds."
    assert send(late, "/classify", ("cell.png", png()), as_json=True).status_code == 201
    with few_threads.app_context():
        assert db.session.query(Analysis).count() == HELD + 1


def test_fields_that_are_read_keep_nobody_from_classifying(
    few_threads: Flask, monkeypatch: pytest.MonkeyPatch
):
    begun, end = Semaphore(0), Event()

    def read_field(models: Models, rgb: RgbImage, _progress: Progress, **_: bool) -> FieldFindings:
        begun.release()
        assert end.wait(HANGS)
        return models.detector.find(rgb)

    monkeypatch.setattr(Models, "read_field", read_field)
    people = [sign_in_as(few_threads, name) for name in ("ada", "ben")]
    for client in people:
        send(client, "/detect", ("field.png", png(drawn_field())), as_json=True)
    assert begun.acquire(timeout=HANGS) and begun.acquire(timeout=HANGS)
    assert send(client, "/classify", ("cell.png", png()), as_json=True).status_code == 201
    assert not end.is_set()
    end.set()
    few_threads.extensions["leukoscope_tasks"].stop()


def test_pages_answer_while_many_look_at_activation_maps(
    few_threads: Flask, get, monkeypatch: pytest.MonkeyPatch
):
    begun, end = Semaphore(0), Event()
    drawn = StandInClassifier.activation_map

    def slowly_drawn(classifier: StandInClassifier, window: RgbImage) -> np.ndarray:
        begun.release()
        assert end.wait(HANGS)
        return drawn(classifier, window)

    client = sign_in_as(few_threads, "ada")
    path = f"/classify/{upload_cell(client)}/activation-map.png"
    monkeypatch.setattr(StandInClassifier, "activation_map", slowly_drawn)
    with ThreadPoolExecutor(SENDERS) as pool:
        looking = [pool.submit(get, "GET", path, cookie_of(client)) for _ in range(SENDERS)]
        assert all(begun.acquire(timeout=HANGS) for _ in range(HELD))
        assert get("GET", "/healthz", {}) == 200
        end.set()
        statuses = [each.result() for each in looking]
    assert set(statuses) == {200, 503}


def test_pages_answer_while_many_wait_for_their_fields(
    few_threads: Flask, get, monkeypatch: pytest.MonkeyPatch
):
    begun, end = Semaphore(0), Event()

    def wait(_queue: FieldQueue, _task_id: str, _seconds: float) -> None:
        begun.release()
        assert end.wait(HANGS)

    monkeypatch.setattr(FieldQueue, "wait", wait)
    headers, body = upload_of(few_threads)
    form = {**headers, "Accept": "text/html"}
    with ThreadPoolExecutor(SENDERS) as pool:
        sent = [pool.submit(get, "POST", "/detect", form, body) for _ in range(SENDERS)]
        assert all(begun.acquire(timeout=HANGS) for _ in range(HELD))
        assert get("GET", "/healthz", {}) == 200
        end.set()
        assert [each.result() for each in sent] == [303] * SENDERS
    with few_threads.app_context():
        assert db.session.query(FieldTask).count() == SENDERS
    few_threads.extensions["leukoscope_tasks"].stop()
