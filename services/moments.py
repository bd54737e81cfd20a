"""Points in time in words, on pages and in reports."""

from __future__ import annotations

from datetime import datetime


def when(moment: datetime) -> str:
    """A point in time (aware, UTC) for a reader."""
    return f"{moment:%d %b %Y, %H:%M} UTC"
