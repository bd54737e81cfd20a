"""Long lists, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from sqlalchemy import Select, func, select
from sqlalchemy.orm import InstrumentedAttribute

from records import db

Item = TypeVar("Item")


@dataclass(frozen=True)
class Page(Generic[Item]):
    """One page of a list; `number` and `pages` count from 1, `total` is of all pages."""

    items: tuple[Item, ...]
    number: int
    pages: int
    total: int


def between(
    wanted: Select[tuple[Item]],
    time: InstrumentedAttribute[datetime],
    since: datetime | None,
    before: datetime | None,
) -> Select[tuple[Item]]:
    """Restrict a query to what happened `since` then, included, and `before`.

    None does not restrict.
    """
    if since:
        wanted = wanted.where(time >= since)
    return wanted.where(time < before) if before else wanted


def page_of(wanted: Select[tuple[Item]], number: int, size: int) -> Page[Item]:
    """Return one page of what a query finds; a number out of range gives the nearest."""
    total = db.session.scalar(select(func.count()).select_from(wanted.order_by(None).subquery()))
    pages = max(1, -(-(total or 0) // size))
    number = min(max(number, 1), pages)
    items = db.session.scalars(wanted.limit(size).offset((number - 1) * size))
    return Page(tuple(items), number, pages, total or 0)
