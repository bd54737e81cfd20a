"""A person at a browser, as `benchmarks.load` needs many of them: one connection, one account."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from urllib.parse import urlencode

from benchmarks.load_server import Served
from tests.people import PASSWORD

TIMEOUT = 20
"""Seconds after which a request counts as an error."""

UNTIL_READ = "classify until read"
"""No answer of its own: from the first try to the last, with the pauses that were asked for."""

BOUNDARY = "a-boundary-of-form-data"
TOKEN = 'name="csrf-token" content="'


@dataclass
class Figures:
    """Seconds of each answer by route, and errors by route and status; safe in many threads."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: Counter[tuple[str, str]] = field(default_factory=Counter)
    _adding: threading.Lock = field(default_factory=threading.Lock)

    def add(self, route: str, seconds: float, status: int | str, wanted: Collection[int]) -> None:
        """Note one answer; one with another status than those wanted is an error alone."""
        with self._adding:
            if status in wanted:
                self.seconds[route].append(seconds)
            else:
                self.errors[route, str(status)] += 1

    def routes(self) -> list[str]:
        """Every route that was asked for."""
        return sorted({*self.seconds, *(route for route, _ in self.errors)})


@dataclass(frozen=True)
class Answer:
    """What the server said: a status, or the name of what went wrong on the way."""

    status: int | str
    body: bytes = b""
    retry_after: float = 0.0


class Person:
    """Signs in, sends images and looks at pages, until `end`; the numbers go to `figures`."""

    def __init__(self, server: Served, name: str, number: int, figures: Figures) -> None:
        self.server = server
        self.chance = random.Random(number)
        self.name = name
        # Limits by address are not what is measured: everybody has an address.
        self._address = f"10.0.{number // 250}.{number % 250 + 1}"
        self._figures = figures
        self._cookies: dict[str, str] = {}
        self._token = ""
        self._connection: http.client.HTTPConnection | None = None

    def sign_in(self) -> None:
        """Sign in as somebody who just opened the browser."""
        self._cookies.clear()
        page = self.get("sign-in page", "/sign-in")
        self._token = _token_of(page.body)
        self.post("sign-in", "/sign-in", name=self.name, password=PASSWORD)
        self._token = _token_of(self.ask(None, "GET", "/account/password").body)

    def post(self, route: str | None, path: str, **form: str) -> Answer:
        """Send a form with its token."""
        body = urlencode({"csrf_token": self._token, **form}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.ask(route, "POST", path, body, headers)

    def post_json(self, path: str, content: object) -> Answer:
        """Send what a script of a page sends."""
        headers = {"Content-Type": "application/json", "X-CSRFToken": self._token}
        return self.ask(None, "POST", path, json.dumps(content).encode(), headers)

    def get(self, route: str | None, path: str) -> Answer:
        """Look at a page."""
        return self.ask(route, "GET", path)

    def classify(self, content: bytes, end: float) -> None:
        """Send a cell as the upload script does, again and again until it is read."""
        begun = time.monotonic()
        answer = self.send("classify", "/classify", content)
        while answer.retry_after and time.monotonic() < end:
            time.sleep(answer.retry_after * self.chance.uniform(0.5, 1.5))
            answer = self.send("classify", "/classify", content)
        status = "not before the end" if answer.retry_after else answer.status
        self._figures.add(UNTIL_READ, time.monotonic() - begun, status, {201})

    def detect(self, content: bytes) -> None:
        """Send a field."""
        self.send("detect", "/detect", content)

    def close(self) -> None:
        """Leave."""
        if self._connection:
            self._connection.close()
        self._connection = None

    def send(
        self, route: str | None, path: str, content: bytes, file_name: str = "image.png"
    ) -> Answer:
        """Send an image as the upload script does."""
        head = (
            f"--{BOUNDARY}\r\nContent-Disposition: form-data; "
            f'name="images"; filename="{file_name}"\r\nContent-Type: image/png\r\n\r\n'
        )
        body = head.encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()
        headers = {
            "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
            "Accept": "application/json",
            "X-CSRFToken": self._token,
        }
        return self.ask(route, "POST", path, body, headers)

    def ask(
        self,
        route: str | None,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send any request; without a route it counts in no figures."""
        begun = time.monotonic()
        try:
            answer = self._exchange(method, path, body, headers or {})
        except (OSError, http.client.HTTPException) as error:
            self.close()
            answer = Answer(type(error).__name__)
        if route:
            # A redirect of a page leads to signing in.
            wanted = {200} if method == "GET" else {201, 202, 302}
            self._figures.add(route, time.monotonic() - begun, answer.status, wanted)
        return answer

    def _exchange(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> Answer:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(
                "127.0.0.1", self.server.port, timeout=TIMEOUT
            )
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        own = {"Cookie": cookies, "X-Forwarded-For": self._address}
        self._connection.request(method, path, body, {**own, **headers})
        answer = self._connection.getresponse()
        content = answer.read()
        for line in answer.headers.get_all("Set-Cookie", []):
            self._cookies.update({name: each.value for name, each in SimpleCookie(line).items()})
        return Answer(answer.status, content, float(answer.headers.get("Retry-After", 0)))


def _token_of(page: bytes) -> str:
    text = page.decode("utf-8", "replace")
    return text.split(TOKEN)[1].split('"')[0] if TOKEN in text else ""
