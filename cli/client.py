"""A client of the API, of the standard library alone; docs/api.md shows it."""

from __future__ import annotations

import json
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener
from uuid import uuid4


class Unfollowed(HTTPRedirectHandler):
    """Follows no redirection, which would send the token to another server."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Make no other request: the answer is then an `HTTPError`."""


class Client:
    """Asks one server with one token; raises `urllib.error.HTTPError` for a problem."""

    def __init__(self, server: str, token: str) -> None:
        parts = urlsplit(server)
        here = parts.hostname in {"localhost", "127.0.0.1", "::1"}
        if parts.scheme != "https" and not (parts.scheme == "http" and here):
            raise ValueError("The server’s address must begin with https://: it is sent a token.")
        self.api, self.token = f"{server.rstrip('/')}/api/v1", token
        self.opener = build_opener(Unfollowed)

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Any:
        """Send a request and return its answer, read from JSON."""
        headers = {"Authorization": f"Bearer {self.token}", **headers}
        request = Request(self.api + path, body, headers, method=method)
        with self.opener.open(request, timeout=120) as answer:
            content = answer.read()
        try:
            return json.loads(content)
        except ValueError:
            raise HTTPException("The answer is no JSON. Is this a Leukoscope server?") from None

    def get(self, path: str) -> Any:
        """Return what is at an address."""
        return self.ask("GET", path)

    def post(self, path: str, message: object, method: str = "POST") -> Any:
        """Send a message as JSON."""
        body = json.dumps(message).encode()
        return self.ask(method, path, body, **{"Content-Type": "application/json"})

    def send(self, path: str, field: str, name: str, content: bytes, key: str) -> Any:
        """Upload a file; under the same `key` it is kept once, however often it is sent."""
        border, name = uuid4().hex, "".join(one for one in name if one.isprintable() and one != '"')
        head = f'Content-Disposition: form-data; name="{field}"; filename="{name}"'
        body = f"--{border}\r\n{head}\r\n\r\n".encode() + content + f"\r\n--{border}--\r\n".encode()
        form = {"Content-Type": f"multipart/form-data; boundary={border}"}
        return self.ask("POST", path, body, **form, **{"Idempotency-Key": key})
