"""Authenticate programs by the token of an account, and nobody by a cookie."""

from __future__ import annotations

from flask import Flask, Request, current_app, g
from flask_limiter.util import get_remote_address
from limits import parse

from pages.common.programs import of_program
from records.accounts.accounts import Account
from services.accounts import api_tokens
from services.audit.audit import act_as, as_program

SCHEME = "bearer"
"""Of the header `Authorization`; its case does not matter."""

FAILURES = parse("10 per minute")
"""Wrong tokens from one address; those of sign-ins count apart, or a script locked people out."""

LONGEST = 256
"""Characters of a token that is looked at."""


def init_app(app: Flask) -> None:
    """Let Flask-Login ask for the token, on addresses of the API alone."""
    app.extensions["leukoscope_login"].request_loader(_load)


def _load(request: Request) -> Account | None:
    if not of_program():
        return None
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != SCHEME or not text or g.get("token_was_wrong"):
        return None
    token = api_tokens.find(text.strip()) if len(text) <= LONGEST else None
    if token is None:
        # Once a request, however often it is asked who sends it.
        g.token_was_wrong = True
        attempts = current_app.extensions["leukoscope_attempts"]
        attempts.begin(FAILURES, "token", get_remote_address())
        return None
    g.api_token = token
    act_as(as_program(token.account, token.name))
    return token.account
