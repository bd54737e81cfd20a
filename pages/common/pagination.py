"""Long lists: which page of one is asked for, and what narrows it."""

from __future__ import annotations

from flask import current_app, request


def page_number() -> int:
    """Return the number of the page, from 1; 1 for anything invalid."""
    return request.args.get("page", 1, type=int)


def page_size() -> int:
    """Return how many analyses or cases a page shows."""
    return current_app.config["LEUKOSCOPE"].page_size


def query() -> dict[str, str]:
    """Return the filters, to be kept in links to the other pages."""
    return {name: value for name, value in request.args.items() if value and name != "page"}
