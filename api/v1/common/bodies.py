"""Check the body of a request first, because the library lets anything pass."""

from __future__ import annotations

from flask import Flask, abort, current_app, request

from pages.common.problems import ProblemError
from pages.common.programs import of_program

NO_OBJECT = "Send a JSON object."
FORM = "multipart/form-data"


def init_app(app: Flask) -> None:
    """Check the body of each request of a program."""
    app.before_request(_check)


def _check() -> None:
    if not of_program() or request.method in {"GET", "HEAD", "OPTIONS"}:
        return
    view = current_app.view_functions.get(request.endpoint or "")
    expected = getattr(view, "__annotations__", {})
    if "body" in expected:
        _check_json()
    elif "form" in expected and request.mimetype != FORM:
        abort(415)


def _check_json() -> None:
    if not request.is_json:
        abort(415)
    if not isinstance(request.get_json(), dict):
        raise ProblemError(422, NO_OBJECT)
