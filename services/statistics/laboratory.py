"""The work of a laboratory in a period: how much, how fast, and in what agreement with models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from records.worklist import statistics as records
from records.worklist.statistics import SignedCases

TARGET_SHARE = 0.9
"""Of the cases that are signed within the longer turnaround."""


@dataclass(frozen=True)
class Work:
    """What was signed: turnarounds in hours from opening to signing, None without a case.

    `agreement` is the share, in 0..1, of reviewed cells on which models and reviewers both say
    blast, or both do not; None without one.
    """

    signed: int
    cells: int
    blast_cases: int
    median_hours: float | None
    slow_hours: float | None
    agreement: float | None


@dataclass(frozen=True)
class Week:
    """One week, by its Monday, UTC."""

    monday: date
    opened: int
    work: Work


@dataclass(frozen=True)
class Statistics:
    """The work of a period: in all, by week without gaps, and by who signed."""

    opened: int
    total: Work
    weeks: tuple[Week, ...]
    readers: dict[str, Work]


NOTHING = Work(0, 0, 0, None, None, None)


def statistics(since: datetime | None, before: datetime | None) -> Statistics:
    """Count the work of all teams from `since` on, and `before` a time; None does not restrict."""
    opened = _by_week(records.opened_by_day(since, before))
    signed = records.signed_cases(since, before)
    weeks = _groups(_mondays(signed.signed_at), signed)
    readers = _groups(signed.readers, signed)
    return Statistics(
        opened=opened.total(),
        total=work_of(signed),
        weeks=tuple(
            Week(monday, opened[monday], weeks.get(monday, NOTHING))
            for monday in _without_gaps({*opened, *weeks})
        ),
        readers={name: readers[name] for name in sorted(readers, key=str.casefold)},
    )


def work_of(signed: SignedCases) -> Work:
    """Sum up signed cases."""
    if not len(signed.readers):
        return NOTHING
    hours = np.sort((signed.signed_at - signed.created_at) / np.timedelta64(1, "h"))
    compared = int(signed.compared.sum())
    return Work(
        signed=len(hours),
        cells=int(signed.cells.sum()),
        blast_cases=int((signed.blasts > 0).sum()),
        median_hours=float(hours[(len(hours) - 1) // 2] + hours[len(hours) // 2]) / 2,
        slow_hours=float(hours[_nearest_rank(len(hours))]),
        agreement=int(signed.agreed.sum()) / compared if compared else None,
    )


def _groups(keys: NDArray[Any], signed: SignedCases) -> dict[Any, Work]:
    """Sum up the cases of each key."""
    found, numbers, sizes = np.unique(keys, return_inverse=True, return_counts=True)
    # Of nothing, one empty part.
    places = np.split(np.argsort(numbers), np.cumsum(sizes)[:-1])
    return {key.item(): work_of(signed.of(each)) for key, each in zip(found, places, strict=False)}


def _mondays(times: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
    # Weeks of NumPy begin on Thursdays, as 1970 did.
    days = times.astype("datetime64[D]")
    return (days + 3).astype("datetime64[W]").astype("datetime64[D]") - 3


def _nearest_rank(number: int) -> int:
    """Return the place, from 0, of the least value that `TARGET_SHARE` of all do not exceed."""
    return -(-number * round(100 * TARGET_SHARE) // 100) - 1


def _by_week(by_day: dict[date, int]) -> Counter[date]:
    weeks: Counter[date] = Counter()
    for day, number in by_day.items():
        weeks[_monday(day)] += number
    return weeks


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _without_gaps(mondays: Iterable[date]) -> list[date]:
    found = sorted(mondays)
    if not found:
        return []
    number = (found[-1] - found[0]).days // 7 + 1
    return [found[0] + timedelta(weeks=week) for week in range(number)]
