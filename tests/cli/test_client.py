import threading
from collections.abc import Iterator
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.error import HTTPError

import pytest

from cli.client import Client


class Redirecting(BaseHTTPRequestHandler):
    """Sends whoever asks elsewhere, and answers there with a page."""

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_response(302 if self.path.endswith("/away") else 200)
        self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(b"<p>Sign in</p>")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    serving = HTTPServer(("127.0.0.1", 0), Redirecting)
    serving.asked = []
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    yield serving
    serving.shutdown()
    serving.server_close()


@pytest.fixture
def asking(server: HTTPServer) -> Client:
    return Client(f"http://127.0.0.1:{server.server_port}/", "leuko_x")


def test_a_token_follows_no_redirection(server: HTTPServer, asking: Client):
    with pytest.raises(HTTPError) as raised:
        asking.get("/away")
    raised.value.close()
    assert raised.value.code == 302
    assert server.asked == ["/api/v1/away"]


def test_an_answer_that_is_no_json_is_told_in_a_sentence(asking: Client):
    with pytest.raises(HTTPException, match="Is this a Leukoscope server"):
        asking.get("/cases")


@pytest.mark.parametrize("server", ["http://leukoscope.clinic", "ftp://localhost", "localhost", ""])
def test_a_token_is_sent_encrypted_alone(server: str):
    with pytest.raises(ValueError, match="https://"):
        Client(server, "leuko_x")
