"""Count the statements of each span, and the time that the database took for them."""

from __future__ import annotations

import time

from sqlalchemy import Engine, event

from core import tracing


def count(engine: Engine) -> None:
    """Note in the span of whoever asks how many statements an engine ran, and for how long."""
    event.listen(engine, "before_cursor_execute", _begin)
    event.listen(engine, "after_cursor_execute", _end)
    event.listen(engine, "handle_error", _end)


# Neither looks at a statement: its text may have values in it.
def _begin(*_: object) -> None:
    if span := tracing.current():
        span.statements += 1
        span.statement_began = time.perf_counter()


def _end(*_: object) -> None:
    span = tracing.current()
    if span and span.statement_began is not None:
        span.database_seconds += time.perf_counter() - span.statement_began
        span.statement_began = None
