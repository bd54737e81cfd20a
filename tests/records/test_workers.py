from collections.abc import Iterator

import pytest
from flask import Flask

from records import db, utc_now, workers
from records.workers import SILENT, Worker


@pytest.fixture(autouse=True)
def _in_the_application(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


def silence(worker_id: str) -> None:
    db.session.get_one(Worker, worker_id).seen_at = utc_now() - SILENT * 1.1
    db.session.commit()


def test_a_process_lives_as_long_as_it_is_heard_of():
    workers.beat("a", "process 1 on here")
    workers.beat("b", "process 2 on here")
    assert workers.living() == {"a", "b"}

    silence("a")
    assert workers.living() == {"b"}
    workers.beat("a", "process 1 on here")
    assert workers.living() == {"a", "b"}


def test_those_that_are_dead_are_removed():
    workers.beat("a", "process 1 on here")
    silence("a")
    workers.beat("b", "process 2 on here")
    workers.forget_dead()

    assert list(db.session.scalars(db.select(Worker.id))) == ["b"]


def test_one_that_leaves_or_starts_alone_is_told_at_once():
    for name in "abc":
        workers.beat(name, "a process")
    workers.leave("a")
    assert workers.living() == {"b", "c"}
    workers.forget_all()
    assert workers.living() == set()
