"""Slow and many connections, over real sockets."""

import gc
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPResponse
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from waitress.server import BaseWSGIServer

import serving
from app import make_server
from settings import Settings
from tests.waiting import HANGS, until

HALF = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Sl"
BODY = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n\r\n"


def application(environ: dict, start_response: Callable) -> list[bytes]:
    length = len(environ["wsgi.input"].read())
    start_response("200 OK", [("Content-Type", "text/plain")])
    if environ["PATH_INFO"] == "/long":
        return [b"x" * 40_000_000]
    return [str(length).encode()]


@contextmanager
def serve(settings: Settings) -> Iterator[tuple[BaseWSGIServer, int]]:
    """A server of this application with these limits, and its port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    server = make_server(application, settings.model_copy(update={"port": port}))
    thread = threading.Thread(target=_run, args=[server], daemon=True)
    thread.start()
    try:
        yield server, port
    finally:
        server.pull_trigger()
        server.ended = True
        server.task_dispatcher.shutdown()
        thread.join(HANGS)
        for each in list(server._map.values()):
            # Unlike `close`, it also closes the file of an answer that nobody read.
            each.handle_close()


def _run(server: BaseWSGIServer) -> None:
    server.ended = False
    while not server.ended:
        server.asyncore.loop(timeout=0.1, map=server._map, use_poll=True, count=1)


def connect(port: int, sent: bytes, stack: ExitStack) -> socket.socket:
    connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=HANGS))
    connection.sendall(sent)
    return connection


def is_ended(connection: socket.socket) -> bool:
    """Whether the server ended the connection without an answer; waits for it."""
    try:
        return connection.recv(1000) == b""
    except ConnectionResetError:
        return True


def answer(port: int, body: bytes | None = None) -> str:
    with urlopen(f"http://127.0.0.1:{port}/", body, timeout=HANGS) as shown:
        return shown.read().decode()


def answers(port: int) -> bool:
    """Whether the server takes another connection."""
    try:
        return answer(port) == "0"
    except HTTPError:
        return False


def response(connection: socket.socket) -> tuple[int, str]:
    """Read one whole response: its head and its body may arrive apart."""
    received = HTTPResponse(connection)
    received.begin()
    return received.status, received.read().decode()


@pytest.fixture
def short(settings: Settings) -> Settings:
    return settings.model_copy(update={"request_seconds": 1})


def test_half_sent_requests_of_one_address_do_not_hold_the_server(short: Settings):
    """105 of them held a server that takes 100 connections in all for two minutes."""
    slow = short.model_copy(update={"request_seconds": 60, "max_connections": 512})
    with serve(slow) as (_, port), ExitStack() as stack:
        for _ in range(105):
            connect(port, HALF, stack)
        assert answer(port) == "0"


@pytest.mark.parametrize("sent", [HALF, b"G", BODY, BODY + b"x" * 1000])
def test_a_request_that_does_not_arrive_is_ended(short: Settings, sent: bytes):
    with serve(short) as (_, port), ExitStack() as stack:
        assert is_ended(connect(port, sent, stack))
        assert answer(port) == "0"


@pytest.mark.parametrize("begun", [HALF, BODY])
def test_dripping_does_not_lengthen_it(short: Settings, begun: bytes):
    with serve(short) as (_, port), ExitStack() as stack:
        connection = connect(port, begun, stack)
        connection.settimeout(0.1)
        end = time.monotonic() + HANGS
        while time.monotonic() < end:
            try:
                connection.sendall(b"x")
                if connection.recv(100) == b"":
                    break
            except TimeoutError:
                continue
            except (ConnectionResetError, BrokenPipeError):
                break
        assert time.monotonic() < end


def test_a_body_that_keeps_coming_has_its_time(short: Settings, monkeypatch):
    monkeypatch.setattr(serving, "SLOWEST", 100)
    with serve(short) as (_, port), ExitStack() as stack:
        head = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 6000\r\n\r\n"
        connection = connect(port, head + b"x" * 1000, stack)
        for _ in range(5):
            time.sleep(0.4)
            connection.sendall(b"x" * 1000)
        assert response(connection)[0] == 200


def test_an_answer_that_nobody_reads_frees_its_thread(short: Settings, monkeypatch):
    monkeypatch.setattr(serving, "SILENT_SECONDS", 1)
    with serve(short.model_copy(update={"threads": 1})) as (_, port), ExitStack() as stack:
        connect(port, b"GET /long HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", stack)
        time.sleep(0.5)
        assert answer(port) == "0"


def test_one_address_has_so_many_connections(short: Settings):
    few = short.model_copy(update={"request_seconds": 60, "max_connections_per_address": 3})
    with serve(few) as (_, port), ExitStack() as stack:
        first = connect(port, HALF, stack)
        for _ in range(2):
            connect(port, HALF, stack)
        refused = connect(port, b"", stack)
        status, body = response(refused)
        assert status == 503
        assert "The server is busy. Try again in a few seconds." in body

        first.close()
        assert until(lambda: answers(port))


def test_behind_a_proxy_the_proxy_bounds_the_addresses(short: Settings):
    few = short.model_copy(
        update={"request_seconds": 60, "max_connections_per_address": 3, "proxies": 1}
    )
    with serve(few) as (_, port), ExitStack() as stack:
        for _ in range(10):
            connect(port, HALF, stack)
        assert answer(port) == "0"


def test_bodies_and_connections_that_are_kept_go_on(short: Settings):
    with serve(short) as (_, port), ExitStack() as stack:
        assert answer(port, b"x" * 300_000) == "300000"
        connection = connect(port, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", stack)
        assert response(connection)[0] == 200
        time.sleep(1.5)
        connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert response(connection)[0] == 200


def test_what_is_there_when_serving_begins_is_not_searched_for_garbage():
    try:
        serving.settle()
        assert len(gc.get_objects()) < gc.get_freeze_count()
    finally:
        gc.unfreeze()
