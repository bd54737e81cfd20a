import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address

import pytest

from services.programs import sending
from services.programs.sending import (
    NO_ANSWER,
    NOT_ALLOWED,
    SendError,
    is_allowed,
    is_usable,
    post,
)


class Receiver(BaseHTTPRequestHandler):
    """Keeps what it gets, and answers as its path says."""

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.server.got.append((self.path, dict(self.headers), self.rfile.read(length)))
        status = int(self.path.strip("/").split("?")[0])
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/200")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def here(monkeypatch) -> None:
    """Let messages be sent to this machine, which is never allowed else."""
    monkeypatch.setattr(sending, "is_allowed", lambda *_: True)


@pytest.fixture
def receiver() -> Iterator[HTTPServer]:
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    server.got = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def url_of(receiver: HTTPServer, path: str = "/200") -> str:
    return f"http://127.0.0.1:{receiver.server_port}{path}"


def test_a_message_arrives_as_it_is(receiver: HTTPServer, here):
    status = post(url_of(receiver, "/204?a=1"), b"{}", {"X-Name": "one"})

    assert status == 204
    ((path, headers, body),) = receiver.got
    assert (path, body, headers["X-Name"]) == ("/204?a=1", b"{}", "one")
    assert headers["Host"] == f"127.0.0.1:{receiver.server_port}"


def test_redirections_are_not_followed(receiver: HTTPServer, here):
    assert post(url_of(receiver, "/302"), b"{}", {}) == 302
    assert len(receiver.got) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "0.0.0.0"])
@pytest.mark.parametrize("private", [False, True])
def test_this_machine_is_sent_nothing(receiver: HTTPServer, host: str, private: bool):
    with pytest.raises(SendError, match=NOT_ALLOWED):
        post(f"http://{host}:{receiver.server_port}/200", b"{}", {}, private)
    assert receiver.got == []


def test_a_name_that_also_leads_inside_is_sent_nothing(monkeypatch):
    found = [(0, 0, 0, "", ("93.184.216.34", 80)), (0, 0, 0, "", ("10.0.0.1", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(SendError, match=NOT_ALLOWED):
        post("http://rebound.example/", b"{}", {})


@pytest.mark.parametrize("url", ["http://no-such.invalid/", "http://127.0.0.1:1/", "https://[::1/"])
def test_what_does_not_answer_is_told_in_the_same_words(url: str, here):
    with pytest.raises(SendError, match=f"^{NO_ANSWER}$"):
        post(url, b"{}", {})


@pytest.mark.parametrize("said", [b"220 mail.clinic ESMTP\r\n", b"HTTP/1.1 2", b"", b"x" * 5_000])
def test_another_answer_than_one_of_http_is_none(said: bytes, here):
    with answering(lambda peer: peer.sendall(said)) as url, pytest.raises(SendError):
        post(url, b"{}", {})


def test_a_machine_that_answers_a_byte_at_a_time_does_not_hold_us_up(here, monkeypatch):
    monkeypatch.setattr(sending, "SECONDS", 0.5)

    def slow(peer: socket.socket) -> None:
        for _ in range(100):
            peer.sendall(b"H")
            time.sleep(0.05)

    begun = time.monotonic()
    with answering(slow) as url:
        with pytest.raises(SendError):
            post(url, b"{}", {})
        assert time.monotonic() - begun < 4


@contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """The address of a machine that answers one connection like this."""

    def serve() -> None:
        peer, _ = listening.accept()
        with peer, suppress(OSError):
            peer.recv(1_000)
            answer(peer)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        thread.join(20)


PUBLIC, PRIVATE, NEVER = (True, True), (False, True), (False, False)


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("93.184.216.34", PUBLIC),
        ("2606:2800:220:1::1", PUBLIC),
        ("64:ff9b::5db8:d822", PUBLIC),
        ("10.1.2.3", PRIVATE),
        ("100.64.0.1", PRIVATE),
        ("::ffff:192.168.0.1", PRIVATE),
        ("::192.168.0.1", PRIVATE),
        ("2002:0a00:0001::", PRIVATE),
        ("64:ff9b::10.0.0.1", PRIVATE),
        ("64:ff9b:1::1", PRIVATE),
        ("fd00::1", PRIVATE),
        ("fec0::1", PRIVATE),
        ("127.0.0.1", NEVER),
        ("0.0.0.0", NEVER),
        ("169.254.169.254", NEVER),
        ("224.0.0.1", NEVER),
        ("::", NEVER),
        ("::1", NEVER),
        ("fe80::1", NEVER),
        ("ff02::1", NEVER),
        ("::ffff:127.0.0.1", NEVER),
        ("::127.0.0.1", NEVER),
        ("2002:7f00:0001::", NEVER),
        ("64:ff9b::169.254.169.254", NEVER),
    ],
)
def test_which_addresses_are_allowed(address: str, allowed: tuple[bool, bool]):
    found = is_allowed(ip_address(address)), is_allowed(ip_address(address), private=True)
    assert found == allowed


@pytest.mark.parametrize(
    ("url", "usable"),
    [
        ("https://lis.example/hook?a=1", True),
        ("http://10.0.0.1:8080", True),
        ("ftp://lis.example/", False),
        ("file:///etc/passwd", False),
        ("https://user:pass@lis.example/", False),
        ("https:///nowhere", False),
        ("https://lis.example:99999/", False),
        ("https://lis.example/a b", False),
        ("https://[::1", False),
        ("lis.example", False),
    ],
)
def test_which_addresses_are_usable(url: str, usable: bool):
    assert is_usable(url) == usable
