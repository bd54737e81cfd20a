from collections.abc import Iterator

import pytest
from flask import Flask

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


def test_what_is_unfinished_is_listed_in_the_order_of_asking():
    first, second, done, third = (ask(hours) for hours in range(4))
    tasks.begin(Explanation, second.id)
    tasks.finish(Explanation, done.id, tasks.begin(Explanation, done.id))

    assert tasks.waiting(Explanation) == 2
    listed = [task.id for task in tasks.unfinished(Explanation, 10)]
    assert listed == [first.id, second.id, third.id]
    assert [task.id for task in tasks.unfinished(Explanation, 2)] == listed[:2]


def test_a_start_has_a_number_and_what_is_done_is_not_started():
    explanation = ask()
    assert tasks.begin(Explanation, explanation.id) == 1
    assert tasks.begin(Explanation, explanation.id) == 2
    assert states() == [TaskState.RUNNING]

    assert tasks.finish(Explanation, explanation.id, 2)
    assert tasks.begin(Explanation, explanation.id) is None
    assert tasks.begin(Explanation, "of no row") is None


@pytest.mark.parametrize(
    "move",
    [
        lambda task_id: tasks.advance(Explanation, task_id, 1, 3, 4),
        lambda task_id: tasks.finish(Explanation, task_id, 1, picture_name="late"),
        lambda task_id: tasks.fail(Explanation, task_id, 1, "late"),
        lambda task_id: tasks.release(Explanation, task_id, 1),
    ],
)
def test_a_former_start_moves_nothing(move):
    explanation = ask()
    for _ in range(2):
        tasks.begin(Explanation, explanation.id)

    assert not move(explanation.id)
    db.session.refresh(explanation)
    assert (explanation.state, explanation.attempts) == (TaskState.RUNNING, 2)
    assert (explanation.done, explanation.picture_name, explanation.error) == (0, None, None)


def test_asking_twice_keeps_one():
    explanation = ask()
    explanations.ask_for(explanation.analysis_id)

    assert states() == [TaskState.WAITING]


def test_progress_is_noted_while_it_runs_and_only_then():
    explanation = ask()
    assert not tasks.advance(Explanation, explanation.id, 0, 1, 10)

    start = tasks.begin(Explanation, explanation.id)
    assert tasks.advance(Explanation, explanation.id, start, 4, 10)
    db.session.refresh(explanation)
    assert (explanation.done, explanation.total) == (4, 10)

    assert tasks.finish(Explanation, explanation.id, start, picture_name="picture")
    assert not tasks.advance(Explanation, explanation.id, start, 5, 10)
    db.session.refresh(explanation)
    assert (explanation.state, explanation.picture_name) == (TaskState.DONE, "picture")


def test_a_failed_one_can_be_tried_again():
    explanation = ask()
    start = tasks.begin(Explanation, explanation.id)
    assert tasks.fail(Explanation, explanation.id, start, "a sentence, " * 100)
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


def test_another_start_begins_anew():
    explanation = ask()
    tasks.advance(Explanation, explanation.id, tasks.begin(Explanation, explanation.id), 7, 10)
    tasks.begin(Explanation, explanation.id)

    db.session.refresh(explanation)
    assert (explanation.done, explanation.total) == (0, 0)


def test_what_always_stops_the_server_is_given_up():
    explanation = ask()
    for number in range(tasks.MOST_ATTEMPTS):
        assert tasks.begin(Explanation, explanation.id) == number + 1

    assert tasks.begin(Explanation, explanation.id) is None
    assert states() == [TaskState.FAILED]
    assert explanation.error == tasks.GIVEN_UP


def test_an_orderly_stop_does_not_count_as_an_attempt():
    explanation = ask()
    for _ in range(tasks.MOST_ATTEMPTS + 1):
        assert tasks.begin(Explanation, explanation.id) == 1
        assert tasks.release(Explanation, explanation.id, 1)

    assert states() == [TaskState.WAITING]
