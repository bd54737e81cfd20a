"""Long lists, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from records import db

Item = TypeVar("Item")


@dataclass(frozen=True)
class Page(Generic[Item]):
    """One page of a list; `number` and `pages` count from 1, `total` is of all pages.

    There is `more` where the list was not counted to its end.
    """

    items: tuple[Item, ...]
    number: int
    pages: int
    total: int
    more: bool = False


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


@dataclass(frozen=True)
class Place:
    """Where a list of the newest first goes on: behind the row of this time and id."""

    at: datetime
    id: str


def newest_behind(
    wanted: Select[tuple[Item]],
    time: InstrumentedAttribute[datetime],
    row_id: InstrumentedAttribute[str],
    place: Place | None,
    size: int,
) -> list[Item]:
    """Return so many rows of a query behind a place, or from the beginning; newest first.

    What is added or removed meanwhile moves no row, unlike with numbered pages.
    """
    if place:
        # The first condition is what an index can begin at: it passes over no row of before.
        wanted = wanted.where(time <= place.at, or_(time < place.at, row_id > place.id))
    return list(db.session.scalars(wanted.order_by(time.desc(), row_id).limit(size)))


def page_of(
    wanted: Select[tuple[Item]], number: int, size: int, most: int | None = None
) -> Page[Item]:
    """Return one page of what a query finds; a number out of range gives the nearest.

    No more rows than `most` are counted and have pages: counting millions takes seconds.
    """
    counted = wanted.order_by(None).limit(None if most is None else most + 1)
    total = db.session.scalar(select(func.count()).select_from(counted.subquery())) or 0
    more = most is not None and total > most
    total -= more
    pages = max(1, -(-total // size))
    number = min(max(number, 1), pages)
    items = db.session.scalars(wanted.limit(size).offset((number - 1) * size))
    return Page(tuple(items), number, pages, total, more)
