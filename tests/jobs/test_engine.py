import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from core import tracing
from core.tracing import Attribute, Kind, Span
from jobs import caretaker, engine, runner
from jobs.engine import Tasks
from jobs.runner import GOING_WRONG
from jobs.work import Progress, TaskError
from records import db
from records import tasks as records
from records.analyses import explanations
from records.analyses.explanations import Explanation
from records.tasks import TaskState
from settings import QUEUES
from tests.records.analyses.test_analyses import account, kept
from tests.waiting import HANGS, until


class Waiter:
    """Work that runs until it is let go, one step at a time, and notes what became of it."""

    table = Explanation
    poll_seconds = 0.1

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
    monkeypatch.setattr(runner, "BETWEEN_NOTES", 0)
    monkeypatch.setattr(engine, "FIRST_PAUSE", 0.01)


@pytest.fixture
def begin(app: Flask) -> Iterator[Callable[[Waiter], Tasks]]:
    """Start a background with one kind of work; all are stopped at the end."""
    begun = []

    def begin(work: Waiter) -> Tasks:
        background = Tasks(app.app_context, app.config["LEUKOSCOPE"].queues_url)
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


def ask_for(app: Flask, name: str) -> Explanation:
    """Let the explanation of a new analysis wait."""
    with app.app_context():
        analysis = kept(account(name))
        explanations.ask_for(analysis.id)
        return explanations.find(analysis.id)


def test_what_is_asked_for_is_done_once_however_often_it_is_asked(app: Flask, begin):
    work = Waiter()
    background = begin(work)
    asked = ask_for(app, "ada")
    for _ in range(3):
        background.enqueue(asked)
    work.started.wait(HANGS)
    background.enqueue(asked)
    work.go_on.set()
    until(lambda: state(app, asked.id).state == TaskState.DONE)

    after = ask_for(app, "ben")
    background.enqueue(after)
    until(lambda: state(app, after.id).state == TaskState.DONE)
    assert work.ran == [asked.id, after.id]


def test_what_was_begun_before_comes_before_all_that_waits(app: Flask, begin):
    """A person whose field was with a process that died has waited for it long enough."""
    work = Waiter()
    background = begin(work)
    holding, first, second, third = (ask_for(app, name) for name in ("ada", "ben", "cy", "di"))
    background.enqueue(holding)
    work.started.wait(HANGS)
    background.enqueue(first)
    background.enqueue(second)
    background.enqueue(third, again=True)
    work.go_on.set()

    until(lambda: len(work.ran) == 4)
    assert work.ran == [holding.id, third.id, first.id, second.id]


def test_asking_starts_the_background(app: Flask):
    work = Waiter()
    work.go_on.set()
    background = Tasks(app.app_context, app.config["LEUKOSCOPE"].queues_url)
    background.add(work)
    asked = ask_for(app, "ada")
    background.enqueue(asked)
    try:
        until(lambda: state(app, asked.id).state == TaskState.DONE)
    finally:
        background.stop()


@pytest.mark.postgres_only("SQLite has no indexes that are made beside transactions")
def test_the_first_who_asks_does_not_wait_for_its_own_transaction(app: Flask):
    background = app.extensions["leukoscope_tasks"]
    background.leave_to_others()
    asked = threading.Event()

    def ask() -> None:
        with app.app_context():
            analysis = kept(account("ada"))
            explanations.ask_for(analysis.id)
            background.enqueue(explanations.find(analysis.id))
            asked.set()

    with app.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA dbos CASCADE")
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()

    assert asked.wait(HANGS)
    asking.join()
    background.start()
    until(lambda: unfinished(app) == 0)


def unfinished(app: Flask) -> int:
    with app.app_context():
        return records.counts()["explanations", "waiting"]


def test_one_process_works_for_one_application(app: Flask, begin):
    begin(Waiter())
    with pytest.raises(RuntimeError, match="Other tasks are at work"):
        begin(Waiter())


def test_a_row_that_is_in_no_queue_is_found(app: Flask, begin, monkeypatch):
    """Whoever asked for it ended between its row and the queue, or the engine could not be had."""
    monkeypatch.setattr(caretaker, "BEAT_SECONDS", 0.1)
    work = Waiter()
    work.go_on.set()
    begin(work)
    asked = ask_for(app, "ada")

    until(lambda: state(app, asked.id).state == TaskState.DONE)
    assert work.ran == [asked.id]


@pytest.mark.sqlite_only("on PostgreSQL rows and queues are in one database")
def test_queues_that_were_lost_are_filled_from_the_rows(app: Flask, begin, explanation_id: str):
    """As after a restore: the engine's own database is in no backup."""
    first = Waiter()
    background = begin(first)
    first.started.wait(HANGS)
    background.stop()
    settings = app.config["LEUKOSCOPE"]
    for file in settings.instance_dir.glob(f"{QUEUES}*"):
        file.unlink()
    second = Waiter()
    second.go_on.set()
    begin(second)

    until(lambda: state(app, explanation_id).state == TaskState.DONE)


def test_a_start_that_failed_can_be_tried_again(
    app: Flask, begin, explanation_id: str, monkeypatch
):
    work = Waiter()
    work.go_on.set()
    with monkeypatch.context() as failing:
        failing.setattr(caretaker.Caretaker, "prepare", _fail)
        with pytest.raises(OSError, match="busy"):
            begin(work)
    assert state(app, explanation_id).state == TaskState.WAITING

    begin(work)
    until(lambda: state(app, explanation_id).state == TaskState.DONE)


def _fail(*_: object, **__: object) -> None:
    raise OSError("the database is busy")


def test_a_process_that_was_taken_for_dead_changes_nothing(app: Flask, begin, monkeypatch):
    """Its successor has finished when it goes on."""
    work = Waiter()
    background = begin(work)
    asked = ask_for(app, "ada")
    background.enqueue(asked)
    work.started.wait(HANGS)
    with app.app_context():
        second = records.begin(Explanation, asked.id)
        assert records.finish(Explanation, asked.id, second, picture_name="of the successor")
    work.go_on.set()
    until(lambda: work.discarded or not background._process.runner.busy)

    assert state(app, asked.id).picture_name == "of the successor"
    assert work.discarded in ([], [{"picture_name": f"of {asked.id[:8]}"}])


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
    background.enqueue(ask_for(app, "ben"))
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


def test_what_goes_wrong_is_tried_again(app: Flask, begin, explanation_id: str):
    work = Waiter(OSError("disk"))
    work.go_on.set()
    run = work.run

    def mended(task_id: str, progress: Progress) -> dict[str, Any]:
        if len(work.ran) == runner.MOST_ERRORS - 1:
            work.error = None
        return run(task_id, progress)

    work.run = mended
    begin(work)

    until(lambda: state(app, explanation_id).state == TaskState.DONE)
    assert work.ran == [explanation_id] * runner.MOST_ERRORS


def test_what_always_goes_wrong_is_tried_no_more_until_somebody_asks(
    app: Flask, begin, explanation_id: str
):
    work = Waiter(OSError("disk"))
    background = begin(work)
    until(lambda: state(app, explanation_id).state == TaskState.FAILED)
    assert len(work.ran) == runner.MOST_ERRORS

    work.error = None
    work.go_on.set()
    with app.app_context():
        records.retry(Explanation, explanation_id)
    background.enqueue(state(app, explanation_id), again=True)
    until(lambda: state(app, explanation_id).state == TaskState.DONE)


def test_the_thread_survives_a_broken_database(app: Flask, begin, monkeypatch, explanation_id):
    begun, failed = records.begin, threading.Event()

    def broken(table: type, task_id: str) -> int | None:
        if failed.is_set():
            return begun(table, task_id)
        failed.set()
        raise OSError("disk")

    monkeypatch.setattr(caretaker, "BEAT_SECONDS", 0.1)
    monkeypatch.setattr(records, "begin", broken)
    work = Waiter()
    work.go_on.set()
    begin(work)
    failed.wait(HANGS)

    until(lambda: work.ran == [explanation_id])


@pytest.fixture
def spans() -> Iterator[list[Span]]:
    """All that is traced."""
    begun: list[Span] = []

    class Notes:
        def span(self, name: str, kind: Kind, parent: str | None) -> AbstractContextManager[Span]:
            trace_id = (parent or "00-" + "f" * 32)[3:35]
            begun.append(Span(trace_id, f"{len(begun):016x}", True, name))
            return nullcontext(begun[-1])

        def close(self) -> None:
            """Do nothing."""

    tracing.send_to(Notes())
    yield begun
    tracing.send_to(None)


@pytest.mark.parametrize(
    ("error", "outcome", "kind"),
    [
        (None, "done", None),
        (TaskError("Alder-7"), "refused", None),
        (OSError("Alder-7"), "failed", "OSError"),
    ],
)
def test_a_task_is_traced_with_its_outcome(
    app: Flask, begin, spans: list[Span], error, outcome: str, kind: str | None
):
    work = Waiter(error)
    work.go_on.set()
    background = begin(work)
    asked = ask_for(app, "ada")
    background.enqueue(asked)
    until(lambda: not state(app, asked.id).under_way)
    background.stop()
    (span,) = spans

    assert span.name == "task explanations"
    assert (span.attributes[Attribute.QUEUE], span.trace_id) == ("explanations", "f" * 32)
    assert span.attributes[Attribute.OUTCOME] == outcome
    assert span.attributes.get(Attribute.ERROR) == kind
    assert "Alder-7" not in str(span)


def test_a_task_goes_on_with_the_trace_of_who_asked(app: Flask, begin, spans: list[Span]):
    work = Waiter()
    work.go_on.set()
    background = begin(work)
    asked = ask_for(app, "ada")
    with tracing.span("POST /explanations", Kind.REQUEST, f"00-{'a' * 32}-{'b' * 16}-01"):
        background.enqueue(asked)
    until(lambda: not state(app, asked.id).under_way)
    background.stop()

    assert [span.trace_id for span in spans] == ["a" * 32] * 2


def test_a_task_is_done_though_its_trace_cannot_be_looked_up(
    app: Flask, begin, spans: list[Span], monkeypatch
):
    work = Waiter()
    work.go_on.set()
    background = begin(work)
    monkeypatch.setattr("dbos.DBOSClient.list_workflows", lambda *_, **__: 1 / 0)
    asked = ask_for(app, "ada")
    background.enqueue(asked)
    until(lambda: not state(app, asked.id).under_way)

    assert state(app, asked.id).state == TaskState.DONE


@pytest.mark.sqlite_only("looks into the engine's own tables")
def test_what_was_finished_long_ago_leaves_the_queues(app: Flask, begin, monkeypatch):
    monkeypatch.setattr(caretaker, "BEAT_SECONDS", 0.1)
    monkeypatch.setattr(caretaker, "TIDY_SECONDS", 0)
    monkeypatch.setattr(caretaker, "FINISHED_KEPT", timedelta(0))
    work = Waiter()
    work.go_on.set()
    background = begin(work)
    background.enqueue(ask_for(app, "ada"))

    with closing(sqlite3.connect(app.config["LEUKOSCOPE"].instance_dir / QUEUES)) as queues:
        until(lambda: work.ran)
        until(lambda: queues.execute("SELECT count(*) FROM workflow_status").fetchone() == (0,))
