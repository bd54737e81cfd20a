"""Fields are named under the model in use; signed and kept findings stay as they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient

from models.classifier.opinion import VIEW
from models.laboratory.adapted import LaboratoryHead
from models.laboratory.head import Head
from models.laboratory.head_file import to_bytes
from models.laboratory.kinds import KindsHead
from records import db
from records.analyses import analyses
from records.learning import cell_features, heads, shadow_answers
from records.learning.cell_features import Source
from records.learning.heads import FittedHead, HeadUse
from records.tasks import TaskState
from services.analyses.findings import field_findings
from services.learning.kept_features import LAYOUT
from tests.laboratory import use_stand_in_networks
from tests.people import account_named
from tests.stand_ins import StandInClassifier, StandInEmbedder, drawn_field
from tests.uploads import png, upload_field


def all_blasts() -> LaboratoryHead:
    """A head that calls every cell a blast."""
    nothing = np.zeros(3)
    return LaboratoryHead("lab1", {VIEW: Head(1.0, 20.0, nothing, nothing, nothing + 1)})


def no_blasts() -> LaboratoryHead:
    """A head that calls no cell a blast."""
    nothing = np.zeros(3)
    return LaboratoryHead("lab2", {VIEW: Head(1.0, -20.0, nothing, nothing, nothing + 1)})


def add(
    fitted: LaboratoryHead,
    how: HeadUse | None,
    classifier: str = "stand-in-1",
    embedder: str = "stand-in-1",
) -> FittedHead:
    author = account_named("ada").id
    head = heads.add(author)
    head.state, head.proof = TaskState.DONE, {"passed": True}
    head.classifier, head.embedder, head.contents = classifier, embedder, to_bytes(fitted)
    if how:
        heads.change_use(author, how, head.id)
    db.session.commit()
    return head


@pytest.fixture(autouse=True)
def context(app: Flask, signed_in: FlaskClient, monkeypatch: pytest.MonkeyPatch):
    use_stand_in_networks(monkeypatch, StandInEmbedder)
    with app.app_context():
        yield


def read(client: FlaskClient, width: int = 480):
    analysis_id = upload_field(client, content=png(drawn_field(width)))["id"]
    return analyses.get(analysis_id)


def labels(analysis: analyses.Analysis) -> set[str]:
    found = field_findings(analysis).detections
    return {cell.label for cell in found if cell.label in ("blast", "wbc")}


def test_without_a_model_the_networks_name_the_cells(signed_in: FlaskClient):
    analysis = read(signed_in)
    assert labels(analysis) == {"blast", "wbc"}
    assert field_findings(analysis).classifier == "stand-in-1"
    assert cell_features.any_contents(analysis.id) is None


def test_the_active_model_names_them_and_its_version_is_kept(signed_in: FlaskClient):
    before = read(signed_in)
    add(all_blasts(), HeadUse.ACTIVE)
    after = read(signed_in, 500)
    assert labels(after) == {"blast"}
    assert field_findings(after).classifier == "stand-in-1+lab1"
    assert field_findings(after).thresholds["blast"] == 0.5
    assert cell_features.find(after.id, Source("stand-in-1", "stand-in-1", LAYOUT))
    assert labels(analyses.get(before.id)) == {"blast", "wbc"}


def test_a_model_that_is_activated_later_answers_from_then_on(signed_in: FlaskClient):
    add(all_blasts(), HeadUse.ACTIVE)
    assert labels(read(signed_in)) == {"blast"}
    add(no_blasts(), HeadUse.ACTIVE)
    assert labels(read(signed_in, 500)) == {"wbc"}
    heads.change_use(account_named("ada").id, HeadUse.ACTIVE, None)
    db.session.commit()
    assert labels(read(signed_in, 520)) == {"blast", "wbc"}


def test_in_shadow_answers_are_compared_and_nobody_sees_them(signed_in: FlaskClient):
    head = add(all_blasts(), HeadUse.SHADOW)
    analysis = read(signed_in)
    assert labels(analysis) == {"blast", "wbc"}
    assert field_findings(analysis).classifier == "stand-in-1"
    assert "lab1" not in str(analysis.finding)
    fields, cells, blasts, shadow_blasts, differing, _ = shadow_answers.totals(head.id)
    assert (fields, cells, shadow_blasts) == (1, shadow_blasts, cells)
    assert differing == shadow_blasts - blasts > 0
    (one,) = shadow_answers.fields_that_differ(head.id, 5)
    assert one.analysis_id == analysis.id


def monocytes() -> LaboratoryHead:
    """A head that takes every lymphocyte for a monocyte, and leaves blasts alone."""
    nothing = np.zeros(3)
    classes = "lymphocyte", "monocyte"
    offsets = np.array([0.0, 20.0])
    kinds = KindsHead(classes, 1.0, offsets, np.zeros((2, 3)), nothing, nothing + 1)
    return LaboratoryHead("lab1", kinds=kinds)


@pytest.fixture
def telling_kinds(monkeypatch: pytest.MonkeyPatch):
    """Let the shipped classifier take every cell for a lymphocyte."""
    told = {"lymphocyte": 0.6, "monocyte": 0.2, "blast": 0.2}
    opinion = StandInClassifier.opinion

    def with_kind(self, outputs, view):
        return replace(opinion(self, outputs, view), kind="lymphocyte", kind_probability=0.6)

    monkeypatch.setattr(StandInClassifier, "kinds", lambda self, outputs: told)
    monkeypatch.setattr(StandInClassifier, "opinion", with_kind)
    monkeypatch.setattr(StandInClassifier, "least_smudge", 2.0, raising=False)


def kinds(analysis: analyses.Analysis) -> dict[str, float]:
    """The kinds of the cells that are no blasts, with their probabilities."""
    found = field_findings(analysis).detections
    return {cell.kind: cell.kind_probability for cell in found if cell.label == "wbc"}


def test_the_active_model_gives_kinds_and_their_probabilities(
    signed_in: FlaskClient, telling_kinds
):
    add(monocytes(), HeadUse.ACTIVE)
    analysis = read(signed_in)
    assert kinds(analysis) == {"monocyte": pytest.approx(0.8)}
    assert field_findings(analysis).classifier == "stand-in-1+lab1"


def test_in_shadow_kinds_are_compared_and_nobody_sees_them(signed_in: FlaskClient, telling_kinds):
    head = add(monocytes(), HeadUse.SHADOW)
    analysis = read(signed_in)
    assert kinds(analysis) == {"lymphocyte": 0.6}
    *_, differing, of_another_kind = shadow_answers.totals(head.id)
    others = [cell for cell in field_findings(analysis).detections if cell.label == "wbc"]
    assert (differing, of_another_kind) == (0, len(others))
    (one,) = shadow_answers.fields_that_differ(head.id, 5)
    assert (one.analysis_id, one.cells_differing) == (analysis.id, len(others))


@pytest.mark.parametrize("active", [all_blasts, no_blasts], ids=["active", "shadow"])
def test_a_cell_that_one_of_them_calls_a_blast_is_not_compared_by_kind(
    signed_in: FlaskClient, telling_kinds, active
):
    add(active(), HeadUse.ACTIVE)
    head = add(no_blasts() if active is all_blasts else all_blasts(), HeadUse.SHADOW)
    read(signed_in)
    _, cells, *_, differing, of_another_kind = shadow_answers.totals(head.id)
    assert (differing, of_another_kind) == (cells, 0)
    assert cells > 0


@pytest.mark.parametrize(
    "fitted_to", [{"classifier": "stand-in-0"}, {"embedder": "stand-in-0"}], ids=str
)
def test_a_model_for_other_networks_does_not_answer(signed_in: FlaskClient, fitted_to):
    add(all_blasts(), HeadUse.ACTIVE, **fitted_to)
    head = add(no_blasts(), HeadUse.SHADOW, **fitted_to)
    analysis = read(signed_in)
    assert field_findings(analysis).classifier == "stand-in-1"
    assert labels(analysis) == {"blast", "wbc"}
    assert shadow_answers.totals(head.id)[0] == 0


def test_an_empty_field_names_the_model_too(app: Flask, signed_in: FlaskClient):
    add(all_blasts(), HeadUse.ACTIVE)
    laboratory = app.extensions["leukoscope_laboratory_models"]
    steps: list[tuple[int, int]] = []
    read = laboratory.read(
        np.full((40, 60, 3), 230, np.uint8), lambda done, total: steps.append((done, total)), True
    )
    assert steps[-1][0] == steps[-1][1]
    assert read.findings.classifier in ("stand-in-1+lab1", None)
