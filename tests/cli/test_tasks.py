from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from records import db, tasks, workers
from records.analyses import explanations, field_tasks
from records.analyses.explanations import Explanation
from records.analyses.field_tasks import FieldTask
from records.tasks import TaskState
from tests.records.analyses.test_analyses import account, kept
from tests.records.analyses.test_field_tasks import sent
from tests.waiting import until


@pytest.fixture
def shell(app: Flask) -> FlaskCliRunner:
    return app.test_cli_runner()


@pytest.fixture
def failed(app: Flask) -> Callable[..., str]:
    """Make tasks that failed."""

    def make(name: str = "ada", **values: object) -> str:
        with app.app_context():
            task = sent(account(name), state=TaskState.FAILED, error="The disk is full.", **values)
            return task.id

    return make


def test_failed_tasks_are_listed_with_their_reason(shell: FlaskCliRunner, failed):
    assert shell.invoke(args=["tasks", "failed"]).output == "No failed tasks.\n"

    first, gone = failed(), failed("ben", upload_name=None)
    lines = shell.invoke(args=["tasks", "failed"]).output.splitlines()
    assert [line.split()[:2] for line in lines] == [[first, "fields"], [gone, "fields"]]
    assert lines[0].endswith("UTC  The disk is full.")
    assert lines[1].endswith("The disk is full.  (its image is gone)")


def test_named_tasks_wait_again(app: Flask, shell: FlaskCliRunner, failed):
    first, second = failed(), failed("ben")
    answer = shell.invoke(args=["tasks", "retry", first])

    assert (answer.exit_code, answer.output) == (0, "Tried again: 1 of 1.\n")
    with app.app_context():
        assert field_tasks.get(first).state == TaskState.WAITING
        assert field_tasks.get(second).state == TaskState.FAILED


def test_all_that_can_be_tried_again_wait(app: Flask, shell: FlaskCliRunner, failed):
    failed(), failed("ben", upload_name=None)
    with app.app_context():
        explanations.ask_for(kept(account("cleo")).id)
        db.session.execute(db.update(Explanation).values(state=TaskState.FAILED))
        db.session.commit()
    answer = shell.invoke(args=["tasks", "retry", "--all"])

    assert answer.output == "Tried again: 2 of 3.\n"
    with app.app_context():
        assert (tasks.waiting(FieldTask), tasks.waiting(Explanation)) == (1, 1)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [(["x" * 32], "No failed task has the number xxxx"), ([], "Name tasks by their numbers")],
)
def test_what_cannot_be_tried_again_is_told(shell: FlaskCliRunner, given, sentence: str):
    answer = shell.invoke(args=["tasks", "retry", *given])

    assert answer.exit_code == 1
    assert sentence in answer.output


def test_processes_at_work_are_listed(app: Flask, shell: FlaskCliRunner):
    assert shell.invoke(args=["tasks", "workers"]).output == "No process is at work.\n"

    app.extensions["leukoscope_tasks"].start()
    until(lambda: "process" in shell.invoke(args=["tasks", "workers"]).output)
    app.extensions["leukoscope_tasks"].stop()
    with app.app_context():
        assert workers.living() == set()
