"""The server's log: a line for each request, and all lines as text or as JSON.

A line names the endpoint and not the address, the account by a keyed hash and not by its name: no
pseudonyms, file names, queries or ids of cases get into it.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from types import TracebackType
from typing import Any

from flask import Flask, Response, current_app, g, has_request_context, request

from core import tracing
from settings import Settings

log = logging.getLogger("leukoscope.requests")

REQUEST_ID = "X-Request-ID"
_SANE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "other"
"""Stands for a method that a client made up, and for an address that is not there."""

ExceptionInfo = (
    tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
)


@dataclass(frozen=True)
class Answered:
    """How a request was answered; `seconds` from its start until the answer was ready."""

    endpoint: str
    method: str
    status: int
    seconds: float


class Application(Flask):
    """Flask, whose log names the endpoint of what failed and not its address."""

    def log_exception(self, exc_info: ExceptionInfo) -> None:
        """Log an error that nothing caught."""
        self.logger.error("Error in %s %s", method(), endpoint(), exc_info=exc_info)


class JsonLines(logging.Formatter):
    """One JSON object a line, with the request to which the line belongs."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if has_request_context():
            line |= {"request_id": request_id(), "endpoint": endpoint(), "account": _account()}
        if span := tracing.current():
            line["trace_id"] = span.trace_id
        line |= vars(record).get("answered", {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def configure(settings: Settings) -> None:
    """Write what this process logs as the settings say; text is what Python writes by itself."""
    if settings.log_format == "json":
        handler = logging.StreamHandler()
        handler.setFormatter(JsonLines())
        logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
        # It has two lines for each look at the schema, and so for each check of a load balancer.
        logging.getLogger("alembic.runtime.migration").setLevel(logging.WARNING)


def tell(settings: Settings, sentence: str, level: int = logging.INFO) -> None:
    """Say a sentence to whoever runs the server."""
    if settings.log_format == "json":
        logging.getLogger("leukoscope").log(level, sentence)
    else:
        stream = sys.stderr if level >= logging.WARNING else sys.stdout
        print(sentence, file=stream, flush=True)


def init_app(app: Flask) -> None:
    """Give each request an id and a line, however it ends."""
    app.before_request(_begin)
    app.after_request(_describe)
    app.teardown_request(_note)


def request_id() -> str:
    """Return the id of this request: that of the proxy if it is sane, else a new one."""
    if "request_id" not in g:
        sent = request.headers.get(REQUEST_ID, "")
        g.request_id = sent if _SANE_ID.fullmatch(sent) else secrets.token_hex(16)
    return g.request_id


def endpoint() -> str:
    """Return the endpoint of this request, which has no id in it."""
    return request.endpoint or OTHER


def method() -> str:
    """Return the method of this request, if it is one of HTTP's own."""
    return request.method if request.method in METHODS else OTHER


def answered() -> Answered:
    """Return how this request was answered: 500 where an error kept it from being."""
    seconds = time.perf_counter() - g.get("begun", time.perf_counter())
    return Answered(endpoint(), method(), g.get("status", 500), seconds)


def _begin() -> None:
    g.begun = time.perf_counter()


def _describe(response: Response) -> Response:
    g.status = response.status_code
    response.headers[REQUEST_ID] = request_id()
    return response


def _note(_error: BaseException | None) -> None:
    told = answered()
    line = {
        "method": told.method,
        "status": told.status,
        "milliseconds": round(1000 * told.seconds, 1),
    }
    words = (told.method, told.endpoint, told.status)
    log.info("%s %s %d", *words, extra={"answered": line})


def _account() -> str | None:
    """Hash the account, if the request has one: lines of one person can be told, not whose."""
    # Not `current_user`: a line of the log must not ask the database.
    account_id = getattr(g.get("_login_user"), "id", None)
    if account_id is None:
        return None
    key = current_app.config["SECRET_KEY"][:64]
    return blake2b(account_id.encode(), digest_size=8, key=key, person=b"log").hexdigest()
