"""`flask --app app watch DIR`: send what a camera writes to a server, through its API."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import click

from cli.client import Client

STATE = ".leukoscope-sent"
"""The file in the folder that lists what was sent, where to, and under which name."""

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 300.0
"""Seconds between two attempts; each pause doubles the last, unless the server says how long."""

MOST_ATTEMPTS = 5
"""Attempts at a file where the folder is looked at once."""

OF_THE_FILE = {400, 413, 415, 422}
"""Statuses that say of a file that it cannot be taken: it is left for the next start."""

LATER = {408, 425, 429}
"""Statuses, beside those from 500 on and those that say when, after which it may be taken."""

KINDS = {"field": ("/fields", "images"), "cell": ("/cells", "image")}

Send = Callable[[str, bytes, str], Any]
"""Sends a file of a name, with its content, under a key."""

Look = tuple[int, int]
"""Size in bytes and time of the last change, in nanoseconds."""


class StoppedError(Exception):
    """The server takes nothing from here, whatever the file; the text says why."""


@dataclass(frozen=True)
class Target:
    """Where files are sent: the server's address, the case if there is one, and as what."""

    server: str
    case_id: str | None
    kind: str

    @property
    def sent_already(self) -> str:
        """Return the line printed for a file sent there before."""
        return f"already sent to case {self.case_id}." if self.case_id else "already sent."

    def line(self, sha256: str) -> list[str | None]:
        """Return what names a file of this content there."""
        return [sha256, self.server, self.case_id, self.kind]


@dataclass
class Watcher:
    """Sends each file of a folder once, as soon as nothing is written to it any more.

    Attributes:
        folder: the folder; those in it are left alone.
        target: where they are sent.
        send: sends one file.
        say: tells one line about a file.
        sleep: waits for so many seconds.
        attempts: after how many a file is left for the next start; None for never.
    """

    folder: Path
    target: Target
    send: Send
    say: Callable[[str], None]
    sleep: Callable[[float], None] = time.sleep
    attempts: int | None = None
    failed: int = 0
    _seen: dict[Path, Look] = field(default_factory=dict)
    _done: dict[Path, Look] = field(default_factory=dict)

    def look(self) -> None:
        """Send what has not grown since the last look."""
        for path in self._ready():
            self._handle(path)

    def _ready(self) -> Iterator[Path]:
        before, self._seen = self._seen, {}
        for path in sorted(self.folder.iterdir()):
            if path.name.startswith(".") or not path.is_file():
                continue
            found = path.stat()
            self._seen[path] = look = (found.st_size, found.st_mtime_ns)
            if found.st_size and before.get(path) == look != self._done.get(path):
                yield path

    def _handle(self, path: Path) -> None:
        content = path.read_bytes()
        sha256 = hashlib.sha256(content).hexdigest()
        line = self.target.line(sha256)
        if line in self._sent():
            self.say(f"{path.name}: {self.target.sent_already}")
        else:
            # The same image in another case is another thing to the server, too.
            key = hashlib.sha256(json.dumps(line).encode()).hexdigest()
            taken = self._send(path.name, content, key)
            if taken is None:
                self.failed += 1
                return
            if taken:
                self._note([*line, path.name])
        self._done[path] = self._seen[path]

    def _send(self, name: str, content: bytes, key: str) -> bool | None:
        """Send a file until the server has taken or refused it; None where attempts ran out."""
        pause, attempt = FIRST_PAUSE, 1
        while True:
            try:
                self.send(name, content, key)
            except HTTPError as error:
                said, wait = _problem(error)
                if error.code in OF_THE_FILE:
                    self.say(f"{name}: refused. {said}")
                    return False
                if error.code < 500 and error.code not in LATER and wait is None:
                    raise StoppedError(said) from error
            except (OSError, HTTPException) as error:
                said, wait = str(error), None
            else:
                self.say(f"{name}: sent.")
                return True
            if attempt == self.attempts:
                self.say(f"{name}: not sent. {said}")
                return None
            self.say(f"{name}: trying again. {said}")
            self.sleep(wait or pause)
            pause, attempt = min(2 * pause, LONGEST_PAUSE), attempt + 1

    def _note(self, line: list[str | None]) -> None:
        with (self.folder / STATE).open("a", encoding="utf-8") as state:
            state.write(f"{json.dumps(line)}\n")

    def _sent(self) -> list[list[str | None]]:
        """Return what was sent, without the names; a line that is cut off counts as none."""
        try:
            lines = (self.folder / STATE).read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []
        return [json.loads(line)[:-1] for line in lines if line.endswith("]")]


def _problem(error: HTTPError) -> tuple[str, float | None]:
    """Return what the server says of an error, and after how many seconds to try again."""
    try:
        said = str(json.load(error)["detail"])
    except (ValueError, KeyError, TypeError, OSError, HTTPException):
        said = f"The server answered {error.code}."
    wait = error.headers.get("Retry-After", "")
    return said, float(wait) if wait.isdecimal() else None


@click.command("watch")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--server", required=True, help="Its address, such as https://leukoscope.clinic.")
@click.option(
    "--token-file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file that holds a token with the scope “upload”.",
)
@click.option("--kind", type=click.Choice(list(KINDS)), default="field", show_default=True)
@click.option("--case", "case_id", help="Id of the case to which the images belong.")
@click.option("--every", default=2.0, show_default=True, help="Seconds between two looks.")
@click.option("--once", is_flag=True, help="Send what is there, and end.")
def watch(
    folder: Path,
    server: str,
    token_file: Path,
    kind: str,
    case_id: str | None,
    every: float,
    once: bool,
) -> None:
    """Send each image that is written to FOLDER to a Leukoscope server.

    Files stay where they are. FOLDER/.leukoscope-sent lists what was sent, by hash, server, case
    and kind: after a restart nothing is sent twice, and neither is a copy under another name. What
    was refused is sent again at the next start.
    """
    try:
        client = Client(server, token_file.read_text(encoding="utf-8").strip())
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    path, name = KINDS[kind]
    path = f"{path}?case_id={case_id}" if case_id else path
    watcher = Watcher(
        folder,
        Target(client.api, case_id, kind),
        lambda file, content, key: client.send(path, name, file, content, key),
        click.echo,
        attempts=MOST_ATTEMPTS if once else None,
    )
    try:
        _run(watcher, every, once)
    except StoppedError as error:
        raise click.ClickException(str(error)) from error
    if watcher.failed:
        raise click.ClickException(f"Files that were not sent: {watcher.failed}.")


def _run(watcher: Watcher, every: float, once: bool) -> None:
    watcher.look()
    while True:
        watcher.sleep(every)
        watcher.look()
        if once:
            return
