"""Names and times for people, on pages and in reports."""

from __future__ import annotations

from datetime import datetime

SPECIMEN_NAMES = {"blood": "Peripheral blood", "marrow": "Bone marrow"}
"""By `records.cases.cases.Case.specimen`."""


def format_datetime(time: datetime) -> str:
    """Write a point in time (aware, UTC) for a reader."""
    return f"{time:%d %b %Y, %H:%M} UTC"
