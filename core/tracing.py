"""Traces: how long requests and tasks take, and nothing of whom they are about.

Nothing is traced until `send_to` names a tracer. What a span may say is fixed by `Attribute`: names
of routes and queues, numbers and codes, never an address, a query, a parameter or a text.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class Kind(StrEnum):
    """The operation that a span covers."""

    REQUEST = "request"
    TASK = "task"


class Attribute(StrEnum):
    """All that a span may say, by OpenTelemetry's names where it has one."""

    METHOD = "http.request.method"
    ROUTE = "http.route"
    STATUS = "http.response.status_code"
    QUEUE = "leukoscope.queue"
    OUTCOME = "leukoscope.outcome"
    ATTEMPTS = "leukoscope.attempts"
    STATEMENTS = "leukoscope.database.statements"
    DATABASE_SECONDS = "leukoscope.database.seconds"
    ERROR = "error.type"


@dataclass
class Span:
    """One request or task under way.

    Args:
        trace_id: 32 hexadecimal digits, shared by a request and the tasks that it asked for.
        span_id: 16 hexadecimal digits.
        sampled: whether it is sent.
        name: what it is called; may be set until it ends.
    """

    trace_id: str
    span_id: str
    sampled: bool
    name: str
    attributes: dict[Attribute, str | int | float] = field(default_factory=dict)
    statements: int = 0
    database_seconds: float = 0.0
    statement_began: float | None = None

    @property
    def traceparent(self) -> str:
        """By what others join its trace, as W3C Trace Context writes it."""
        return f"00-{self.trace_id}-{self.span_id}-{self.sampled:02x}"


class Tracer(Protocol):
    """Declare what sends spans somewhere."""

    def span(self, name: str, kind: Kind, parent: str | None) -> AbstractContextManager[Span]:
        """Time the block; `parent` is a `traceparent`, and ignored where it is none."""
        ...

    def close(self) -> None:
        """Send what waits, for a bounded time."""
        ...


_tracer: Tracer | None = None
_current: ContextVar[Span | None] = ContextVar("span", default=None)


def send_to(tracer: Tracer | None) -> None:
    """Trace what this process does from now on, or with None no longer."""
    global _tracer
    _tracer = tracer


def is_on() -> bool:
    """Return whether tracing is on."""
    return _tracer is not None


def current() -> Span | None:
    """Return the span to which what this thread does belongs."""
    return _current.get()


@contextmanager
def span(name: str, kind: Kind, parent: str | None = None) -> Generator[Span | None]:
    """Trace the block, if anything is traced; what it does in this thread belongs to the span.

    Args:
        name: the same for all of its sort: a route or a queue, no id.
        kind: what it is.
        parent: the `traceparent` of what asked for it.
    """
    if _tracer is None:
        yield None
        return
    with _tracer.span(name, kind, parent) as begun:
        outer = _current.get()
        _current.set(begun)
        try:
            yield begun
        finally:
            # Not by a token, which no other context takes back.
            _current.set(outer)


def close() -> None:
    """Send what waits, for a bounded time, and trace no longer."""
    if tracer := _tracer:
        send_to(None)
        tracer.close()
