"""How cookies and the tokens of forms are signed."""

from __future__ import annotations

from hashlib import sha256

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import Signer


class SessionInterface(SecureCookieSessionInterface):
    """Flask's session in a signed cookie, with SHA-256 in place of SHA-1."""

    digest_method = staticmethod(sha256)


def init_app(app: Flask) -> None:
    """Sign with HMAC-SHA-256; the default of itsdangerous and of Flask is SHA-1."""
    Signer.default_digest_method = staticmethod(sha256)
    app.session_interface = SessionInterface()
