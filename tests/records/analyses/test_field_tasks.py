from collections.abc import Iterator

import pytest
from flask import Flask

from records import db, tasks
from records.accounts.accounts import new_id
from records.accounts.teams import Team
from records.analyses import analyses, field_tasks
from records.analyses.analyses import AnalysisKind
from records.analyses.field_tasks import FieldTask
from records.storage import stored_files
from records.storage.stored_files import UPLOADS
from records.tasks import TaskState
from tests.records.analyses.test_analyses import account, kept, of_another_team


@pytest.fixture(autouse=True)
def _in_the_application(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


@pytest.fixture
def ada() -> str:
    return account("ada")


def sent(owner_id: str, name: str = "field.tif", **values: object) -> FieldTask:
    given = {"batch_id": "b" * 32, "upload_name": f"{new_id()}.upload"}
    task = FieldTask(id=new_id(), owner_id=owner_id, file_name=name, **(given | values))
    field_tasks.add(task)
    return task


def test_a_field_takes_the_turn_of_its_owner(ada: str):
    first, second = sent(ada), sent(account("ben"))

    turns = {task.id: task.turn for task in tasks.unfinished(FieldTask, 10)}
    assert turns == {first.id: ada, second.id: second.owner_id}


@pytest.mark.parametrize("state", TaskState)
def test_what_is_dropped_is_not_wanted(ada: str, state: TaskState):
    task = sent(ada, state=state)

    assert field_tasks.is_wanted(task.id) == (state != TaskState.DROPPED)
    assert not field_tasks.is_wanted(new_id())


@pytest.mark.parametrize("state", [TaskState.WAITING, TaskState.RUNNING, TaskState.FAILED])
def test_what_is_not_read_can_be_dropped(ada: str, state: str):
    task = sent(ada, state=state)

    assert tasks.drop(FieldTask, task.id)
    assert task.state == TaskState.DROPPED
    assert not tasks.advance(FieldTask, task.id, task.attempts, 1, 2)
    assert not tasks.finish(FieldTask, task.id, task.attempts)
    assert not tasks.retry(FieldTask, task.id)
    assert not tasks.release(FieldTask, task.id, task.attempts)


@pytest.mark.parametrize("state", [TaskState.DONE, TaskState.DROPPED])
def test_what_is_read_or_dropped_stays_so(ada: str, state: str):
    assert not tasks.drop(FieldTask, sent(ada, state=state).id)


def test_what_waits_or_takes_up_room_is_counted(ada: str):
    sent(account("ben"))
    for state, upload in {
        TaskState.WAITING: None,
        TaskState.RUNNING: "r",
        TaskState.FAILED: "f",
        TaskState.DONE: None,
    }.items():
        sent(ada, state=state, upload_name=upload)
    assert field_tasks.held_for(ada) == 3

    forgotten = sent(ada, state=TaskState.FAILED)
    assert field_tasks.held_for(ada) == 4
    field_tasks.forget_upload(forgotten.id)
    assert field_tasks.held_for(ada) == 3
    assert not forgotten.can_retry


def test_a_batch_is_its_teams(ada: str):
    task, ben = sent(ada), of_another_team("ben")
    other, team = sent(ben), task.team_id

    assert field_tasks.of_batch(team, task.batch_id) == [task]
    assert field_tasks.find(team, task.batch_id, task.id) is task
    assert field_tasks.find(team, "c" * 32, task.id) is None
    assert field_tasks.find(team, task.batch_id, other.id) is None
    assert field_tasks.any_of_batch(other.team_id, task.batch_id)
    assert not field_tasks.any_of_batch(other.team_id, "c" * 32)
    assert stored_files.named(UPLOADS) == {task.upload_name, other.upload_name}


def test_a_field_stays_with_the_team_in_which_it_was_sent(ada: str):
    task = sent(ada)
    before = task.team_id
    task.owner.team = Team(name="x", name_key="x")
    db.session.commit()
    later = sent(ada)

    assert field_tasks.of_batch(before, task.batch_id) == [task]
    assert field_tasks.of_batch(later.team_id, task.batch_id) == [later]


def test_a_deleted_analysis_leaves_its_batch(ada: str):
    analysis = kept(ada, kind=AnalysisKind.DETECTION)
    sent(ada, state=TaskState.DONE, analysis_id=analysis.id)
    other = sent(ada)
    analyses.remove(analysis)
    db.session.expire_all()

    assert field_tasks.of_batch(other.team_id, other.batch_id) == [other]


def test_a_field_whose_first_analysis_is_deleted_has_nothing_to_be_read(ada: str):
    source = kept(ada)
    carried_over = sent(ada, upload_name=None, source_id=source.id)
    assert carried_over.can_retry
    analyses.remove(source)
    db.session.refresh(carried_over)

    assert (carried_over.source_id, carried_over.can_retry) == (None, False)
    assert carried_over.under_way
