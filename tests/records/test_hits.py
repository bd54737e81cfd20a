from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask

from records import db, hits, utc_now
from records.hits import Hit

pytestmark = pytest.mark.postgres_only("on SQLite one process counts in its memory")


@pytest.fixture(autouse=True)
def _in_the_application(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


def test_no_more_than_the_limit_are_counted():
    assert [hits.acquire("a", 3, 60) for _ in range(5)] == [True, True, True, False, False]
    assert hits.acquire("b", 3, 60, amount=3)
    assert not hits.acquire("c", 3, 60, amount=4)
    assert [hits.window(key, 60)[1] for key in "abc"] == [3, 3, 0]


def test_what_is_older_than_the_window_counts_no_more():
    hits.acquire("a", 2, 60)
    db.session.execute(db.update(Hit).values(at=utc_now() - timedelta(seconds=61)))
    db.session.commit()
    assert hits.window("a", 60)[1] == 0

    assert hits.acquire("a", 1, 60)
    oldest, number = hits.window("a", 60)
    assert number == 1
    assert utc_now() - oldest < timedelta(seconds=30)


def test_the_newest_can_be_taken_back_and_a_key_forgotten():
    for _ in range(3):
        hits.acquire("a", 3, 60)
    hits.acquire("b", 3, 60)
    hits.give_back("a")
    assert hits.window("a", 60)[1] == 2
    hits.clear("a")
    assert [hits.window(key, 60)[1] for key in "ab"] == [0, 1]


def test_a_request_that_fails_counts_all_the_same():
    db.session.add(Hit(key="of the request", at=utc_now()))
    db.session.flush()
    hits.acquire("a", 3, 60)
    db.session.rollback()

    assert [hits.window(key, 60)[1] for key in ("a", "of the request")] == [1, 0]


def test_the_old_are_removed():
    hits.acquire("a", 3, 60)
    hits.forget_before(utc_now() - timedelta(minutes=1))
    assert hits.window("a", 60)[1] == 1
    hits.forget_before(utc_now() + timedelta(minutes=1))
    assert hits.window("a", 60)[1] == 0
