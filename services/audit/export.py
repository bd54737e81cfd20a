"""Rows of the audit trail as CSV or JSON lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from sqlalchemy import RowMapping

from core.tables import COMMA, SEMICOLON, Cell, write_csv
from records.audit.audit import ENTRIES

COLUMNS = tuple(column.name for column in ENTRIES.columns)


def as_csv(rows: Iterable[RowMapping], separator: str = COMMA) -> Iterator[str]:
    """Write a table with a heading, a line at a time.

    Times are in ISO 8601, details as JSON.
    """
    return write_csv(_table(rows), separator)


def as_json_lines(rows: Iterable[RowMapping]) -> Iterator[str]:
    """Write one JSON object a line, with the hashes of the chain."""
    for row in rows:
        yield json.dumps(_values(row), ensure_ascii=False, sort_keys=True) + "\n"


FORMATS: dict[str, Callable[[Iterable[RowMapping]], Iterator[str]]] = {
    "csv": as_csv,
    "semicolon.csv": partial(as_csv, separator=SEMICOLON),
    "jsonl": as_json_lines,
}
"""By the suffix of a file."""


def _values(row: RowMapping) -> dict[str, Any]:
    return {**row, "at": row["at"].isoformat(timespec="microseconds")}


def _table(rows: Iterable[RowMapping]) -> Iterator[Sequence[Cell]]:
    yield COLUMNS
    for row in rows:
        values = _values(row)
        yield [values[name] for name in COLUMNS]
