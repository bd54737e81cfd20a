from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from records import db
from records.cases.signatures import Signature
from records.worklist.statistics import SignedCases
from records.worklist.summaries import SignedCounts
from services.statistics.laboratory import statistics, work_of
from tests.records.analyses.test_analyses import account
from tests.records.cases.test_cases import NOON, opened
from tests.records.cases.test_signatures import amended

MONDAY = date(2026, 2, 23)


def signed_cases(hours: Sequence[int], **changes: Sequence[int]) -> SignedCases:
    counts = {"cells": 10, "blasts": 0, "compared": 4, "agreed": 3, **changes}
    number, noon = len(hours), np.datetime64(NOON.replace(tzinfo=None), "s")
    return SignedCases(
        np.full(number, "ada"),
        np.full(number, noon),
        noon + np.array(hours, "timedelta64[h]"),
        *(np.broadcast_to(np.array(value, np.int64), number) for value in counts.values()),
    )


def test_work_is_summed_up():
    work = work_of(signed_cases(range(1, 11), blasts=[hours // 10 for hours in range(1, 11)]))
    assert (work.signed, work.cells, work.blast_cases) == (10, 100, 1)
    assert (work.median_hours, work.slow_hours) == (5.5, 9)
    assert work.agreement == pytest.approx(0.75)
    one = work_of(signed_cases([3], compared=[0], agreed=[0]))
    assert (one.median_hours, one.slow_hours, one.agreement) == (3, 3, None)
    nothing = work_of(signed_cases([]))
    assert (nothing.signed, nothing.median_hours, nothing.slow_hours) == (0, None, None)


def sign(case_id: str, reader_id: str, at: datetime, version: int = 1, **counts: int) -> None:
    values = {"conclusion": "-", "contents": {}, "sha256": "0" * 64, "version": version}
    signature = Signature(case_id=case_id, reader_id=reader_id, at=at, **values)
    db.session.add(signature)
    db.session.flush()
    given = {"cells": 10, "white_cells": 9, "blasts": 2, "compared": 8, "agreed": 6, **counts}
    db.session.add(SignedCounts(signature_id=signature.id, **given))
    db.session.commit()


def test_a_period_is_counted_by_week_and_by_reader(app):
    with app.app_context():
        ada, ben = account("ada"), account("ben")
        first, second = opened(ada), opened(ada, "B-2")
        opened(ada, "C-3", hours=24 * 15)
        sign(first.id, ada, NOON + timedelta(hours=2))
        sign(second.id, ben, NOON + timedelta(days=8), blasts=0)
        amended(first)
        sign(first.id, ben, NOON + timedelta(days=9), version=2)
        found = statistics(None, None)

        assert (found.opened, found.total.signed, found.total.blast_cases) == (3, 2, 1)
        assert [week.monday for week in found.weeks] == [
            MONDAY + timedelta(weeks=week) for week in range(4)
        ]
        assert [week.opened for week in found.weeks] == [2, 0, 0, 1]
        assert [week.work.signed for week in found.weeks] == [1, 0, 1, 0]
        assert {name: work.median_hours for name, work in found.readers.items()} == {
            "ada": 2,
            "ben": 8 * 24,
        }
        later = statistics(NOON + timedelta(days=1), None)
        assert (later.opened, later.total.signed, list(later.readers)) == (1, 1, ["ben"])
        nothing = statistics(datetime(2027, 1, 1, tzinfo=UTC), None)
        assert (nothing.opened, nothing.weeks, nothing.readers) == (0, (), {})


def test_a_week_goes_from_monday_to_sunday(app):
    with app.app_context():
        ada = account("ada")
        for day in range(8):
            at = datetime(2026, 2, 23, 23, 59, tzinfo=UTC) + timedelta(days=day)
            sign(opened(ada, f"D-{day}").id, ada, at)
        weeks = statistics(None, None).weeks

    signed = {week.monday: week.work.signed for week in weeks}
    assert signed == {MONDAY: 7, MONDAY + timedelta(weeks=1): 1}
