"""A database that somebody else locks for longer than one waits, at every step of a reading.

Another connection holds the lock, as a backup or a person at the shell would. All fields must be
read afterwards, each once, without a restart.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import Flask

from jobs.runner import GOING_WRONG
from records import db, tasks
from records.analyses import analyses, field_tasks
from records.analyses.analyses import Analysis
from records.analyses.field_tasks import FieldTask
from records.tasks import TaskState
from services.analyses.analysis import Analyst
from services.analyses.field_queue import FieldQueue
from tests import locks
from tests.jobs.test_engine import until
from tests.locks import held_by_another
from tests.people import add_account
from tests.reading import Reading
from tests.services.analyses.test_field_queue import images_named, state, upload, uploads
from tests.stand_ins import drawn_field
from tests.uploads import png

STEPS = {
    "begin": (tasks, "begin"),
    "progress": (tasks, "advance"),
    "keep": (analyses, "add"),
    "finish": (tasks, "finish"),
}
"""By step of a reading, the function that writes in it."""


class Lock:
    """The lock of another connection; taken once, when a step first begins."""

    def __init__(self, app: Flask, seconds: float) -> None:
        self._url = app.config["LEUKOSCOPE"].database
        self._seconds = seconds
        self._once = threading.Lock()
        self._taken, self.released = threading.Event(), threading.Event()

    def take(self) -> None:
        with self._once:
            if not self._taken.is_set():
                threading.Thread(target=self._hold).start()
                assert self._taken.wait(30)

    def _hold(self) -> None:
        with held_by_another(self._url):
            self._taken.set()
            threading.Event().wait(self._seconds)
        self.released.set()

    def take_at(self, monkeypatch, place: object, name: str) -> None:
        """Take the lock when this function is called."""
        function = getattr(place, name)

        def locked(*arguments: object, **values: object) -> object:
            self.take()
            return function(*arguments, **values)

        monkeypatch.setattr(place, name, locked)


@pytest.fixture
def people(app: Flask) -> Iterator[list[str]]:
    owners = [add_account(app, name) for name in ("ada", "ben")]
    with app.app_context():
        yield owners


@pytest.fixture
def impatient(app: Flask) -> Iterator[None]:
    """Connections of the application wait a tenth of a second for a lock."""
    with locks.impatient(app, 100):
        yield


@contextmanager
def asleep(queue: FieldQueue) -> Iterator[None]:
    """Fields that are sent in the block wait until its end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(queue._tasks, "enqueue", lambda _task, **_asked: None)
        yield
    queue._tasks.start()


def check_all_read(app: Flask, sent: list[FieldTask]) -> None:
    """Wait until the fields are read; each was kept once, and nothing else."""
    until(lambda: {state(task) for task in sent} == {TaskState.DONE})
    kept = list(db.session.scalars(db.select(Analysis.id)))
    assert sorted(kept) == sorted(task.id for task in sent)
    assert images_named(app)
    assert uploads(app) == set()


def send_while_locked_at(step: str, lock: Lock, queue, people, monkeypatch) -> list[FieldTask]:
    """Send two fields of each person; the lock is taken when the reading comes to the step."""
    with asleep(queue):
        sent = [queue.take(owner, upload()) for owner in people for _ in range(2)]
        lock.take_at(monkeypatch, *STEPS[step])
    assert lock.released.wait(60)
    return sent


@pytest.mark.usefixtures("impatient", "reading")
@pytest.mark.parametrize("step", STEPS)
def test_fields_are_read_in_spite_of_a_lock(app, queue, people, monkeypatch, step: str):
    sent = send_while_locked_at(step, Lock(app, 1), queue, people, monkeypatch)

    check_all_read(app, sent)


@pytest.mark.slow
@pytest.mark.usefixtures("reading")
def test_fields_are_read_in_spite_of_a_lock_of_twelve_seconds(app, queue, people, monkeypatch):
    sent = send_while_locked_at("finish", Lock(app, 12), queue, people, monkeypatch)

    check_all_read(app, sent)


@pytest.mark.usefixtures("impatient")
def test_a_failure_is_noted_after_a_lock_and_the_next_field_is_read(
    app, queue, people, reading: Reading, monkeypatch
):
    lock = Lock(app, 1)
    lock.take_at(monkeypatch, tasks, "fail")
    reading.error = RuntimeError("broken")
    failed = queue.take(people[0], upload())
    assert lock.released.wait(30)
    until(lambda: state(failed) == TaskState.FAILED)
    assert failed.error == GOING_WRONG

    reading.error = None
    queue.retry(failed)
    check_all_read(app, [failed, queue.take(people[0], upload())])


@pytest.mark.usefixtures("impatient", "reading")
def test_a_refusal_keeps_its_reason_in_spite_of_a_lock(app, queue, people, monkeypatch):
    lock = Lock(app, 1)
    lock.take_at(monkeypatch, field_tasks, "forget_upload")
    damaged = queue.take(people[0], upload(png(drawn_field())[:-200]))
    assert lock.released.wait(30)
    until(lambda: state(damaged) == TaskState.FAILED)

    assert "damaged" in damaged.error
    assert uploads(app) == set()


@pytest.mark.usefixtures("impatient", "reading")
def test_a_cancelled_field_is_removed_after_a_lock(app, queue, people, monkeypatch):
    lock, cancelled = Lock(app, 1), []
    detect = Analyst.detect

    def cancel_meanwhile(analyst: Analyst, *arguments: object) -> Analysis:
        analysis = detect(analyst, *arguments)
        cancelled.append(tasks.drop(FieldTask, analysis.id))
        return analysis

    with monkeypatch.context() as patch:
        patch.setattr(Analyst, "detect", cancel_meanwhile)
        lock.take_at(patch, Analyst, "delete")
        first = queue.take(people[0], upload())
        assert lock.released.wait(30)
    assert cancelled == [True]
    second = queue.take(people[0], upload())
    check_all_read(app, [second])
    assert state(first) == TaskState.DROPPED


@pytest.mark.usefixtures("impatient")
def test_a_server_that_stops_while_locked_leaves_the_field_to_the_next(
    app, queue, people, reading, monkeypatch, restarted
):
    lock = Lock(app, 3)
    with monkeypatch.context() as patch:
        lock.take_at(patch, tasks, "finish")
        task = queue.take(people[0], upload())
        until(lambda: lock._taken.is_set())
        app.extensions["leukoscope_tasks"].stop()
    assert state(task) == TaskState.RUNNING
    assert len(list(db.session.scalars(db.select(Analysis.id)))) == 1
    assert lock.released.wait(30)

    restarted()
    check_all_read(app, [task])
    assert len(reading.begun) == 1


def test_a_cancelled_field_no_longer_counts(queue, people, reading):
    reading.go_on.clear()
    queue.take(people[0], upload())
    waiting = queue.take(people[0], upload())
    assert state(waiting) == TaskState.WAITING
    queue.cancel(waiting)

    assert (state(waiting), waiting.upload_name) == (TaskState.DROPPED, None)
    reading.go_on.set()
