"""Fields as the watch over quality sees them, kept on days of one's choice."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from records.accounts.accounts import new_id
from records.analyses import analyses
from records.analyses.analyses import Analysis
from tests.cases import FILE
from tests.services.analyses.fields import kept, named_field

MEASURES = {"light": 230.0, "depth": 0.3, "balance": 0.6, "cast": 0.05, "focus": 0.4}
SIZE = (2592, 1944)


def put_watched(
    owner_id: str,
    day: date,
    case_id: str | None = None,
    size: tuple[int, int] = SIZE,
    measures: dict[str, float] | None = None,
    result: str = analyses.NO_BLASTS,
    analysis_id: str | None = None,
    **counts: int,
) -> Analysis:
    """Keep a field of 100 white cells, analysed on this day at noon, with these changes."""
    analysis = kept(named_field())
    values = {
        **FILE,
        "id": analysis_id or new_id(),
        "owner_id": owner_id,
        "case_id": case_id,
        "batch_id": new_id(),
        "result": result,
        "created_at": datetime.combine(day, time(12), UTC),
        "width": size[0],
        "height": size[1],
        "quality": quality(**(measures or {})),
        "counts": {**(analysis.counts or {}), "white": 100, "blast": 0, "uncertain": 10, **counts},
    }
    for column, value in values.items():
        setattr(analysis, column, value)
    analyses.add(analysis)
    return analysis


def quality(**measures: float) -> dict[str, Any]:
    """The kept quality of a readable field, with these measures changed."""
    judged = {"verdict": "readable", "reasons": [], "can_override": False, "overridden": False}
    return {**judged, "cropped": None, "measures": {**MEASURES, **measures}}


def put_days(owner_id: str, depths: Iterable[float], last: date, **values: Any) -> None:
    """Keep a field a day, of these depths of stain, up to the last day."""
    shown = list(depths)
    for number, depth in enumerate(shown):
        day = last - timedelta(days=len(shown) - 1 - number)
        put_watched(owner_id, day, measures={"depth": depth}, **values)


STEADY = [0.3, 0.31, 0.29, 0.3, 0.305, 0.295] * 4
"""Depths of stain on 24 days."""

PALE = [0.2] * 5
"""And on five more, on which it was another."""
