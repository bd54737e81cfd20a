"""Cell images and activation maps that a web server has workers read."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from flask import Flask

from core.ids import new_id
from imaging.decoding.errors import ImageError
from jobs.work import QueueFullError
from records import db, tasks
from records.analyses.analyses import Analysis
from records.analyses.cell_tasks import CellTask
from records.tasks import TaskState
from services.analyses.analysis import Analyst, OtherUploadError, Upload
from services.analyses.cell_queue import CellQueue
from services.turns import BusyError
from tests.cases import open_case
from tests.people import add_account
from tests.services.analyses.test_field_queue import uploads
from tests.stand_ins import drawn_cell
from tests.uploads import png
from tests.waiting import HANGS


@pytest.fixture
def ada(app: Flask) -> Iterator[str]:
    owner_id = add_account(app, "ada")
    with app.app_context():
        yield owner_id


@pytest.fixture
def queue(app: Flask) -> CellQueue:
    """The queue of a web server: nobody works yet."""
    app.extensions["leukoscope_tasks"].leave_to_others()
    queue: CellQueue = app.extensions["leukoscope_cell_queue"]
    queue.poll_seconds = 0.1
    return queue


def work(app: Flask) -> None:
    """Begin to do what waits, as a worker does."""
    app.extensions["leukoscope_tasks"].start()


def upload(content: bytes | None = None, upload_id: str | None = None, **others: str) -> Upload:
    return Upload("cell.png", content or png(), "b", id=upload_id, **others)


def rows(table: type) -> list:
    db.session.rollback()
    return list(db.session.scalars(db.select(table)))


def test_an_image_waits_and_becomes_one_analysis_of_the_same_id(app, queue, ada):
    asked = queue.classify(ada, upload())
    assert isinstance(queue.wait(asked, 0), CellTask)
    assert (len(uploads(app)), rows(Analysis)) == (1, [])
    work(app)

    read = queue.wait(asked, HANGS)
    assert isinstance(read, Analysis)
    assert (read.id, read.result, read.batch_id) == (asked.id, "all_blast", "b")
    (task,) = rows(CellTask)
    tasks_done = task.state, task.analysis_id, task.upload_name
    assert tasks_done[1:] == (read.id, None) or tasks_done[0] == TaskState.RUNNING


def test_it_is_kept_as_a_process_with_networks_keeps_it(app, queue, ada):
    work(app)
    read = queue.wait(queue.classify(ada, upload()), HANGS)
    analyst: Analyst = app.extensions["leukoscope_analyst"]
    at_once = analyst.classify(ada, upload())

    for column in ("finding", "probability", "team_id", "file_name", "sha256", "model_version"):
        assert getattr(read, column) == getattr(at_once, column)


def test_what_cannot_be_read_is_refused_and_nothing_is_kept(app, queue, ada):
    work(app)
    damaged = png()[:-200]
    with pytest.raises(ImageError, match="incomplete or damaged"):
        queue.wait(queue.classify(ada, upload(damaged)), HANGS)

    assert (rows(CellTask), rows(Analysis), uploads(app)) == ([], [], set())


def test_what_its_header_refuses_never_waits(app, queue, ada):
    with pytest.raises(ImageError):
        queue.classify(ada, upload(b"no image"))

    assert (rows(CellTask), uploads(app)) == ([], set())


def test_sent_twice_it_is_read_once(app, queue, ada):
    sent = upload(upload_id=new_id())
    assert queue.classify(ada, sent).id == queue.classify(ada, sent).id == sent.id
    with pytest.raises(OtherUploadError):
        queue.classify(ada, upload(png(drawn_cell(90)), sent.id))
    work(app)
    queue.wait(queue.classify(ada, sent), HANGS)

    assert isinstance(queue.classify(ada, sent), Analysis)
    assert [analysis.id for analysis in rows(Analysis)] == [sent.id]


def test_a_killed_workers_image_is_not_read_again(app, queue, ada, monkeypatch):
    """It had kept the analysis, and died before its row said so."""
    asked = queue.classify(ada, upload(upload_id=new_id()))
    app.extensions["leukoscope_analyst"].classify(ada, upload(upload_id=asked.id))
    tasks.begin(CellTask, asked.id)
    monkeypatch.setattr(Analyst, "_classify", lambda *_: pytest.fail("read again"))
    work(app)

    assert isinstance(queue.wait(asked, HANGS), Analysis)
    assert len(rows(Analysis)) == 1


def test_what_went_wrong_is_tried_again_when_it_is_sent_again(app, queue, ada, monkeypatch):
    asked = queue.classify(ada, upload(upload_id=new_id()))
    tasks.begin(CellTask, asked.id)
    tasks.fail(CellTask, asked.id, 1, "Something went wrong.")
    failed = queue.wait(asked, 0)
    assert isinstance(failed, CellTask)
    assert (failed.state, len(uploads(app))) == (TaskState.FAILED, 1)

    again = queue.classify(ada, upload(upload_id=asked.id))
    work(app)
    assert isinstance(queue.wait(again, HANGS), Analysis)


def test_one_person_fills_no_disk(app, queue, ada, monkeypatch):
    monkeypatch.setattr(queue, "_max_waiting", 1)
    queue.classify(ada, upload())
    with pytest.raises(QueueFullError, match="1 of your images"):
        queue.classify(ada, upload())


def test_a_case_is_not_signed_while_its_image_waits(app, queue, ada):
    case = open_case(ada)
    sign_off = app.extensions["leukoscope_sign_off"]
    assert "still being" not in str(sign_off.standing(case, ada).reason)
    queue.classify(ada, upload(case_id=case.id))

    assert "still being" in str(sign_off.standing(case, ada).reason)


def test_an_image_is_read_despite_its_quality(app, queue, ada):
    analyst: Analyst = app.extensions["leukoscope_analyst"]
    dark = (drawn_cell() * 0.12).astype(np.uint8)
    refused = analyst.classify(ada, upload(png(dark)))
    asked = queue.override_quality_check(refused)
    work(app)

    read = queue.wait(asked, HANGS)
    assert read.id == asked.id != refused.id
    assert read.finding["usable"] or not refused.finding["can_override"]


def test_a_map_is_the_one_that_the_networks_give(app, queue, ada, monkeypatch):
    analysis = app.extensions["leukoscope_analyst"].classify(ada, upload())
    monkeypatch.setattr("services.analyses.cell_queue.PATIENCE", 0)
    with pytest.raises(BusyError):
        queue.activation_map(analysis)
    monkeypatch.setattr("services.analyses.cell_queue.PATIENCE", HANGS)
    work(app)

    values = queue.activation_map(analysis)
    expected = app.extensions["leukoscope_explainer"].activation_map(analysis)
    np.testing.assert_array_equal(values, expected)
    assert len(rows(CellTask)) == 1


def test_without_its_image_there_is_no_map(app, queue, ada):
    analyst: Analyst = app.extensions["leukoscope_analyst"]
    analysis = analyst.classify(ada, upload())
    analyst._store.delete(analysis.image_name)
    work(app)
    with pytest.raises(FileNotFoundError):
        queue.activation_map(analysis)

    assert rows(CellTask) == []


def test_maps_go_with_their_analysis(app, queue, ada):
    analyst: Analyst = app.extensions["leukoscope_analyst"]
    analysis = analyst.classify(ada, upload())
    work(app)
    queue.activation_map(analysis)
    analyst.delete(analysis)

    assert rows(CellTask) == []
