"""Requests of programs: under /api, with a token instead of a session."""

from __future__ import annotations

from flask import g, request

from records.accounts.api_tokens import ApiToken

PREFIX = "/api"


def of_program() -> bool:
    """Return whether this request is to the API."""
    return request.path == PREFIX or request.path.startswith(f"{PREFIX}/")


def token_of_request() -> ApiToken | None:
    """Return the token with which the program of this request got in."""
    return g.get("api_token")
