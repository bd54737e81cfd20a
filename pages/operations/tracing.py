"""A span for each request, where traces are sent to a collector."""

from __future__ import annotations

from contextlib import ExitStack

from flask import Flask, current_app, g, request

from core import tracing
from core.tracing import Attribute, Kind, Span
from pages.common import logs


def init_app(app: Flask) -> None:
    """Trace every request of the application, if a collector is set."""
    if app.config["LEUKOSCOPE"].traces_url:
        app.before_request(_begin)
        app.teardown_request(_end)


def _begin() -> None:
    g.tracing = ExitStack()
    # What the method is called until it is known whether there is such a route.
    span = tracing.span(logs.method(), Kind.REQUEST, _parent())
    g.span = g.tracing.enter_context(span)


def _end(error: BaseException | None) -> None:
    with g.pop("tracing", ExitStack()):
        if span := g.pop("span", None):
            _describe(span, error)


def _describe(span: Span, error: BaseException | None) -> None:
    answered = logs.answered()
    span.attributes[Attribute.METHOD] = answered.method
    span.attributes[Attribute.STATUS] = answered.status
    # The template, never the address: that has ids, and whatever somebody typed into it.
    if request.url_rule is not None:
        span.attributes[Attribute.ROUTE] = request.url_rule.rule
        span.name = f"{answered.method} {request.url_rule.rule}"
    if answered.status >= 500:
        span.attributes[Attribute.ERROR] = type(error).__name__ if error else str(answered.status)


def _parent() -> str | None:
    """Return the proxy's span; what a browser sends belongs to nobody's trace."""
    if not current_app.config["LEUKOSCOPE"].proxies:
        return None
    return request.headers.get("traceparent")
