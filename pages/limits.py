"""How much and how often a stranger may ask: by address, and by account."""

from __future__ import annotations

import hashlib
import secrets

from flask import Flask, Response, current_app, g, request, session
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import current_user
from itsdangerous import BadSignature, URLSafeTimedSerializer

from services.accounts import name_key

# In memory: one process serves an installation. A restart forgets, which takes an administrator.
limiter = Limiter(get_remote_address, storage_uri="memory://", strategy="moving-window")

STRANGERS_BYTES = 64 * 1024
DEVICE_COOKIE = "leukoscope-device"
CODE_FOR = "code_for"
"""Where the session keeps the sign-in that still needs the code of the second factor."""
DEVICE_SECONDS = 180 * 24 * 3600
DEVICE_ACCOUNTS = 20


def init_app(app: Flask) -> None:
    """Put the limits before everything else that reads a request."""
    app.before_request(_bound_strangers)
    limiter.init_app(app)


def _bound_strangers() -> None:
    """Somebody who is not signed in has no files to send."""
    if request.method not in {"GET", "HEAD"} and not current_user.is_authenticated:
        request.max_content_length = STRANGERS_BYTES


def note_failure() -> None:
    """Count this request as a failed attempt at a password."""
    g.attempt_failed = True


def _failed(_response: Response) -> bool:
    return g.get("attempt_failed", False)


def _account_tried() -> str:
    """Who is being guessed at: an account, or an account in a browser that has signed in to it.

    The second has a count of its own (OWASP's device cookie), so that a stranger who uses up the
    attempts at an account does not keep its owner out.
    """
    mark, device = _mark(_name_tried()), _device()
    return f"{device['id']} {mark}" if mark in device["accounts"] else f"stranger {mark}"


def _name_tried() -> str:
    """The name that was typed, or on the page of the code that of the right password.

    The address says which, and not what is sent: else one could be guessed at as the other.
    """
    if request.endpoint != "accounts.code":
        return request.form.get("name", "")
    account = current_app.extensions["leukoscope_accounts"].awaiting_code(session.get(CODE_FOR))
    return account.name if account else ""


def _account_in_use() -> str:
    return current_user.get_id() if current_user.is_authenticated else get_remote_address()


# A clinic has one address: many may sign in there at once, few may fail.
attempts_by_address = limiter.limit("60 per minute", methods=["POST"])
# Wrong passwords and wrong codes at the sign-in count together.
failures_by_address = limiter.shared_limit(
    "10 per minute", scope="sign-in from", methods=["POST"], deduct_when=_failed
)
failures_by_account = limiter.shared_limit(
    "5 per 15 minutes",
    scope="sign-in to",
    key_func=_account_tried,
    methods=["POST"],
    deduct_when=_failed,
)
sign_ups_by_address = limiter.limit("20 per hour", methods=["POST"])
# Wherever a signed-in person's password is asked for, the failures count together.
failures_of_account = limiter.shared_limit(
    "5 per 15 minutes",
    scope="password",
    key_func=_account_in_use,
    methods=["POST"],
    deduct_when=_failed,
)


def remember_device(response: Response, name: str) -> None:
    """Mark the browser as one in which this account has signed in."""
    device = _device()
    others = [mark for mark in device["accounts"] if mark != _mark(name)]
    device["accounts"] = [_mark(name), *others][:DEVICE_ACCOUNTS]
    response.set_cookie(
        device_cookie(),
        _signer().dumps(device),
        max_age=DEVICE_SECONDS,
        # Not the path of the sign-in alone: the prefix __Host- asks for this one.
        path="/",
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        httponly=True,
        samesite="Lax",
    )


def device_cookie() -> str:
    """The name of the cookie; over https no sibling host can set one of this name."""
    return (
        f"__Host-{DEVICE_COOKIE}" if current_app.config["SESSION_COOKIE_SECURE"] else DEVICE_COOKIE
    )


def _mark(name: str) -> str:
    """The account in the cookie: no name that others at the same screen could read."""
    key = hashlib.sha256(current_app.secret_key).digest()
    return hashlib.blake2b(name_key(name).encode(), digest_size=8, key=key).hexdigest()


def _device() -> dict:
    try:
        return _signer().loads(request.cookies.get(device_cookie(), ""), max_age=DEVICE_SECONDS)
    except BadSignature:
        return {"id": secrets.token_hex(8), "accounts": []}


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key, salt="device")
