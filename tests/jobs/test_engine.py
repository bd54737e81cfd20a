import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from jobs import engine as services
from jobs.engine import GOING_WRONG, Progress, TaskError, Tasks
from records import db
from records.analyses import explanations
from records.analyses.explanations import Explanation
from records.tasks import TaskState
from tests.records.analyses.test_analyses import account, kept
from tests.waiting import HANGS, until


class Waiter:
    """Work that runs until it is let go, one step at a time, and notes what became of it."""

    table = Explanation

    def __init__(self, error: Exception | None = None, at_once: int = 1) -> None:
        self.error = error
        self.at_once = at_once
        self.started, self.go_on = threading.Event(), threading.Event()
        self.ran: list[str] = []
        self.discarded: list[dict[str, Any]] = []

    def run(self, task_id: str, progress: Progress) -> dict[str, Any]:
        self.ran.append(task_id)
        self.started.set()
        if self.error:
            raise self.error
        while not self.go_on.wait(0.01):
            progress(len(self.ran), 10)
        return {"picture_name": f"of {task_id[:8]}"}

    def discard(self, made: dict[str, Any]) -> None:
        self.discarded.append(made)


@pytest.fixture(autouse=True)
def _notes_at_once(monkeypatch) -> None:
    monkeypatch.setattr(services, "BETWEEN_NOTES", 0)


@pytest.fixture
def begin(app: Flask) -> Iterator[Callable[[Waiter], Tasks]]:
    """Start a background with one kind of work; all are stopped at the end."""
    begun = []

    def begin(work: Waiter) -> Tasks:
        background = Tasks(app.app_context)
        background.add(work)
        begun.append(background)
        background.start()
        return background

    yield begin
    for background in begun:
        background.stop()


@pytest.fixture
def explanation_id(app: Flask) -> str:
    with app.app_context():
        analysis = kept(account("ada"))
        explanations.ask_for(analysis.id)
        return explanations.find(analysis.id).id


def state(app: Flask, explanation_id: str) -> Explanation:
    with app.app_context():
        return explanations.get(explanation_id)


def test_what_waits_is_done_and_its_progress_told(app: Flask, begin, explanation_id: str):
    work = Waiter()
    begin(work)
    until(lambda: state(app, explanation_id).done == 1)
    assert state(app, explanation_id).total == 10

    work.go_on.set()
    until(lambda: state(app, explanation_id).state == TaskState.DONE)
    assert state(app, explanation_id).picture_name == f"of {explanation_id[:8]}"
    assert work.ran == [explanation_id]


def test_a_sleeping_background_is_woken(app: Flask, begin):
    work = Waiter()
    work.go_on.set()
    background = begin(work)
    with app.app_context():
        explanations.ask_for(kept(account("ada")).id)
    background.wake()

    until(lambda: len(work.ran) == 1)


def test_a_stopped_server_does_it_at_the_next_start(app: Flask, begin, explanation_id: str):
    first = Waiter()
    background = begin(first)
    first.started.wait(HANGS)
    background.stop()
    assert state(app, explanation_id).state == TaskState.WAITING

    second = Waiter()
    second.go_on.set()
    begin(second)
    until(lambda: state(app, explanation_id).state == TaskState.DONE)
    assert first.ran == second.ran == [explanation_id]


def test_a_killed_server_does_it_at_the_next_start(app: Flask, begin, explanation_id: str):
    with app.app_context():
        db.session.execute(
            db.update(Explanation).values(state=TaskState.RUNNING, attempts=1, done=3)
        )
        db.session.commit()
    work = Waiter()
    work.go_on.set()
    begin(work)

    until(lambda: state(app, explanation_id).state == TaskState.DONE)


def test_as_many_are_done_at_once_as_the_work_allows(app: Flask, begin, explanation_id: str):
    with app.app_context():
        for name in ("ben", "eve"):
            explanations.ask_for(kept(account(name)).id)
    work = Waiter(at_once=2)
    begin(work)
    until(lambda: len(work.ran) == 2)
    time.sleep(0.05)
    assert len(work.ran) == 2

    work.go_on.set()
    until(lambda: len(work.ran) == 3)
    assert len(set(work.ran)) == 3


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (TaskError("The image is gone."), "The image is gone."),
        (ValueError("shape (3, 2)"), GOING_WRONG),
    ],
)
def test_a_failure_is_told_in_a_sentence(app: Flask, begin, explanation_id, error, sentence):
    begin(Waiter(error))
    until(lambda: state(app, explanation_id).state == TaskState.FAILED)

    assert state(app, explanation_id).error == sentence


def test_one_that_is_deleted_ends(app: Flask, begin, explanation_id: str):
    work = Waiter()
    background = begin(work)
    work.started.wait(HANGS)
    with app.app_context():
        explanations.remove(explanations.get(explanation_id).analysis_id)
        db.session.commit()
        other = kept(account("ben"))
        explanations.ask_for(other.id)
    background.wake()
    until(lambda: len(work.ran) == 2)

    assert work.discarded == []


def test_what_was_made_for_nobody_is_thrown_away(app: Flask, begin, explanation_id: str):
    work = Waiter()
    deleted = threading.Event()
    work.go_on.set()
    run = work.run

    def delete_meanwhile(task_id: str, progress: Progress) -> dict[str, Any]:
        made = run(task_id, progress)
        explanations.remove(explanations.get(task_id).analysis_id)
        db.session.commit()
        deleted.set()
        return made

    work.run = delete_meanwhile
    begin(work)
    deleted.wait(HANGS)
    until(lambda: work.discarded == [{"picture_name": f"of {explanation_id[:8]}"}])


def test_the_thread_survives_a_broken_database(app: Flask, begin, monkeypatch, explanation_id):
    claim, failed = services.records.claim, threading.Event()

    def broken(table: type) -> str | None:
        if failed.is_set():
            return claim(table)
        failed.set()
        raise OSError("disk")

    monkeypatch.setattr(services.records, "claim", broken)
    work = Waiter()
    work.go_on.set()
    background = begin(work)
    failed.wait(HANGS)
    background.wake()
    until(lambda: work.ran == [explanation_id])
