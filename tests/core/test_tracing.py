"""Spans without a tracer, and one within another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext

import pytest

from core import tracing
from core.tracing import Kind, Span


class Notes:
    """A tracer that notes what it is asked."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, Kind, str | None]] = []
        self.closed = 0

    def span(self, name: str, kind: Kind, parent: str | None) -> AbstractContextManager[Span]:
        self.begun.append((name, kind, parent))
        return nullcontext(Span("a" * 32, f"{len(self.begun):016x}", True, name))

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def notes() -> Iterator[Notes]:
    notes = Notes()
    tracing.send_to(notes)
    yield notes
    tracing.send_to(None)


def test_without_a_tracer_there_is_no_span():
    with tracing.span("GET /help", Kind.REQUEST) as span:
        assert (span, tracing.current()) == (None, None)
    assert not tracing.is_on()
    tracing.close()


def test_what_a_thread_does_belongs_to_the_innermost_span(notes: Notes):
    with tracing.span("GET /help", Kind.REQUEST) as outer:
        with pytest.raises(ValueError, match="x"), tracing.span("task fields", Kind.TASK, "p"):
            assert tracing.current() is not outer
            raise ValueError("x")
        assert tracing.current() is outer
    assert tracing.current() is None
    assert notes.begun == [("GET /help", Kind.REQUEST, None), ("task fields", Kind.TASK, "p")]


def test_it_is_closed_once(notes: Notes):
    tracing.close()
    tracing.close()

    assert notes.closed == 1
    assert not tracing.is_on()


@pytest.mark.parametrize(("sampled", "flags"), [(True, "01"), (False, "00")])
def test_others_join_a_trace_by_its_ids(sampled: bool, flags: str):
    span = Span("a" * 32, "b" * 16, sampled, "GET")
    assert span.traceparent == f"00-{'a' * 32}-{'b' * 16}-{flags}"
