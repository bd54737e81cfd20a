"""Kept features are computed again when other networks are served; nothing is lost on the way."""

from __future__ import annotations

import io
import time
from types import SimpleNamespace

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient

from jobs.work import Interrupted, TaskError
from models.manifest import WeightsError
from records import db
from records.analyses import analyses
from records.learning import cell_features, feature_tasks
from records.learning.cell_features import CellFeatures, Source
from records.tasks import TaskState
from services.learning import laboratory_models
from services.learning.feature_refresh import FeatureRefresh
from services.learning.kept_features import LAYOUT, FeatureStore, boxes_of
from services.learning.observations import Networks
from tests.laboratory import use_stand_in_networks
from tests.stand_ins import StandInEmbedder, drawn_field, stand_in_models
from tests.uploads import png, upload_field

BOXES = [(20.25, 20.0, 60.5, 60.0), (100.4, 30.0, 140.0, 70.0)]
SERVED = Source("stand-in-1", "stand-in-2", LAYOUT)
HANG_LIMIT = 60


class NewEmbedder(StandInEmbedder):
    version = "stand-in-2"

    def embed(self, windows: list) -> np.ndarray:
        return 1 - super().embed(windows)


@pytest.fixture(autouse=True)
def context(app: Flask, monkeypatch: pytest.MonkeyPatch):
    use_stand_in_networks(monkeypatch, NewEmbedder)
    with app.app_context():
        yield


@pytest.fixture
def fields(app: Flask, context, signed_in: FlaskClient) -> list[str]:
    """Three fields of whose cells the former networks' features are kept."""
    made = [
        upload_field(signed_in, content=png(drawn_field(480 + 20 * number)))["id"]
        for number in range(3)
    ]
    former = Networks(stand_in_models(), StandInEmbedder())
    for each in made:
        FeatureStore(former, app.extensions["leukoscope_analyst"]).read(each, BOXES)
    return made


def refresh(app: Flask) -> FeatureRefresh:
    return app.extensions["leukoscope_feature_refresh"]


def wait(task_id: str) -> feature_tasks.FeatureTask:
    end = time.monotonic() + HANG_LIMIT
    while time.monotonic() < end:
        db.session.rollback()
        task = db.session.get_one(feature_tasks.FeatureTask, task_id)
        if task.state in (TaskState.DONE, TaskState.FAILED):
            return task
        time.sleep(0.05)
    raise TimeoutError


def kept(analysis_id: str) -> np.ndarray:
    content = cell_features.find(analysis_id, SERVED)
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        return file["features"]


def test_what_other_networks_said_is_computed_again(app: Flask, fields: list[str]):
    task = refresh(app).ask()
    assert refresh(app).ask().id == task.id
    app.extensions["leukoscope_tasks"].start()
    done = wait(task.id)
    assert (done.state, done.done, done.total) == (TaskState.DONE, 3, 3)
    for each in fields:
        assert boxes_of(cell_features.find(each, SERVED)) == BOXES
        analyst = app.extensions["leukoscope_analyst"]
        anew = FeatureStore(Networks(stand_in_models(), NewEmbedder()), analyst).read(each, BOXES)
        np.testing.assert_array_equal(kept(each), anew.features)
    assert refresh(app).ask() is None


def test_what_is_interrupted_goes_on_where_it_was(app: Flask, fields: list[str]):
    def stop(done: int, total: int) -> None:
        assert total == 3
        if done == 1:
            raise Interrupted

    with pytest.raises(Interrupted):
        refresh(app).run("", stop)
    assert len(cell_features.of_other_sources(SERVED)) == 2
    steps: list[tuple[int, int]] = []
    made = refresh(app).run("", lambda done, total: steps.append((done, total)))
    assert steps == [(0, 2), (1, 2)]
    assert made == {"done": 2, "total": 2}
    assert cell_features.of_other_sources(SERVED) == []
    assert db.session.query(CellFeatures).count() == 3


def test_what_an_image_that_is_gone_showed_is_kept_no_longer(app: Flask, fields: list[str]):
    gone = analyses.get(fields[0])
    app.extensions["leukoscope_analyst"]._store.delete(gone.image_name)
    refresh(app).run("", lambda done, total: None)
    assert cell_features.any_contents(fields[0]) is None
    assert cell_features.of_other_sources(SERVED) == []


def test_the_first_layout_is_read_and_replaced(app: Flask, fields: list[str]):
    buffer = io.BytesIO()
    np.savez(buffer, places=np.array([[20, 20, 60, 60]], np.int32), blast=np.zeros(1))
    cell_features.keep(fields[0], Source(*SERVED[:2], 1), buffer.getvalue())
    db.session.commit()
    refresh(app).run("", lambda done, total: None)
    assert boxes_of(cell_features.find(fields[0], SERVED)) == [(20.0, 20.0, 60.0, 60.0)]


def test_without_kept_features_nothing_is_asked_of_the_networks(app: Flask, monkeypatch):
    monkeypatch.setattr(laboratory_models, "embedder_version", lambda *_: pytest.fail("asked"))
    assert refresh(app).ask() is None
    assert feature_tasks.newest() is None


def test_networks_that_are_missing_stop_no_start_and_are_told(
    app: Flask, fields: list[str], monkeypatch
):
    def missing(*_: object) -> SimpleNamespace:
        raise WeightsError("weights/embedder is missing.")

    monkeypatch.setattr(laboratory_models, "embedder_version", missing)
    monkeypatch.setattr(laboratory_models, "load_embedder", missing)
    assert refresh(app).ask() is None
    with pytest.raises(TaskError, match="is missing"):
        refresh(app).run("", lambda done, total: None)
    assert len(cell_features.of_other_sources(SERVED)) == 3
