import threading
from io import BytesIO

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from models.explanation import attribution
from models.explanation.attribution import FOR_BLAST, FOR_NORMAL, ShapValues
from models.findings import Classification
from records import db
from records.analyses.analyses import Analysis
from records.storage.image_store import DiskStore
from services.analyses import explanations as services
from tests import waiting
from tests.people import csrf_token, post
from tests.stand_ins import drawn_cell
from tests.uploads import DARK, PALE, png, texts, upload_cell


class Shap:
    """Stands in for the SHAP values, which take seconds; holds on until it is let go."""

    def __init__(self) -> None:
        self.made = 0
        self.go_on = threading.Event()
        self.go_on.set()
        self.error: Exception | None = None

    def __call__(self, classify, rgb, progress, evaluations=0) -> ShapValues:
        self.made += 1
        progress(0, 300)
        while not self.go_on.wait(0.01):
            progress(30, 300)
        if self.error:
            raise self.error
        probability = float(classify([rgb])[0])
        values = np.full(rgb.shape[:2], (probability - 0.5) / rgb[..., 0].size)
        return ShapValues(values, 0.5, probability)


@pytest.fixture
def shap(monkeypatch) -> Shap:
    stand_in = Shap()
    monkeypatch.setattr(attribution, "shap_values", stand_in)
    monkeypatch.setattr("jobs.runner.BETWEEN_NOTES", 0)
    return stand_in


@pytest.fixture
def cell_id(signed_in: FlaskClient) -> str:
    return upload_cell(signed_in)


def change(app: Flask, analysis_id: str, **values: object) -> None:
    with app.app_context():
        db.session.execute(db.update(Analysis).where(Analysis.id == analysis_id).values(**values))
        db.session.commit()


def shown(client: FlaskClient, cell_id: str) -> dict:
    answer = client.get(f"/classify/{cell_id}/shap", headers={"Accept": "application/json"})
    assert answer.status_code == 200
    return answer.json


def until(client: FlaskClient, cell_id: str, state: str) -> dict:
    return waiting.until(lambda: (now := shown(client, cell_id))["state"] == state and now)


def pixels(content: bytes) -> np.ndarray:
    with Image.open(BytesIO(content)) as image:
        return np.asarray(image.convert("RGBA") if image.mode == "P" else image)


def test_the_map_is_as_large_as_the_window_and_colours_both_sides(signed_in, cell_id):
    window = pixels(signed_in.get(f"/classify/{cell_id}/window.png").data)
    answer = signed_in.get(f"/classify/{cell_id}/activation-map.png")
    picture = pixels(answer.data)
    middle = len(window) // 2

    assert answer.mimetype == "image/png"
    assert picture.shape[:2] == window.shape[:2]
    assert picture[10, 60, :3].tolist() == list(FOR_BLAST)
    assert picture[-10, 60, :3].tolist() == list(FOR_NORMAL)
    assert picture[middle, :, 3].max() < 10 < picture[10, 60, 3]


def test_the_window_is_the_square_that_was_read(app: Flask, signed_in, cell_id):
    window = (-10.0, 30.0, 50.0, 90.0)
    read = Classification("normal", 0.1, True, "1", view="black", window=window)
    change(app, cell_id, finding=read.to_dict())
    window = pixels(signed_in.get(f"/classify/{cell_id}/window.png").data)

    assert window.shape == (60, 60, 3)
    assert window[:, :10].max() == 0
    assert np.array_equal(window[:, 10:], pixels(png())[30:90, :50])
    assert 'class="frame-dashes" x="-10.0" y="30.0" width="60.0"' in (
        signed_in.get(f"/classify/{cell_id}").text
    )


def test_a_huge_window_is_shown_smaller(signed_in: FlaskClient):
    cell_id = upload_cell(signed_in, content=png(drawn_cell(1300, chromatin=DARK)))
    for picture in ("window", "activation-map"):
        answer = signed_in.get(f"/classify/{cell_id}/{picture}.png")
        assert pixels(answer.data).shape[:2] == (800, 800)


@pytest.mark.parametrize("picture", ["window", "activation-map"])
def test_browsers_keep_pictures_but_ask_before_they_show_them(signed_in, cell_id, picture, client):
    path = f"/classify/{cell_id}/{picture}.png"
    first = signed_in.get(path)
    assert set(first.headers["Cache-Control"].split(", ")) == {"private", "no-cache"}

    again = signed_in.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert client.get(path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 302


@pytest.mark.parametrize("picture", ["window", "activation-map"])
def test_a_picture_of_an_image_that_is_gone_is_not_found(app, signed_in, cell_id, picture):
    store = DiskStore(app.config["LEUKOSCOPE"].images_dir)
    for name in store.names():
        store.delete(name)

    assert signed_in.get(f"/classify/{cell_id}/{picture}.png").status_code == 404


def test_the_page_says_what_the_pictures_are_and_are_not(signed_in, cell_id):
    page = signed_in.get(f"/classify/{cell_id}").text

    assert "what influenced the model, not where disease is" in texts(page)
    assert "−4 for normal" in page
    assert 'label for="opacity"' in page
    assert "#d55e00" in page
    assert "#0072b2" in page
    assert "Compute SHAP values" in page


def test_what_was_not_answered_is_not_explained(signed_in: FlaskClient):
    blank = upload_cell(signed_in, content=png(np.full((100, 100, 3), 220, np.uint8)))

    assert "Why this result?" not in signed_in.get(f"/classify/{blank}").text
    assert signed_in.get(f"/classify/{blank}/activation-map.png").status_code == 404
    assert post(signed_in, f"/classify/{blank}/shap").status_code == 404


def test_what_an_older_model_said_is_not_explained_by_the_new_one(app, signed_in, cell_id):
    change(app, cell_id, model_version="2020.1")

    assert "an earlier model version" in texts(signed_in.get(f"/classify/{cell_id}").text)
    assert signed_in.get(f"/classify/{cell_id}/activation-map.png").status_code == 404
    assert post(signed_in, f"/classify/{cell_id}/shap").status_code == 404


def test_shap_values_are_made_once_and_found_again(signed_in, cell_id, shap: Shap):
    assert shown(signed_in, cell_id) == {
        "state": "none",
        "done": 0,
        "total": 0,
        "picture_url": None,
        "error": None,
    }
    assert post(signed_in, f"/classify/{cell_id}/shap").headers["Location"] == (
        f"/classify/{cell_id}#why"
    )
    url = until(signed_in, cell_id, "done")["picture_url"]
    post(signed_in, f"/classify/{cell_id}/shap")

    assert url == f"/classify/{cell_id}/shap.png"
    assert pixels(signed_in.get(url).data).shape[1] == 1032
    assert f'src="{url}"' in signed_in.get(f"/classify/{cell_id}").text
    assert shap.made == 1


def test_progress_is_told_while_they_are_made(signed_in, cell_id, shap: Shap):
    shap.go_on.clear()
    token = {"X-CSRFToken": csrf_token(signed_in), "Accept": "application/json"}
    asked = signed_in.post(f"/classify/{cell_id}/shap", headers=token)
    assert (asked.status_code, asked.json["state"] in {"waiting", "running"}) == (202, True)
    until(signed_in, cell_id, "running")
    waiting.until(lambda: shown(signed_in, cell_id)["done"] == 30)

    page = signed_in.get(f"/classify/{cell_id}").text
    assert 'max="300" value="30"' in page
    assert signed_in.get(f"/classify/{cell_id}/shap.png").status_code == 404
    shap.go_on.set()
    until(signed_in, cell_id, "done")


def test_a_failure_offers_another_try(signed_in, cell_id, shap: Shap):
    shap.error = ValueError("inside")
    post(signed_in, f"/classify/{cell_id}/shap")
    error = until(signed_in, cell_id, "failed")["error"]
    page = signed_in.get(f"/classify/{cell_id}").text
    assert error in page
    assert "inside" not in page
    assert "Try again" in page

    shap.error = None
    post(signed_in, f"/classify/{cell_id}/shap")
    assert until(signed_in, cell_id, "done")["error"] is None


def test_an_image_that_is_gone_is_a_failure_with_a_sentence(app, signed_in, cell_id, shap):
    store = DiskStore(app.config["LEUKOSCOPE"].images_dir)
    for name in store.names():
        store.delete(name)
    post(signed_in, f"/classify/{cell_id}/shap")

    assert until(signed_in, cell_id, "failed")["error"] == services.GONE


def test_a_full_queue_takes_no_more(signed_in, cell_id, shap: Shap, monkeypatch):
    monkeypatch.setattr(services, "LONGEST_QUEUE", 0)
    token = {"X-CSRFToken": csrf_token(signed_in), "Accept": "application/json"}
    refused = signed_in.post(f"/classify/{cell_id}/shap", headers=token)
    assert (refused.status_code, refused.json) == (503, {"error": services.FULL})

    post(signed_in, f"/classify/{cell_id}/shap")
    assert services.FULL in signed_in.get(f"/classify/{cell_id}").text
    assert shown(signed_in, cell_id)["state"] == "none"


def test_asking_needs_a_token(signed_in, cell_id, shap: Shap):
    assert signed_in.post(f"/classify/{cell_id}/shap").status_code == 400
    assert shown(signed_in, cell_id)["state"] == "none"


def test_deleting_an_analysis_deletes_its_explanation(app, signed_in, cell_id, shap: Shap):
    store = DiskStore(app.config["LEUKOSCOPE"].images_dir)
    post(signed_in, f"/classify/{cell_id}/shap")
    until(signed_in, cell_id, "done")
    assert len(store.names()) == 3

    post(signed_in, f"/history/{cell_id}/delete")
    assert store.names() == set()


def test_deleting_an_analysis_ends_its_explanation(app, signed_in, cell_id, shap: Shap):
    store = DiskStore(app.config["LEUKOSCOPE"].images_dir)
    shap.go_on.clear()
    post(signed_in, f"/classify/{cell_id}/shap")
    until(signed_in, cell_id, "running")
    post(signed_in, f"/history/{cell_id}/delete")
    shap.go_on.set()

    other = upload_cell(signed_in, content=png(drawn_cell(chromatin=PALE)))
    post(signed_in, f"/classify/{other}/shap")
    until(signed_in, other, "done")
    assert len(store.names()) == 3


def test_a_restart_in_the_middle_neither_loses_nor_doubles(
    app: Flask, signed_in, cell_id, shap, restarted
):
    shap.go_on.clear()
    post(signed_in, f"/classify/{cell_id}/shap")
    until(signed_in, cell_id, "running")
    app.extensions["leukoscope_tasks"].stop()
    restarted()
    shap.go_on.set()

    until(signed_in, cell_id, "done")
    assert shap.made == 2


def test_another_teams_answer_is_not_explained(cell_id: str, shap: Shap, other_client):
    assert post(other_client, f"/classify/{cell_id}/shap").status_code == 404
    for path in ("window.png", "activation-map.png", "shap", "shap.png"):
        assert other_client.get(f"/classify/{cell_id}/{path}").status_code == 404
    assert shap.made == 0
