"""What the statistics of a laboratory are made of, without a finding or what was signed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select, String, cast, func, select

from records import db, pagination
from records.accounts.accounts import Account
from records.cases.cases import Case
from records.cases.signatures import Signature, first_final
from records.worklist.summaries import SignedCounts


@dataclass(frozen=True)
class SignedCases:
    """Cases as they were finally signed for the first time, in any order, a column of each value.

    `readers` are names, times are datetime64[s] in UTC, counts int64 as in `SignedCounts`.
    """

    readers: NDArray[np.str_]
    created_at: NDArray[np.datetime64]
    signed_at: NDArray[np.datetime64]
    cells: NDArray[np.int64]
    blasts: NDArray[np.int64]
    compared: NDArray[np.int64]
    agreed: NDArray[np.int64]

    def of(self, places: NDArray[np.intp]) -> SignedCases:
        """Return those in these places."""
        return SignedCases(*(getattr(self, column.name)[places] for column in fields(self)))


def opened_by_day(since: datetime | None, before: datetime | None) -> dict[date, int]:
    """Count the cases, without demos, that were opened on each day, UTC; only days with any."""
    day = func.date(Case.created_at)
    real = select(Case).where(~Case.demo)
    counted = pagination.between(real, Case.created_at, since, before)
    rows = db.session.execute(counted.with_only_columns(day, func.count()).group_by(day))
    return {date.fromisoformat(str(one)): number for one, number in rows}


def signed_cases(since: datetime | None, before: datetime | None) -> SignedCases:
    """Return the cases that were finally signed for the first time in a period."""
    # Not by the session, which makes an object of each row in Python.
    rows = db.session.connection().execute(_first_signed(since, before)).all()
    readers, created, signed, *counts = zip(*rows, strict=True) if rows else [()] * 7
    return SignedCases(
        np.array(readers, np.str_),
        _times(created),
        _times(signed),
        *(np.array(one, np.int64) for one in counts),
    )


def _times(texts: Sequence[str]) -> NDArray[np.datetime64]:
    return np.array(texts, "datetime64[us]").astype("datetime64[s]")


def _first_signed(since: datetime | None, before: datetime | None) -> Select[Any]:
    # Times as text: to make one of each of many thousand values takes longer than to find them.
    times = (cast(at, String) for at in (Case.created_at, Signature.at))
    counts = (
        func.coalesce(column, 0)
        for column in (
            SignedCounts.cells,
            SignedCounts.blasts,
            SignedCounts.compared,
            SignedCounts.agreed,
        )
    )
    wanted = select(Account.name, *times, *counts)
    wanted = (
        wanted.select_from(Signature)
        .join(Case, Case.id == Signature.case_id)
        .join(Account, Account.id == Signature.reader_id)
        .outerjoin(SignedCounts, SignedCounts.signature_id == Signature.id)
        .where(first_final(), ~Case.demo)
    )
    return pagination.between(wanted, Signature.at, since, before)
