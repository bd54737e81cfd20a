"""Plans of SQLite for the queries of a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import event

from records import db


def plan_of(ask: Callable[[], object]) -> str:
    """The steps of the one query that is asked; needs an application context."""
    asked: list[tuple[str, Any]] = []

    def note(*shown: Any) -> None:
        asked.append((shown[2], shown[3]))

    event.listen(db.engine, "before_cursor_execute", note)
    ask()
    event.remove(db.engine, "before_cursor_execute", note)
    ((query, values),) = asked
    steps = db.session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", values)
    return "; ".join(step[-1] for step in steps)
