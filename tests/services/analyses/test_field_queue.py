import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from flask import Flask
from sqlalchemy.exc import IntegrityError

from imaging.decoding.errors import ImageError
from jobs.work import QueueFullError
from records import db, tasks
from records.analyses import analyses, field_tasks
from records.analyses.analyses import Analysis, Filters
from records.analyses.field_tasks import FieldTask
from records.storage.image_store import DiskStore
from records.tasks import TaskState
from services.analyses import field_queue as services
from services.analyses.analysis import Analyst, OtherUploadError, Upload
from services.analyses.field_queue import FieldQueue, NoRoomError
from services.analyses.thumbnails import Thumbnails
from tests.cases import open_case
from tests.jobs.test_engine import until
from tests.people import add_account, move, team_of
from tests.reading import Reading
from tests.stand_ins import drawn_cell, drawn_field
from tests.uploads import png


@pytest.fixture
def ada(app: Flask) -> Iterator[str]:
    owner_id = add_account(app, "ada")
    with app.app_context():
        yield owner_id


def upload(content: bytes | None = None, name: str = "field.png", batch_id: str = "b") -> Upload:
    return Upload(name, content or png(drawn_field()), batch_id)


def uploads(app: Flask) -> set[str]:
    return DiskStore(app.config["LEUKOSCOPE"].uploads_dir).names()


def state(task: FieldTask) -> str:
    db.session.rollback()
    db.session.refresh(task)
    return task.state


def kept_of(owner_id: str) -> list[Analysis]:
    db.session.rollback()
    return list(analyses.page_of(team_of(owner_id), Filters(), 1, 100).items)


def images_named(app: Flask) -> bool:
    """Whether the image store keeps what the analyses name, and nothing else."""
    named = {name for row in db.session.scalars(db.select(Analysis)) for name in row.image_names}
    return DiskStore(app.config["LEUKOSCOPE"].images_dir).names() == named


def test_a_field_is_taken_at_once_and_read_later(app, queue: FieldQueue, ada: str, reading):
    reading.go_on.clear()
    task = queue.take(ada, upload(name="../a\x00b.png"))
    assert (task.file_name, len(uploads(app))) == ("ab.png", 1)
    until(lambda: state(task) == TaskState.RUNNING and task.done == 3)
    assert task.total == 10
    reading.go_on.set()
    until(lambda: state(task) == TaskState.DONE)

    (analysis,) = kept_of(ada)
    assert analysis.id == task.analysis_id == task.id
    assert (analysis.file_name, analysis.batch_id) == ("ab.png", "b")
    assert task.counts["blast"] == 1
    assert task.upload_name is None
    assert uploads(app) == set()


def test_the_small_pictures_of_a_case_are_there_when_it_is_opened(app, queue, ada: str):
    alone, of_case = upload(), replace(upload(), case_id=open_case(ada).id)
    tasks = [queue.take(ada, each) for each in (alone, of_case)]
    until(lambda: {state(task) for task in tasks} == {TaskState.DONE})

    kept = app.config["LEUKOSCOPE"].thumbnails_dir
    assert [path.name for path in kept.iterdir()] == [tasks[1].analysis_id]
    assert (kept / tasks[1].analysis_id / "sheet-0.jpg").is_file()


def test_a_full_disk_delays_the_small_pictures_and_nothing_else(app, queue, ada: str, monkeypatch):
    def full(thumbnails: Thumbnails, path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Thumbnails, "_write", full)
    task = queue.take(ada, replace(upload(), case_id=open_case(ada).id))
    until(lambda: state(task) == TaskState.DONE)

    assert [analysis.id for analysis in kept_of(ada)] == [task.id]


def test_a_field_that_takes_long_does_not_hold_up_a_colleagues(app, queue, ada: str, reading):
    ben = add_account(app, "ben")
    reading.go_on.clear()
    slow = queue.take(ada, upload())
    until(lambda: state(slow) == TaskState.RUNNING)
    next_of_ada, of_ben = queue.take(ada, upload()), queue.take(ben, upload())
    until(lambda: state(of_ben) == TaskState.RUNNING)
    assert (state(slow), state(next_of_ada)) == (TaskState.RUNNING, TaskState.WAITING)

    reading.go_on.set()
    until(lambda: {state(task) for task in (slow, next_of_ada, of_ben)} == {TaskState.DONE})


def test_what_the_header_tells_is_refused_at_once(app, queue: FieldQueue, ada: str):
    with pytest.raises(ImageError):
        queue.take(ada, upload(b"no image"))

    assert uploads(app) == set()
    assert field_tasks.of_batch(team_of(ada), "b") == []


def test_a_damaged_field_fails_with_the_reason_and_for_good(app, queue, ada: str):
    task = queue.take(ada, upload(png(drawn_field())[:-200]))
    until(lambda: state(task) == TaskState.FAILED)
    queue.retry(task)

    assert "incomplete or damaged" in task.error
    assert state(task) == TaskState.FAILED
    assert uploads(app) == set()
    assert kept_of(ada) == []


def test_an_error_of_the_server_can_be_tried_again(app, queue, ada: str, reading: Reading):
    reading.error = RuntimeError("broken")
    task = queue.take(ada, upload())
    until(lambda: state(task) == TaskState.FAILED)
    assert "broken" not in task.error
    assert images_named(app)

    reading.error = None
    queue.retry(task)
    until(lambda: state(task) == TaskState.DONE)
    assert uploads(app) == set()


def test_a_failed_field_can_be_removed(app, queue, ada: str, reading: Reading):
    reading.error = RuntimeError("broken")
    task = queue.take(ada, upload())
    until(lambda: state(task) == TaskState.FAILED)
    queue.cancel(task)

    assert state(task) == TaskState.DROPPED
    assert uploads(app) == set()


def test_waiting_and_running_fields_are_cancelled(app, queue, ada: str, reading: Reading):
    reading.go_on.clear()
    first, second = queue.take(ada, upload()), queue.take(ada, upload(png(drawn_cell())))
    until(lambda: reading.begun)
    queue.cancel(second)
    queue.cancel(first)
    third = queue.take(ada, upload())
    until(lambda: len(reading.begun) == 2)
    reading.go_on.set()
    until(lambda: state(third) == TaskState.DONE)

    assert state(first) == state(second) == TaskState.DROPPED
    assert [analysis.id for analysis in kept_of(ada)] == [third.id]
    assert reading.begun == [(360, 480), (360, 480)]
    assert uploads(app) == set()
    assert images_named(app)


def test_a_field_that_is_cancelled_while_it_is_kept_is_not_kept(app, queue, ada, monkeypatch):
    delete = Analyst.delete
    deleted = threading.Event()

    def cancelled_meanwhile(analyst: Analyst, *arguments: object) -> Analysis:
        analysis = detect(analyst, *arguments)
        tasks.drop(FieldTask, analysis.id)
        return analysis

    def told(analyst: Analyst, analysis: Analysis) -> None:
        delete(analyst, analysis)
        deleted.set()

    detect = Analyst.detect
    monkeypatch.setattr(Analyst, "detect", cancelled_meanwhile)
    monkeypatch.setattr(Analyst, "delete", told)
    task = queue.take(ada, upload())
    assert deleted.wait(20)

    assert state(task) == TaskState.DROPPED
    assert kept_of(ada) == []
    assert images_named(app)


def test_of_one_person_one_field_is_read_at_a_time_and_another_is_not_held_up(
    app, queue, ada, reading
):
    ben = add_account(app, "ben")
    reading.go_on.clear()
    sent = [queue.take(ada, upload()) for _ in range(3)]
    single = queue.take(ben, upload())
    until(lambda: state(single) == TaskState.RUNNING)
    until(lambda: [state(task) for task in sent].count(TaskState.RUNNING) == 1)
    reading.go_on.set()
    until(lambda: {state(task) for task in [*sent, single]} == {TaskState.DONE})

    read = db.session.scalars(db.select(Analysis).where(Analysis.owner_id == ada))
    in_order = [each.id for each in sorted(read, key=lambda each: each.created_at)]
    assert in_order == [task.id for task in sent]


def test_a_restart_in_the_middle_neither_loses_nor_doubles(app, queue, ada, reading, restarted):
    reading.go_on.clear()
    sent = [queue.take(ada, upload()) for _ in range(3)]
    until(lambda: state(sent[0]) == TaskState.RUNNING)
    app.extensions["leukoscope_tasks"].stop()
    assert [state(task) for task in sent] == [TaskState.WAITING] * 3
    reading.go_on.set()
    restarted()
    until(lambda: [state(task) for task in sent] == [TaskState.DONE] * 3)

    assert {analysis.id for analysis in kept_of(ada)} == {task.id for task in sent}
    assert len(reading.begun) == 4
    assert uploads(app) == set()
    assert images_named(app)


def test_a_server_killed_between_keeping_and_finishing_keeps_one(
    app, queue, ada, reading, restarted, monkeypatch
):
    dead = []

    def killed(*_: object) -> None:
        # What a kill leaves: the analysis is kept, its row says that it is being read.
        dead.append(True)
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(services, "counts_of", killed)
        task = queue.take(ada, upload())
        until(lambda: dead)
        app.extensions["leukoscope_tasks"].stop()
    assert (state(task), len(kept_of(ada)), len(uploads(app))) == (TaskState.RUNNING, 1, 1)
    restarted()
    until(lambda: state(task) == TaskState.DONE)

    assert [analysis.id for analysis in kept_of(ada)] == [task.id]
    assert len(reading.begun) == 1
    assert task.counts["blast"] == 1
    assert uploads(app) == set()


def test_another_persons_single_field_does_not_wait_for_a_batch(app, queue, ada, reading):
    ben = add_account(app, "ben")
    reading.go_on.clear()
    batch = [queue.take(ada, upload()) for _ in range(5)]
    until(lambda: state(batch[0]) == TaskState.RUNNING)
    single = queue.take(ben, upload(png(drawn_cell())))
    until(lambda: (120, 120) in reading.begun)

    assert len(reading.begun) == 2
    reading.go_on.set()
    until(lambda: {state(task) for task in [*batch, single]} == {TaskState.DONE})


def test_a_person_may_have_so_many_fields_waiting(app, queue, ada, reading):
    queue._max_waiting = 2
    reading.go_on.clear()
    first = queue.take(ada, upload())
    queue.take(ada, upload())
    with pytest.raises(QueueFullError, match="2 of your fields are already waiting"):
        queue.take(ada, upload())
    assert len(uploads(app)) == 2
    assert queue.take(add_account(app, "ben"), upload())

    queue.cancel(first)
    assert queue.take(ada, upload())


def test_a_full_disk_is_told_and_nothing_stays(app, queue, ada: str, monkeypatch):
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("records.storage.image_store.os.fsync", full)
        with pytest.raises(NoRoomError, match="disk is full"):
            queue.take(ada, upload())
    folder = app.config["LEUKOSCOPE"].uploads_dir

    assert [path for path in folder.rglob("*") if path.is_file()] == []
    assert field_tasks.of_batch(team_of(ada), "b") == []


def test_without_its_row_no_upload_stays(app, queue: FieldQueue):
    with app.app_context(), pytest.raises(IntegrityError):
        queue.take("nobody", upload())

    assert uploads(app) == set()


def test_an_upload_that_is_gone_is_a_failure_with_a_sentence(app, queue, ada, reading):
    reading.go_on.clear()
    first, second = queue.take(ada, upload()), queue.take(ada, upload())
    DiskStore(app.config["LEUKOSCOPE"].uploads_dir).delete(second.upload_name)
    reading.go_on.set()
    until(lambda: state(second) == TaskState.FAILED)

    assert second.error == services.GONE
    assert state(first) == TaskState.DONE


def test_an_image_is_carried_over_and_stays_where_it_was(app, queue, ada):
    cell = app.extensions["leukoscope_analyst"].classify(ada, upload(png(drawn_cell())))
    task = queue.carry_over(ada, cell)
    until(lambda: state(task) == TaskState.DONE)
    field = analyses.get(task.analysis_id)

    assert (field.kind, field.sha256, field.batch_id) == ("detection", cell.sha256, cell.batch_id)
    assert len(kept_of(ada)) == 2
    assert images_named(app)


def test_an_unusable_cell_carried_over_is_still_to_be_read_for_its_case(app, queue, ada, reading):
    reading.go_on.clear()
    sent = replace(upload(png(np.full((200, 200, 3), 250, np.uint8))), case_id=open_case(ada).id)
    refused = app.extensions["leukoscope_analyst"].classify(ada, sent)
    assert refused.result == analyses.NOT_USABLE
    task = queue.carry_over(ada, refused)
    assert field_tasks.unread_of_case(sent.case_id) == [task]

    reading.go_on.set()
    until(lambda: state(task) == TaskState.DONE)
    assert analyses.get(task.analysis_id).case_id == sent.case_id


def test_what_was_sent_before_a_move_is_read_for_the_former_team(app, queue, ada, reading):
    """A patient's image does not follow whoever sent it to another team."""
    reading.go_on.clear()
    case = open_case(ada)
    former = team_of(ada)
    sent = [queue.take(ada, replace(upload(), case_id=case.id)), queue.take(ada, upload())]
    move(app, "ada", "night shift")
    db.session.rollback()
    assert team_of(ada) != former
    reading.go_on.set()
    until(lambda: {state(task) for task in sent} == {TaskState.DONE})

    kept = [analyses.get(task.analysis_id) for task in sent]
    assert [analysis.team_id for analysis in kept] == [former, former]
    assert [analysis.case_id for analysis in kept] == [case.id, None]


def test_whoever_waits_is_answered_when_it_is_read_or_time_is_up(queue, ada, reading):
    reading.go_on.clear()
    task = queue.take(ada, upload())
    queue.wait(task.id, 0.1)
    assert task.analysis_id is None

    reading.go_on.set()
    queue.wait(task.id, 30)
    assert state(task) == TaskState.DONE


def test_an_id_is_of_one_field_and_case(queue, ada: str, reading: Reading):
    reading.go_on.clear()
    sent = replace(upload(), id="1" * 32)
    task, case_id = queue.take(ada, sent), open_case(ada).id
    others = replace(sent, content=png(drawn_cell())), replace(sent, case_id=case_id)
    for other in others:
        with pytest.raises(OtherUploadError):
            queue.take(ada, other)
    reading.go_on.set()
    until(lambda: state(task) == TaskState.DONE)
    assert queue.take(ada, sent).id == task.id
    for other in others:
        with pytest.raises(OtherUploadError):
            queue.take(ada, other)


def test_a_field_that_was_deleted_is_read_again_under_its_id(app, queue, ada: str):
    sent = replace(upload(), id="1" * 32)
    until(lambda: state(queue.take(ada, sent)) == TaskState.DONE)
    app.extensions["leukoscope_analyst"].delete(analyses.get(sent.id))
    again = queue.take(ada, sent)
    until(lambda: state(again) == TaskState.DONE)
