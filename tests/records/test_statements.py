"""The statements of a span: how many, and how long, also of one that fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError

from core import tracing
from core.tracing import Kind, Span
from records import statements


class Only:
    """A tracer of one span."""

    def __init__(self) -> None:
        self.made = Span("a" * 32, "b" * 16, True, "GET")

    def span(self, name: str, kind: Kind, parent: str | None) -> AbstractContextManager[Span]:
        return nullcontext(self.made)

    def close(self) -> None:
        """Do nothing."""


@pytest.fixture
def span() -> Iterator[Span]:
    """A span under way."""
    tracing.send_to(Only())
    with tracing.span("GET", Kind.REQUEST) as span:
        yield span
    tracing.send_to(None)


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = create_engine("sqlite://")
    statements.count(engine)
    yield engine
    engine.dispose()


def test_statements_are_counted_and_timed(span: Span, engine: Engine):
    with engine.connect() as connection:
        for _ in range(3):
            connection.execute(text("SELECT 1"))

    assert span.statements == 3
    assert 0 < span.database_seconds < 60


def test_a_statement_that_fails_is_counted_and_timed(span: Span, engine: Engine):
    with engine.connect() as connection, pytest.raises(DBAPIError):
        connection.execute(text("SELECT nothing"))

    assert span.statements == 1
    assert span.database_seconds > 0
    assert span.statement_began is None


def test_without_a_span_nothing_is_counted(engine: Engine):
    with engine.connect() as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1
