"""Limits on requests of people who are not signed in: by address and by account."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from flask import Flask, current_app, request, session
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import current_user
from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug.wrappers import Response as AnyResponse

from pages.common import attempts
from pages.common.attempts import limited
from pages.common.attempts import note_failure as note_failure  # views only know the limits
from pages.common.requires import FORM_BYTES, requirement_of
from pages.common.shared_counts import SHARED
from services.accounts.accounts import name_key

limiter = Limiter(get_remote_address, strategy="moving-window")

ANONYMOUS_BYTES = 64 * 1024

DEVICE_COOKIE = "leukoscope-device"
CODE_FOR = "code_for"
"""Where the session keeps the sign-in that still needs the code of the second factor."""
DEVICE_SECONDS = 180 * 24 * 3600
DEVICE_ACCOUNTS = 20


def init_app(app: Flask) -> None:
    """Put the limits before everything else that reads a request."""
    app.before_request(_bound_body)
    # In memory where one process serves. A restart forgets, which takes an administrator.
    uri = "memory://" if app.config["LEUKOSCOPE"].one_process else SHARED
    app.config["RATELIMIT_STORAGE_URI"] = uri
    limiter.init_app(app)
    attempts.init_app(app)


def _bound_body() -> None:
    """Refuse a body that is larger than the view has a use for."""
    if request.method in {"GET", "HEAD"}:
        return
    if not current_user.is_authenticated:
        # Somebody who is not signed in has no files to send.
        request.max_content_length = ANONYMOUS_BYTES
        return
    requirement = requirement_of(request.endpoint)
    most = requirement.max_bytes if requirement else FORM_BYTES
    if most is not None:
        request.max_content_length = min(most, current_app.config["MAX_CONTENT_LENGTH"])


def _account_tried() -> str:
    """Name the account being guessed at, and its browser if it signed in there.

    The second has a count of its own (OWASP's device cookie), so that a guesser who uses up the
    attempts at an account does not keep its owner out.
    """
    mark, device = _mark(_name_tried()), _device()
    return f"{device['id']} {mark}" if mark in device["accounts"] else f"unknown {mark}"


def _name_tried() -> str:
    """Return the typed name, or the name of a verified password.

    The address says which, and not what is sent: else one could be guessed at as the other.
    """
    if request.endpoint not in {"accounts.code", "accounts.key"}:
        return request.form.get("name", "")
    account = current_app.extensions["leukoscope_accounts"].awaiting_code(session.get(CODE_FOR))
    return account.name if account else ""


def _account_in_use() -> str:
    return current_user.get_id() if current_user.is_authenticated else get_remote_address()


# A clinic has one address: many may sign in there at once, few may fail.
attempts_by_address = limiter.limit("60 per minute", methods=["POST"])
# Wrong passwords and wrong codes at the sign-in count together.
failures_by_address = limited("10 per minute", "address", get_remote_address)
# The identity provider leads browsers back by GET.
questions_by_address = limiter.shared_limit("60 per minute", "provider")
refused_by_address = limited("10 per minute", "address", get_remote_address, method="GET")
failures_by_account = limited("5 per 15 minutes", "account", _account_tried)
sign_ups_by_address = limiter.limit("20 per hour", methods=["POST"])
# Wherever a signed-in person's password is asked for, the failures count together.
failures_of_account = limited("5 per 15 minutes", "password", _account_in_use)


def remember_device(response: AnyResponse, name: str) -> None:
    """Mark the browser as one in which this account has signed in."""
    device = _device()
    others = [mark for mark in device["accounts"] if mark != _mark(name)]
    device["accounts"] = [_mark(name), *others][:DEVICE_ACCOUNTS]
    response.set_cookie(
        device_cookie(),
        _signer().dumps(device),
        max_age=DEVICE_SECONDS,
        # Not only the path of the sign-in: the prefix __Host- asks for this one.
        path="/",
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        httponly=True,
        samesite="Lax",
    )


def device_cookie() -> str:
    """Return the cookie's name, which over https no sibling host can set."""
    return (
        f"__Host-{DEVICE_COOKIE}" if current_app.config["SESSION_COOKIE_SECURE"] else DEVICE_COOKIE
    )


def _mark(name: str) -> str:
    """Hash the account for the cookie: others must not read the name."""
    key = hashlib.sha256(_secret_key()).digest()
    return hashlib.blake2b(name_key(name).encode(), digest_size=8, key=key).hexdigest()


def _device() -> dict[str, Any]:
    try:
        return _signer().loads(request.cookies.get(device_cookie(), ""), max_age=DEVICE_SECONDS)
    except BadSignature:
        return {"id": secrets.token_hex(8), "accounts": []}


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(_secret_key(), salt="device")


def _secret_key() -> bytes:
    return current_app.config["SECRET_KEY"]
