"""The pages of the laboratory model: fit, read the proof, take into use, take back."""

from __future__ import annotations

import io

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient

from records import db
from records.audit.audit import Event
from records.learning import feature_tasks, heads
from records.learning.heads import HeadUse
from records.learning.shadow_answers import ShadowAnswers, add
from records.tasks import TaskState
from tests.laboratory import TellingEmbedder, fitted, sign_patients, use_stand_in_networks
from tests.people import move, post
from tests.stand_ins import StandInClassifier
from tests.trail import noted
from tests.uploads import texts

PATH = "/models/laboratory"


@pytest.fixture(autouse=True)
def networks(monkeypatch: pytest.MonkeyPatch):
    use_stand_in_networks(monkeypatch, TellingEmbedder)


@pytest.fixture
def fitted_one(app: Flask, signed_in: FlaskClient) -> None:
    with app.app_context():
        sign_patients(app, signed_in)
        assert fitted(app).number == 1


def in_use(app: Flask, how: HeadUse) -> int | None:
    with app.app_context():
        head_id = heads.id_in_use(how)
        return heads.get(head_id).number if head_id else None


def test_only_administrators_may(fitted_one, client: FlaskClient, other_client: FlaskClient):
    for path in (
        PATH,
        f"{PATH}/1",
        f"{PATH}/1/progress",
        f"{PATH}/1/model.npz",
        f"{PATH}/features",
    ):
        assert client.get(path).headers["Location"].startswith("/sign-in")
        assert other_client.get(path).status_code == 403
    for path in (f"{PATH}/fit", f"{PATH}/1/use/active", f"{PATH}/stop/active"):
        assert post(other_client, path).status_code == 403
    assert "Laboratory model" not in texts(other_client.get("/models").text)


def test_while_there_is_none_the_page_says_what_is_needed(signed_in: FlaskClient):
    page = texts(signed_in.get(PATH).text)
    assert "None yet. A model needs signed cases of at least two patients" in page
    assert "the networks name cells as they were shipped" in page
    assert "None is active." in texts(signed_in.get("/models").text)


def test_a_model_that_cannot_be_fitted_says_why_and_offers_to_try_again(
    app: Flask, signed_in: FlaskClient
):
    assert post(signed_in, f"{PATH}/fit").headers["Location"].endswith(f"{PATH}/1")
    with app.app_context():
        head = fitted(app) if heads.unfinished() else heads.find(1)
    page = texts(signed_in.get(f"{PATH}/{head.number}").text)
    assert "Not fitted. No signed case has a field" in page
    assert "Fit again" in page
    assert "Not fitted" in texts(signed_in.get(PATH).text)


def test_the_proof_is_shown_with_the_cells_that_change_most(fitted_one, signed_in: FlaskClient):
    page = signed_in.get(f"{PATH}/1").text
    shown = texts(page)
    assert "54 signed cells, 24 of them blasts; 3 cases of 3 patients" in shown
    for figure in ("AUROC", "Sensitivity", "Specificity", "Calibration error"):
        assert figure in shown
    assert shown.count("Not worse") == 4
    assert "none: the shipped networks" in shown
    assert page.count('loading="lazy"') == 20
    assert "Alder-1 1." in shown
    picture = signed_in.get(f"{PATH}/1/cells/0.png")
    assert picture.data.startswith(b"\x89PNG")
    assert signed_in.get(f"{PATH}/1/cells/20.png").status_code == 404


def test_it_is_activated_run_in_shadow_and_taken_back(
    app: Flask, fitted_one, signed_in: FlaskClient
):
    assert post(signed_in, f"{PATH}/1/use/shadow").status_code == 303
    assert in_use(app, HeadUse.SHADOW) == 1
    assert "Model 1 runs in shadow: its answers are counted" in texts(signed_in.get(PATH).text)
    post(signed_in, f"{PATH}/1/use/active")
    assert (in_use(app, HeadUse.ACTIVE), in_use(app, HeadUse.SHADOW)) == (1, None)
    page = texts(signed_in.get(PATH).text)
    assert "Model 1 names the white cells of every new field" in page
    assert "ada: Model 1 activated" in page
    assert "Model 1 is active." in texts(signed_in.get("/models").text)
    assert "Return to the shipped networks" in texts(signed_in.get(f"{PATH}/1").text)
    assert post(signed_in, f"{PATH}/stop/active").headers["Location"] == PATH
    assert in_use(app, HeadUse.ACTIVE) is None
    assert "returned to the shipped networks" in texts(signed_in.get(PATH).text)
    assert post(signed_in, f"{PATH}/1/use/other").status_code == 404


def test_one_that_did_not_pass_cannot_be_activated(app: Flask, fitted_one, signed_in: FlaskClient):
    with app.app_context():
        head = heads.find(1)
        changes = {**head.proof["changes"]}
        changes["auroc"] = {**changes["auroc"], "passed": False, "after": None}
        head.proof = {**head.proof, "passed": False, "changes": changes, "tried": 53}
        db.session.commit()
    page = signed_in.get(f"{PATH}/1").text
    assert "disabled" in page
    assert "It cannot be activated" in texts(page)
    assert "1 cell could not be tested" in texts(page)
    post(signed_in, f"{PATH}/1/use/active")
    assert in_use(app, HeadUse.ACTIVE) is None
    assert "did not pass its test" in texts(signed_in.get(f"{PATH}/1").text)


def test_what_ran_in_shadow_is_compared(app: Flask, fitted_one, signed_in: FlaskClient):
    with app.app_context():
        head = heads.find(1)
        told = head.proof["most_changed"][0]
        add(
            ShadowAnswers(
                analysis_id=told["analysis_id"],
                head_id=head.id,
                cells=9,
                blasts=2,
                shadow_blasts=5,
                differing=3,
                kinds_differing=4,
            )
        )
    page = texts(signed_in.get(f"{PATH}/1").text)
    assert "Cells called differently 3" in page
    assert "Cells of another kind 4" in page
    assert ": 7 cells" in page


def test_kinds_are_shown_with_what_is_taken_for_what(
    app: Flask, signed_in: FlaskClient, monkeypatch: pytest.MonkeyPatch
):
    told = {"lymphocyte": 0.4, "monocyte": 0.3, "basophil": 0.2}
    monkeypatch.setattr(StandInClassifier, "kinds", lambda self, outputs: told)
    with app.app_context():
        sign_patients(app, signed_in, ("blast", "monocyte", "blast", "lymphocyte") * 4)
        fitted(app)
    page = texts(signed_in.get(f"{PATH}/1").text)
    assert "24 signed cells, excluding blasts and smudge cells" in page
    assert "Lymphocyte 12 1.000 0.500 " in page
    assert "Monocyte 12 0.000 0.500 " in page
    assert "Kinds, mean over classes" in page
    assert "Blast calls are set aside here" in page
    assert "Which are taken for which" in page


def test_cells_of_another_team_are_counted_and_not_shown(
    app: Flask, fitted_one, signed_in: FlaskClient
):
    move(app, "ada", "another team")
    page = signed_in.get(f"{PATH}/1").text
    assert "20 cells belong to other teams and are not shown" in texts(page)
    assert "Alder-1" not in page
    assert signed_in.get(f"{PATH}/1/cells/0.png").status_code == 404


def test_contradictions_are_shown_for_decision(app: Flask, signed_in: FlaskClient):
    with app.app_context():
        sign_patients(app, signed_in)
        # The same three files, as another patient's, with the classes the other way round.
        sign_patients(app, signed_in, ("monocyte", "blast") * 8, ("Dale-4",))
        fitted(app)
    page = texts(signed_in.get(f"{PATH}/1").text)
    assert "16 cells were signed with different classes and were left out" in page
    assert "Alder-1" in page
    assert "Dale-4" in page


def test_it_is_exported_without_any_image(app: Flask, fitted_one, signed_in: FlaskClient):
    answer = signed_in.get(f"{PATH}/1/model.npz")
    assert "laboratory-model-1.npz" in answer.headers["Content-Disposition"]
    with np.load(io.BytesIO(answer.data), allow_pickle=False) as file:
        assert {array.ndim for array in file.values()} <= {0, 1, 2}
    with app.app_context():
        assert len(noted(Event.HEAD_EXPORT)) == 1


def test_a_model_of_former_networks_is_shown_as_silent(
    app: Flask, fitted_one, signed_in: FlaskClient, monkeypatch: pytest.MonkeyPatch
):
    post(signed_in, f"{PATH}/1/use/active")
    assert "names the white cells of every new field" in texts(signed_in.get(PATH).text)
    with app.app_context():
        heads.find(1).embedder = "stand-in-0"
        db.session.commit()
    page = texts(signed_in.get(PATH).text)
    assert "Model 1 does not answer: it was fitted to networks" in page
    assert "names the white cells of every new field" not in page
    assert "None is active." in texts(signed_in.get("/models").text)


def test_reading_cells_again_is_shown_while_it_goes_on(app: Flask, signed_in: FlaskClient):
    assert signed_in.get(f"{PATH}/features").status_code == 404
    with app.app_context():
        task = feature_tasks.add()
        task.state, task.done, task.total = TaskState.RUNNING, 3, 9
        db.session.commit()
    page = signed_in.get(PATH).text
    assert "Cells that models were fitted to are being read again" in texts(page)
    assert 'max="9" value="3"' in page
    assert signed_in.get(f"{PATH}/features").json == {"state": "running", "done": 3, "total": 9}
    with app.app_context():
        task = feature_tasks.newest()
        task.state, task.error = TaskState.FAILED, "weights/embedder is missing."
        db.session.commit()
    page = texts(signed_in.get(PATH).text)
    assert "could not be read again by the networks installed now. weights/embedder" in page


def test_how_far_it_is_can_be_asked(fitted_one, signed_in: FlaskClient):
    told = signed_in.get(f"{PATH}/1/progress").json
    assert (told["state"], told["total"]) == ("done", 3)
    assert signed_in.get(f"{PATH}/2/progress").status_code == 404
