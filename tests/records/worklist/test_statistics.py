"""The rows that the statistics of a laboratory are made of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from flask import Flask

from records import db
from records.cases.signatures import Signature, SignatureRole
from records.worklist.statistics import SignedCases, signed_cases
from tests.plans import plan_of
from tests.records.analyses.test_analyses import account
from tests.records.cases.test_cases import NOON, opened
from tests.records.cases.test_signatures import amended
from tests.services.statistics.test_laboratory import sign


@pytest.fixture(autouse=True)
def context(app: Flask):
    with app.app_context():
        yield


def put_signature(case_id: str, reader_id: str, at: datetime, **values: object) -> None:
    """A signature of which nothing was counted, as those of before counts were kept."""
    contents = {"conclusion": "-", "contents": {}, "sha256": "0" * 64, "version": 1, **values}
    db.session.add(Signature(case_id=case_id, reader_id=reader_id, at=at, **contents))
    db.session.commit()


def rows_of(found: SignedCases) -> list[tuple[object, ...]]:
    columns = vars(found).values()
    return sorted(zip(*(column.tolist() for column in columns), strict=True))


def at(time: datetime) -> datetime:
    """Return a time as NumPy gives it, which knows no time zone, in whole seconds."""
    return time.replace(tzinfo=None, microsecond=0)


def test_of_each_case_the_first_final_signature_counts():
    ada, ben = account("ada"), account("Ben")
    one, two, read_once = opened(ada), opened(ada, "B-2"), opened(ada, "C-3")
    later = NOON + timedelta(hours=3, microseconds=999_999)
    put_signature(one.id, ada, NOON + timedelta(hours=1), final=False)
    put_signature(one.id, ben, later, role=SignatureRole.SECOND)
    sign(two.id, ada, NOON + timedelta(days=1), cells=20, blasts=3, compared=9, agreed=7)
    put_signature(read_once.id, ada, NOON, final=False)
    amended(two)
    sign(two.id, ben, NOON + timedelta(days=2), version=2)

    assert rows_of(signed_cases(None, None)) == [
        ("Ben", at(one.created_at), at(later), 0, 0, 0, 0),
        ("ada", at(two.created_at), at(NOON) + timedelta(days=1), 20, 3, 9, 7),
    ]


def test_cases_of_a_period_are_those_signed_in_it():
    ada = account("ada")
    for day in range(3):
        sign(opened(ada, f"D-{day}").id, ada, NOON + timedelta(days=day))

    found = signed_cases(NOON + timedelta(days=1), NOON + timedelta(days=2))
    assert found.signed_at.tolist() == [at(NOON) + timedelta(days=1)]


@pytest.mark.sqlite_only("the plans of PostgreSQL depend on the number of rows")
def test_signatures_of_a_period_are_found_in_an_index():
    plan = plan_of(lambda: signed_cases(NOON, NOON + timedelta(days=1)))
    assert "SEARCH signatures USING INDEX ix_signatures_first_final_at" in plan


def test_nothing_has_the_types_of_something():
    sign(opened(account("ada")).id, account("ben"), NOON)
    nothing = signed_cases(datetime(2100, 1, 1, tzinfo=UTC), None)
    something = signed_cases(None, None)

    assert len(nothing.readers) == 0
    for name, column in vars(nothing).items():
        assert column.shape == (0,)
        assert column.dtype.kind == vars(something)[name].dtype.kind
    assert something.signed_at.dtype == nothing.signed_at.dtype == np.dtype("datetime64[s]")
