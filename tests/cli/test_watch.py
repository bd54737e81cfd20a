import io
import json
from dataclasses import replace
from email.message import Message
from pathlib import Path
from urllib.error import HTTPError, URLError

import pytest
from flask import Flask
from flask.testing import FlaskClient

from cli.watch import STATE, StoppedError, Target, Watcher

TARGET = Target("https://one.example/api/v1", "1" * 32, "field")


class Server:
    """Takes files, or fails as it is told."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, bytes, str]] = []
        self.failures: list[Exception] = []

    def send(self, name: str, content: bytes, key: str) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.taken.append((name, content, key))

    @property
    def names(self) -> list[str]:
        return [name for name, _, _ in self.taken]


def problem(code: int, detail: str = "Why.", **headers: str) -> HTTPError:
    sent = Message()
    for name, value in headers.items():
        sent[name.replace("_", "-")] = value
    return HTTPError("", code, "", sent, io.BytesIO(json.dumps({"detail": detail}).encode()))


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def watched(server: Server, tmp_path: Path):
    """A watcher of a folder, with what it says and how long it sleeps."""
    said, slept = [], []
    watcher = Watcher(tmp_path, TARGET, server.send, said.append, slept.append)
    watcher.said, watcher.slept = said, slept
    return watcher


def write(folder: Path, name: str, content: bytes = b"an image") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_a_file_is_sent_once_nothing_is_written_to_it(watched, server: Server, tmp_path: Path):
    path = write(tmp_path, "1.png", b"half")
    watched.look()
    write(tmp_path, "1.png", b"half and half")
    watched.look()
    assert server.taken == []
    watched.look()
    watched.look()

    ((name, content, key),) = server.taken
    assert (name, content) == ("1.png", b"half and half")
    assert len(key) == 64
    assert watched.said == ["1.png: sent."]
    assert path.exists()


def test_what_was_sent_is_remembered_by_its_content(watched, server: Server, tmp_path: Path):
    write(tmp_path, "1.png")
    watched.look()
    watched.look()
    again = Watcher(tmp_path, TARGET, server.send, watched.said.append, watched.slept.append)
    write(tmp_path, "copy.png")
    write(tmp_path, "2.png", b"another")
    again.look()
    again.look()

    assert server.names == ["1.png", "2.png"]
    assert watched.said.count(f"copy.png: already sent to case {'1' * 32}.") == 1
    lines = (tmp_path / STATE).read_text().splitlines()
    assert [json.loads(line)[-1] for line in lines] == ["1.png", "2.png"]


@pytest.mark.parametrize(
    "changed", [{"server": "https://two.example/api/v1"}, {"case_id": "2" * 32}, {"kind": "cell"}]
)
def test_what_was_sent_elsewhere_is_sent(watched, server: Server, tmp_path: Path, changed):
    write(tmp_path, "1.png")
    for target in (TARGET, replace(TARGET, **changed)):
        watcher = Watcher(tmp_path, target, server.send, watched.said.append, watched.slept.append)
        for _ in range(3):
            watcher.look()

    (_, _, first), (_, _, second) = server.taken
    assert first != second


def test_folders_hidden_and_empty_files_are_left_alone(watched, server: Server, tmp_path: Path):
    (tmp_path / "below").mkdir()
    write(tmp_path / "below", "1.png")
    write(tmp_path, ".2.png")
    write(tmp_path, "3.png", b"")
    watched.look()
    watched.look()
    assert server.taken == []


def test_it_tries_again_with_longer_pauses_or_when_it_is_told(watched, server, tmp_path: Path):
    server.failures = [
        URLError("no route"),
        problem(500),
        problem(429, Retry_After="7"),
        problem(409, Retry_After="5"),
        ConnectionResetError("gone"),
    ]
    write(tmp_path, "1.png")
    watched.look()
    watched.look()

    assert server.names == ["1.png"]
    assert watched.slept == [1.0, 2.0, 7.0, 5.0, 16.0]
    assert watched.said[-1] == "1.png: sent."
    assert sum("trying again" in line for line in watched.said) == 5


def test_a_refused_file_is_sent_again_at_the_next_start(watched, server: Server, tmp_path: Path):
    server.failures = [problem(422, "This is no image.")]
    write(tmp_path, "1.txt")
    for _ in range(3):
        watched.look()

    assert server.taken == []
    assert watched.said == ["1.txt: refused. This is no image."]
    again = Watcher(tmp_path, TARGET, server.send, watched.said.append, watched.slept.append)
    again.look()
    again.look()
    assert server.names == ["1.txt"]


@pytest.mark.parametrize("code", [401, 403, 404, 409])
def test_it_stops_where_no_file_would_be_taken(watched, server, tmp_path: Path, code: int):
    server.failures = [problem(code, "Send a token.")]
    write(tmp_path, "1.png")
    watched.look()
    with pytest.raises(StoppedError, match="Send a token"):
        watched.look()
    assert not (tmp_path / STATE).exists()


def test_after_some_attempts_a_file_is_left_for_the_next_start(watched, server, tmp_path: Path):
    watched.attempts = 2
    server.failures = [URLError("no route")] * 2
    write(tmp_path, "1.png")
    watched.look()
    watched.look()
    assert watched.failed == 1
    assert watched.said[-1].startswith("1.png: not sent.")
    watched.look()
    assert server.names == ["1.png"]


def test_the_command_wants_an_address_and_a_token(app: Flask, signed_in: FlaskClient, tmp_path):
    token = write(tmp_path, "token", b"leuko_x")
    folder = tmp_path / "images"
    folder.mkdir()
    run = app.test_cli_runner().invoke
    for address in ("file:///etc", "http://leukoscope.clinic", "ftp://127.0.0.1"):
        args = ["watch", str(folder), "--server", address, "--token-file", str(token)]
        wrong = run(args=args)
        assert wrong.exit_code == 2
        assert "https://" in wrong.output
    assert run(args=["watch", str(folder), "--server", "http://127.0.0.1"]).exit_code == 2
