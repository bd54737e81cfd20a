"""What the statistics of a laboratory are made of, without a finding or what was signed."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Float, Select, cast, extract, func, select

from records import db, pagination
from records.accounts.accounts import Account
from records.cases.cases import Case
from records.cases.signatures import Signature, first_final
from records.worklist.summaries import SignedCounts


@dataclass(frozen=True)
class SignedCases:
    """Cases as they were finally signed for the first time, oldest first, a column of each value.

    `readers` are names, times are datetime64[s] in UTC, counts int64 as in `SignedCounts`.
    """

    readers: NDArray[np.str_]
    created_at: NDArray[np.datetime64]
    signed_at: NDArray[np.datetime64]
    cells: NDArray[np.int64]
    blasts: NDArray[np.int64]
    compared: NDArray[np.int64]
    agreed: NDArray[np.int64]

    def of(self, chosen: NDArray[np.bool_]) -> SignedCases:
        """Return those that are chosen."""
        return SignedCases(*(getattr(self, column.name)[chosen] for column in fields(self)))


def opened_by_day(since: datetime | None, before: datetime | None) -> dict[date, int]:
    """Count the cases, without demos, that were opened on each day, UTC; only days with any."""
    day = func.date(Case.created_at)
    real = select(Case).where(~Case.demo)
    counted = pagination.between(real, Case.created_at, since, before)
    rows = db.session.execute(counted.with_only_columns(day, func.count()).group_by(day))
    return {date.fromisoformat(str(one)): number for one, number in rows}


def signed_cases(since: datetime | None, before: datetime | None) -> SignedCases:
    """Return the cases that were finally signed for the first time in a period, oldest first."""
    rows = db.session.execute(_first_signed(since, before)).all()
    readers = np.array([row[0] for row in rows], np.str_)
    created, signed = (
        np.array([row[at] for row in rows], np.float64).astype("datetime64[s]") for at in (1, 2)
    )
    counts = np.array([row[3:] for row in rows], np.int64).reshape(-1, 4)
    return SignedCases(readers, created, signed, *counts.T)


def _first_signed(since: datetime | None, before: datetime | None) -> Select[Any]:
    # As numbers: to make a time of each of many thousand values takes longer than to find them.
    seconds = (cast(extract("epoch", at), Float) for at in (Case.created_at, Signature.at))
    counts = (
        func.coalesce(column, 0)
        for column in (
            SignedCounts.cells,
            SignedCounts.blasts,
            SignedCounts.compared,
            SignedCounts.agreed,
        )
    )
    wanted = select(Account.name, *seconds, *counts)
    wanted = (
        wanted.select_from(Signature)
        .join(Case, Case.id == Signature.case_id)
        .join(Account, Account.id == Signature.reader_id)
        .outerjoin(SignedCounts, SignedCounts.signature_id == Signature.id)
        .where(first_final(), ~Case.demo)
    )
    return pagination.between(wanted, Signature.at, since, before).order_by(Signature.id)
