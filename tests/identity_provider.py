"""A small identity provider on this machine, which answers as a test tells it to."""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey

CLIENT, SECRET = "leukoscope", "a secret of both"


class Provider:
    """What the provider knows: keys, codes, and the claims that it puts into tokens."""

    def __init__(self) -> None:
        self.address = ""
        self.down = False
        self.moved = False
        self.described: dict[str, Any] = {}
        self.claims: dict[str, Any] = {}
        self.user_info: dict[str, Any] = {}
        self.asked: dict[str, str] = {}
        self.requests: list[str] = []
        self.key, self.header = ECKey.generate_key("P-256"), {"alg": "ES256"}
        self.published = [self.key]
        self._codes: dict[str, dict[str, str]] = {}

    def change_key(self) -> None:
        """Sign with another key, and publish that one alone."""
        self.key = ECKey.generate_key("P-256")
        self.published = [self.key]

    def authorize(self, address: str) -> dict[str, str]:
        """Sign somebody in, as the browser that followed the redirect; the answer's parameters."""
        self.asked = dict(parse_qsl(urlsplit(address).query))
        code = secrets.token_hex(8)
        self._codes[code] = self.asked
        return {"code": code, "state": self.asked["state"]}

    def tokens(self, form: dict[str, str]) -> dict[str, Any] | None:
        """Redeem a code, once, by whoever knows its verifier."""
        asked = self._codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = urlsafe_b64encode(digest).rstrip(b"=").decode()
        if asked is None or challenge != asked["code_challenge"]:
            return None
        if form.get("redirect_uri") != asked["redirect_uri"]:
            return None
        return {"access_token": "opaque", "token_type": "Bearer", "id_token": self.token(asked)}

    def token(self, asked: dict[str, str]) -> str:
        """Make the ID token; a claim that the test sets to None is left out."""
        now = int(time.time())
        usual = {
            "iss": self.address,
            "aud": CLIENT,
            "sub": "4711",
            "iat": now,
            "exp": now + 300,
            "auth_time": now,
            "nonce": asked.get("nonce"),
            "preferred_username": "m.curie",
            "name": "Marie Curie",
            "groups": ["haematology"],
        }
        claims = {
            name: value for name, value in {**usual, **self.claims}.items() if value is not None
        }
        if self.header["alg"] == "none":
            return f"{_part({'alg': 'none'})}.{_part(claims)}."
        header = {"kid": self.key.thumbprint(), **self.header}
        return jwt.encode(header, claims, self.key, algorithms=[self.header["alg"]])

    def answer(self, path: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Answer a request of the application."""
        self.requests.append(path)
        if self.down:
            return 503, {}
        if self.moved and path != "/elsewhere":
            return 302, {}
        if path == "/token":
            tokens = self.tokens(form)
            return (200, tokens) if tokens else (400, {"error": "invalid_grant"})
        if path == "/keys":
            keys = [
                {**key.as_dict(private=False), "kid": key.thumbprint()} for key in self.published
            ]
            return 200, {"keys": keys}
        if path == "/me":
            return 200, self.user_info
        ends = {"authorization_endpoint": "login", "token_endpoint": "token", "jwks_uri": "keys"}
        ends |= {"userinfo_endpoint": "me", "end_session_endpoint": "logout"}
        described = {name: f"{self.address}/{end}" for name, end in ends.items()}
        return 200, {"issuer": self.address, **described, **self.described}


def _part(content: dict[str, Any]) -> str:
    return urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


@contextmanager
def running() -> Iterator[Provider]:
    """A provider that listens on this machine."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            scheme, _, known = self.headers.get("Authorization", "").partition(" ")
            assert scheme == "Basic"
            assert b64decode(known).decode() == f"{CLIENT}:{SECRET}"
            self._answer({name: values[0] for name, values in parse_qs(body).items()})

        def _answer(self, form: dict[str, str]) -> None:
            status, content = provider.answer(urlsplit(self.path).path, form)
            body = json.dumps(content).encode()
            self.send_response(status)
            if status == 302:
                self.send_header("Location", f"{provider.address}/elsewhere")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.address = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
