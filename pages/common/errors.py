"""What a person, or a script, reads when something went wrong."""

from __future__ import annotations

import logging
import math
import time
from pathlib import Path

from flask import Flask, Response, current_app, g, jsonify, render_template, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError, NoResultFound, SQLAlchemyError
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
from pages.common import problems
from pages.common.limits import limiter
from pages.common.logs import endpoint, method
from pages.common.programs import of_program
from records.faults import Fault, GoneError, fault_of
from services.analyses.field_queue import NO_ROOM, NO_STORE, NoRoomError
from services.cases.cases import CaseError
from services.language import gettext, lazy_gettext, ngettext
from services.stored_texts import translated
from services.turns import BusyError

log = logging.getLogger(__name__)

MESSAGES = {
    400: (
        lazy_gettext("Request not understood"),
        lazy_gettext("The server could not understand this request."),
    ),
    401: (lazy_gettext("Sign in"), lazy_gettext("Sign in to continue.")),
    403: (
        lazy_gettext("You don’t have access to this page"),
        lazy_gettext("Ask an administrator to change your role."),
    ),
    404: (
        lazy_gettext("Page not found"),
        lazy_gettext("There is nothing at this address, or it belongs to another team."),
    ),
    405: (
        lazy_gettext("Request not allowed"),
        lazy_gettext("This address does not accept that kind of request."),
    ),
    409: (lazy_gettext("Not possible"), lazy_gettext("This is not possible for this analysis.")),
    413: (
        lazy_gettext("Upload too large"),
        lazy_gettext("The upload is larger than this server accepts."),
    ),
    429: (lazy_gettext("Too many attempts"), lazy_gettext("Too many attempts. Try again later.")),
    503: (
        lazy_gettext("Server unavailable"),
        lazy_gettext("The server cannot do this now. Try again later."),
    ),
    500: (
        lazy_gettext("Server error"),
        lazy_gettext("Something went wrong on the server. The error was logged. Try again."),
    ),
}
OUT_OF_DATE = lazy_gettext(
    "This page had expired, so nothing was changed. Go back, reload and try again. If this keeps "
    "happening, allow cookies for this site and use its https address."
)

UNKNOWN_HOST = lazy_gettext(
    "This server does not answer to this host name. LEUKOSCOPE_HOSTNAMES lists those it answers to."
)
SAYING_WHY = (Forbidden, Conflict, ServiceUnavailable)
BUSY = lazy_gettext("The server is busy. Try again in a few seconds.")
BUSY_SECONDS = 5
MEANWHILE = lazy_gettext("Somebody else has changed or deleted this. Reload the page.")

OUTSIDE = (DBAPIError, GoneError, NoResultFound, ObjectDeletedError, OSError, StaleDataError)
"""What may be raised for a fault of disk, database or image store, or for a row that is gone."""


def init_app(app: Flask) -> None:
    """Answer every error in the language of whoever asked: a page, or JSON."""
    app.register_error_handler(HTTPException, answer)
    app.register_error_handler(BusyError, lambda _error: answer(_busy()))
    app.register_error_handler(SlideError, lambda error: answer(Conflict(translated(str(error)))))
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
        log.warning("%s %s: %s", method(), endpoint(), error)
    return answer(known)


def _known(error: BaseException | None) -> HTTPException | None:
    """Return the response to a fault of disk, database or image store, or a missing row."""
    fault = fault_of(error, Path(current_app.instance_path))
    if fault is Fault.BUSY:
        return _busy()
    if fault is Fault.FULL:
        return ServiceUnavailable(NO_ROOM)
    if fault is Fault.NO_STORE:
        return ServiceUnavailable(NO_STORE)
    if fault is Fault.GONE:
        return NotFound()
    return Conflict(MEANWHILE) if fault is Fault.CHANGED else None


def wants_json() -> bool:
    """Return whether the request prefers JSON to a page."""
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == (
        "application/json"
    )


def wants_page() -> bool:
    """Return whether a person goes to the address, not a script or an image of a page."""
    return not request.accept_mimetypes or "text/html" in request.accept_mimetypes.values()


def _busy() -> ServiceUnavailable:
    return ServiceUnavailable(BUSY, retry_after=BUSY_SECONDS)


def answer(error: HTTPException) -> Response:
    """Answer with a page, `{"error": sentence}` or, to a program, a problem, with the headers."""
    if isinstance(error, InternalServerError):
        # Raised after the view, where Flask asks no other handler.
        error = _known(error.original_exception) or error
    code = error.code or 500
    title, sentence = MESSAGES.get(code, (error.name, f"{error.name}."))
    sentence = _sentence(error) or sentence
    if of_program():
        response = problems.describe(error, code, str(sentence))
    elif wants_json():
        response = jsonify(error=str(sentence))
    elif isinstance(error, SecurityError) or not wants_page():
        # Flask builds no links for a host it does not trust. In place of an image nobody reads a
        # page, whose form token would only begin another session.
        response = Response(f"{sentence}\n", mimetype="text/plain")
    else:
        response = _page(code, title, sentence)
    response.status_code = code
    if isinstance(error, TooManyRequests):
        response.headers["Retry-After"] = str(_seconds_to_wait(error))
    if isinstance(error, ServiceUnavailable) and error.retry_after:
        response.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, MethodNotAllowed):
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
    return response


def _page(code: int, title: str, sentence: str) -> Response:
    """Render with the navigation, without it where the database fails, which tells who asks."""
    shown = {"code": code, "title": title, "sentence": sentence}
    # Where it failed before anybody knew who asks, asking again fails or takes long.
    if "_login_user" in g or code < 500:
        try:
            return Response(render_template("common/error.html", **shown))
        except (SQLAlchemyError, OSError) as error:
            log.warning("An error page has no navigation: %s", type(error).__name__)
    return Response(current_app.jinja_env.get_template("common/error.html").render(**shown))


def _sentence(error: HTTPException) -> str | None:
    if isinstance(error, CSRFError):
        return OUT_OF_DATE
    if isinstance(error, SecurityError):
        return UNKNOWN_HOST
    if isinstance(error, TooManyRequests):
        return gettext("Too many attempts. Try again in %(wait)s.", wait=_wait(error))
    if isinstance(error, SAYING_WHY) and error.description != type(error).description:
        return error.description
    if error.code == 413:
        limit = (request.max_content_length or 0) // 1024
        size = (
            gettext("%(number)s MB", number=limit // 1024)
            if limit >= 1024
            else gettext("%(number)s kB", number=limit)
        )
        return gettext(
            "The upload is larger than this server accepts at once (%(size)s).", size=size
        )
    return None


def _seconds_to_wait(error: TooManyRequests) -> int:
    if isinstance(error.retry_after, int) and error.retry_after:
        return error.retry_after
    breached = limiter.current_limit
    return max(1, math.ceil(breached.window.reset_time - time.time())) if breached else 60


def _wait(error: TooManyRequests) -> str:
    minutes = math.ceil(_seconds_to_wait(error) / 60)
    return ngettext("a minute", "%(num)s minutes", minutes)
