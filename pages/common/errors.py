"""What a person, or a script, reads when something went wrong."""

from __future__ import annotations

import logging
import math
import time
from pathlib import Path

from flask import Flask, Response, current_app, jsonify, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError, NoResultFound
from sqlalchemy.orm.exc import ObjectDeletedError, StaleDataError
from werkzeug.exceptions import (
    Conflict,
    Forbidden,
    HTTPException,
    InternalServerError,
    MethodNotAllowed,
    NotFound,
    SecurityError,
    ServiceUnavailable,
    TooManyRequests,
)

from imaging.slides.slide import SlideError
from pages.common.limits import limiter
from records.faults import Fault, GoneError, fault_of
from services.analyses.field_queue import NO_ROOM, NoRoomError
from services.cases.cases import CaseError
from services.turns import BusyError

log = logging.getLogger(__name__)

MESSAGES = {
    400: ("Request not understood", "The server could not understand this request."),
    401: ("Sign in", "Sign in to continue."),
    403: ("You don’t have access to this page", "Ask an administrator to change your role."),
    404: ("Page not found", "There is nothing at this address, or it belongs to another team."),
    405: ("Request not allowed", "This address does not accept that kind of request."),
    409: ("Not possible", "This is not possible for this analysis."),
    413: ("Upload too large", "The upload is larger than this server accepts."),
    429: ("Too many attempts", "Too many attempts. Try again later."),
    503: ("Server unavailable", "The server cannot do this now. Try again later."),
    500: ("Server error", "Something went wrong on the server. The error was logged. Try again."),
}
OUT_OF_DATE = (
    "This page had expired, so nothing was changed. Go back, reload and try again. If this keeps "
    "happening, allow cookies for this site and use its https address."
)

UNKNOWN_HOST = (
    "This server does not answer to this host name. LEUKOSCOPE_HOSTNAMES lists those it answers to."
)
SAYING_WHY = (Forbidden, Conflict, ServiceUnavailable)
BUSY = "The server is busy. Try again in a few seconds."
BUSY_SECONDS = 5
MEANWHILE = "Somebody else has changed or deleted this. Reload the page."

OUTSIDE = (DBAPIError, GoneError, NoResultFound, ObjectDeletedError, OSError, StaleDataError)
"""What may be raised for a fault of the disk or the database, or for a row that is gone."""


def init_app(app: Flask) -> None:
    """Answer every error in the language of whoever asked: a page, or JSON."""
    app.register_error_handler(HTTPException, answer)
    app.register_error_handler(BusyError, lambda _error: answer(_busy()))
    app.register_error_handler(SlideError, lambda error: answer(Conflict(str(error))))
    app.register_error_handler(CaseError, lambda error: answer(Conflict(str(error))))
    app.register_error_handler(NoRoomError, lambda error: answer(ServiceUnavailable(str(error))))
    for kind in OUTSIDE:
        app.register_error_handler(kind, _answer_fault)


def _answer_fault(error: Exception) -> Response:
    """Answer a fault that is not the program's; raises every other one again."""
    known = _known(error)
    if known is None:
        raise error
    if isinstance(known, ServiceUnavailable):
        log.warning("%s %s: %s", request.method, request.path, error)
    return answer(known)


def _known(error: BaseException | None) -> HTTPException | None:
    """Return the response to a fault of the disk or the database, or a missing row."""
    fault = fault_of(error, Path(current_app.instance_path))
    if fault is Fault.BUSY:
        return _busy()
    if fault is Fault.FULL:
        return ServiceUnavailable(NO_ROOM)
    if fault is Fault.GONE:
        return NotFound()
    return Conflict(MEANWHILE) if fault is Fault.CHANGED else None


def wants_json() -> bool:
    """Return whether the request prefers JSON to a page."""
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == (
        "application/json"
    )


def _busy() -> ServiceUnavailable:
    return ServiceUnavailable(BUSY, retry_after=BUSY_SECONDS)


def answer(error: HTTPException) -> Response:
    """Answer with a page or `{"error": sentence}`, with the status and headers."""
    if isinstance(error, InternalServerError):
        # Raised after the view, where Flask asks no other handler.
        error = _known(error.original_exception) or error
    code = error.code or 500
    title, sentence = MESSAGES.get(code, (error.name, f"{error.name}."))
    sentence = _sentence(error) or sentence
    if isinstance(error, SecurityError):
        # No page: Flask builds no links for a host it does not trust.
        response = Response(f"{sentence}\n", mimetype="text/plain")
    else:
        response = jsonify(error=sentence) if wants_json() else _page(code, title, sentence)
    response.status_code = code
    if isinstance(error, TooManyRequests):
        response.headers["Retry-After"] = str(_seconds_to_wait(error))
    if isinstance(error, ServiceUnavailable) and error.retry_after:
        response.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, MethodNotAllowed):
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
    return response


def _page(code: int, title: str, sentence: str) -> Response:
    """Render without asking the database who is signed in: it may be what failed."""
    template = current_app.jinja_env.get_template("common/error.html")
    return Response(template.render(code=code, title=title, sentence=sentence))


def _sentence(error: HTTPException) -> str | None:
    if isinstance(error, CSRFError):
        return OUT_OF_DATE
    if isinstance(error, SecurityError):
        return UNKNOWN_HOST
    if isinstance(error, TooManyRequests):
        return f"Too many attempts. Try again in {_wait(error)}."
    if isinstance(error, SAYING_WHY) and error.description != type(error).description:
        return error.description
    if error.code == 413:
        limit = (request.max_content_length or 0) // 1024
        size = f"{limit // 1024} MB" if limit >= 1024 else f"{limit} kB"
        return f"The upload is larger than this server accepts at once ({size})."
    return None


def _seconds_to_wait(error: TooManyRequests) -> int:
    if isinstance(error.retry_after, int) and error.retry_after:
        return error.retry_after
    breached = limiter.current_limit
    return max(1, math.ceil(breached.window.reset_time - time.time())) if breached else 60


def _wait(error: TooManyRequests) -> str:
    minutes = math.ceil(_seconds_to_wait(error) / 60)
    return "a minute" if minutes == 1 else f"{minutes} minutes"
