"""Rows of the audit trail as CSV or JSON lines."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from sqlalchemy import RowMapping

from records.audit.audit import ENTRIES

COLUMNS = tuple(column.name for column in ENTRIES.columns)


def as_csv(rows: Iterable[RowMapping]) -> Iterator[str]:
    """Write a table with a heading, a line at a time.

    Times are in ISO 8601, details as JSON.
    """
    yield _line(COLUMNS)
    for row in rows:
        values = _values(row)
        yield _line(values[name] for name in COLUMNS)


def as_json_lines(rows: Iterable[RowMapping]) -> Iterator[str]:
    """Write one JSON object a line, with the hashes of the chain."""
    for row in rows:
        yield json.dumps(_values(row), ensure_ascii=False, sort_keys=True) + "\n"


FORMATS: dict[str, Callable[[Iterable[RowMapping]], Iterator[str]]] = {
    "csv": as_csv,
    "jsonl": as_json_lines,
}
"""By the suffix of a file."""


def _values(row: RowMapping) -> dict[str, Any]:
    return {**row, "at": row["at"].isoformat(timespec="microseconds")}


def _line(values: Iterable[object]) -> str:
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerow(values)
    return buffer.getvalue()
