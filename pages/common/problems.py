"""Errors as programs read them: `application/problem+json` (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from flask import Response, json
from werkzeug.exceptions import HTTPException, Unauthorized

MIMETYPE = "application/problem+json"

UNAUTHORIZED = (
    "Send a token that is valid: “Authorization: Bearer leuko_…”. People make tokens on the page "
    "“Access tokens” of their account."
)


class ProblemError(HTTPException):
    """A request that is refused with more to say than a sentence.

    `members` are further members of the problem, as JSON.
    """

    def __init__(
        self,
        code: int,
        sentence: str,
        headers: Mapping[str, str] | None = None,
        **members: object,
    ) -> None:
        super().__init__(sentence)
        self.code = code
        self.headers = headers or {}
        self.members = members


def describe(error: HTTPException, code: int, sentence: str) -> Response:
    """Describe an error, whose general `sentence` one of its own goes before."""
    own = error if isinstance(error, ProblemError) else None
    title = HTTPStatus(code).phrase if code in set(HTTPStatus) else error.name
    detail = UNAUTHORIZED if isinstance(error, Unauthorized) else own and own.description
    problem = {"type": "about:blank", "title": title, "status": code, "detail": detail or sentence}
    response = Response(json.dumps({**problem, **(own.members if own else {})}), mimetype=MIMETYPE)
    response.headers.update(own.headers if own else {})
    if code == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response
