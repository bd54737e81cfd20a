import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from flask import Flask
from sqlalchemy import event

from records import db, tasks
from records.analyses import explanations
from records.analyses.explanations import Explanation
from records.tasks import TaskState
from tests.records.analyses.test_analyses import account, kept


@pytest.fixture(autouse=True)
def _in_the_application(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


def ask(hours: int = 0) -> Explanation:
    """Let the explanation of a new analysis wait."""
    analysis = kept(account(f"ada {hours}"), hours)
    explanations.ask_for(analysis.id)
    return explanations.find(analysis.id)


def states() -> list[str]:
    db.session.expire_all()
    wanted = db.select(Explanation.state).order_by(Explanation.created_at)
    return list(db.session.scalars(wanted))


def test_the_one_that_waits_longest_is_taken_first_and_once():
    first, second = ask(1), ask(2)

    assert tasks.waiting(Explanation) == 2
    taken = [tasks.claim(Explanation) for _ in range(3)]
    assert taken == [first.id, second.id, None]
    assert states() == [TaskState.RUNNING, TaskState.RUNNING]


def test_asking_twice_keeps_one():
    explanation = ask()
    explanations.ask_for(explanation.analysis_id)

    assert states() == [TaskState.WAITING]


def test_progress_is_noted_while_it_runs_and_only_then():
    explanation = ask()
    assert not tasks.advance(Explanation, explanation.id, 1, 10)

    tasks.claim(Explanation)
    assert tasks.advance(Explanation, explanation.id, 4, 10)
    db.session.refresh(explanation)
    assert (explanation.done, explanation.total) == (4, 10)

    assert tasks.finish(Explanation, explanation.id, picture_name="picture")
    assert not tasks.advance(Explanation, explanation.id, 5, 10)
    db.session.refresh(explanation)
    assert (explanation.state, explanation.picture_name) == (TaskState.DONE, "picture")


def test_a_failed_one_can_be_tried_again():
    explanation = ask()
    tasks.claim(Explanation)
    assert tasks.fail(Explanation, explanation.id, "a sentence, " * 100)
    db.session.refresh(explanation)
    assert explanation.state == TaskState.FAILED
    assert explanation.error.startswith("a sentence")

    assert tasks.retry(Explanation, explanation.id)
    assert not tasks.retry(Explanation, explanation.id)
    db.session.refresh(explanation)
    assert (explanation.state, explanation.error, explanation.attempts) == (
        TaskState.WAITING,
        None,
        0,
    )


def test_a_restart_takes_up_what_ran_and_leaves_the_rest():
    done, running, waiting = ask(1), ask(2), ask(3)
    tasks.claim(Explanation)
    tasks.finish(Explanation, done.id, picture_name="picture")
    tasks.claim(Explanation)
    tasks.advance(Explanation, running.id, 7, 10)
    tasks.recover(Explanation)

    assert states() == [TaskState.DONE, TaskState.WAITING, TaskState.WAITING]
    assert running.done == 0
    assert tasks.claim(Explanation) == running.id
    assert waiting.attempts == 0


def test_what_always_stops_the_server_is_given_up():
    explanation = ask()
    for _ in range(tasks.MOST_ATTEMPTS):
        assert tasks.claim(Explanation) == explanation.id
        tasks.recover(Explanation)

    assert states() == [TaskState.FAILED]
    assert explanation.error == tasks.GIVEN_UP


def test_an_orderly_stop_does_not_count_as_an_attempt():
    explanation = ask()
    for _ in range(tasks.MOST_ATTEMPTS + 1):
        assert tasks.claim(Explanation) == explanation.id
        assert tasks.release(Explanation, explanation.id)
        tasks.recover(Explanation)

    assert states() == [TaskState.WAITING]


def test_nobody_writes_between_the_look_and_the_move():
    """A writer in between would end the move with an error, and the thread would sleep on."""
    explanation, others = ask(), []

    def write_meanwhile(_connection, _cursor, statement: str, *_rest: object) -> None:
        if statement.startswith("UPDATE explanations"):
            with closing(sqlite3.connect(db.engine.url.database, timeout=0)) as other:
                try:
                    other.execute("UPDATE accounts SET name = name")
                    other.commit()
                except sqlite3.OperationalError as refused:
                    others.append(str(refused))

    event.listen(db.engine, "before_cursor_execute", write_meanwhile)
    assert tasks.claim(Explanation) == explanation.id
    assert others == ["database is locked"]
