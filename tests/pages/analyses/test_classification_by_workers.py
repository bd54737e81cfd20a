"""Classify on a web server without networks: workers read the images."""

from __future__ import annotations

import re
from collections.abc import Callable
from io import BytesIO

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import leave_to_workers
from models.findings import Classification, Quality, QualityIssue, Verdict
from records import db, tasks
from records.analyses.cell_tasks import CellTask
from records.audit.audit import Event
from services.analyses.cell_reading import LocalReader
from tests.people import post
from tests.programs import program_of
from tests.services.analyses.test_field_queue import uploads
from tests.trail import noted
from tests.uploads import follow, png, send, texts
from tests.waiting import HANGS, until

Work = Callable[[], None]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a worker before one works."""
    for place in ("pages.analyses.classification", "api.v1.uploads"):
        monkeypatch.setattr(f"{place}.PATIENCE", 0.0)


@pytest.fixture
def work(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Work:
    """Begin to do what waits; whoever asks from then on waits for it."""
    leave_to_workers(app, app.config["LEUKOSCOPE"])
    app.extensions["leukoscope_cell_queue"].poll_seconds = 0.1

    def begin() -> None:
        app.extensions["leukoscope_tasks"].start()
        for place in ("pages.analyses.classification", "api.v1.uploads"):
            monkeypatch.setattr(f"{place}.PATIENCE", HANGS)

    return begin


def sent(client: FlaskClient) -> str:
    """Upload an image as the plain form does, and give the address it leads to."""
    answer = send(client, "/classify", ("cell.png", png()))
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


def test_with_a_worker_the_answer_is_the_usual_one(signed_in: FlaskClient, work: Work):
    work()
    page = signed_in.get(sent(signed_in)).text

    assert "Probability of ALL blast" in page
    assert "http-equiv" not in page


def test_without_one_the_page_says_so_and_leads_to_the_result(
    app: Flask, signed_in: FlaskClient, work: Work
):
    address = sent(signed_in)
    page = signed_in.get(address).text
    assert "This image waits to be read" in page
    assert '<meta http-equiv="refresh"' in page
    assert len(uploads(app)) == 1
    work()

    until(lambda: "Probability of ALL blast" in signed_in.get(address).text)
    assert uploads(app) == set()


def test_waiting_is_no_look_at_an_analysis(app: Flask, signed_in: FlaskClient, work: Work):
    signed_in.get(sent(signed_in))

    with app.app_context():
        assert noted(Event.VIEW) == []


def test_several_images_of_the_plain_form_wait_together(signed_in: FlaskClient, work: Work):
    files = ("a.png", png()), ("b.png", png()), ("no.png", b"no image")
    page = send(signed_in, "/classify", *files).text

    said = texts(page)
    assert "2 images wait to be read." in said
    assert "0 of 3 images analysed. 1 image was not saved: see below." in said
    assert len(re.findall(r'href="/classify/[0-9a-f]{32}"', page)) == 2


def test_a_script_follows_what_waits(signed_in: FlaskClient, work: Work):
    batch_id = "b" * 32
    form = {"batch": batch_id, "key": "c" * 32}
    answer = send(signed_in, "/classify", ("cell.png", png()), as_json=True, **form)
    assert (answer.status_code, answer.json["state"]) == (202, "waiting")
    assert answer.json["summary"] == "Waiting…"
    page = signed_in.get(f"/classify?batch={batch_id}").text
    assert f'data-progress-url="{answer.json["progress"]}"' in page
    work()

    shown = follow(signed_in, answer.json)
    assert (shown["state"], shown["label"]) == ("done", "all_blast")


def test_a_refused_image_is_refused_as_usual(app: Flask, signed_in: FlaskClient, work: Work):
    work()
    answer = send(signed_in, "/classify", ("cell.png", png()[:-200]), as_json=True)

    assert answer.status_code == 422
    assert "incomplete or damaged" in answer.json["error"]
    assert uploads(app) == set()


def test_who_waited_for_an_image_that_cannot_be_read_is_told_why(
    app: Flask, signed_in: FlaskClient, work: Work
):
    answer = send(signed_in, "/classify", ("cell.png", png()[:-200]))
    work()

    until(lambda: "could not be read" in signed_in.get(answer.headers["Location"]).text)
    page = signed_in.get(answer.headers["Location"]).text
    assert "incomplete or damaged" in page
    assert "http-equiv" not in page


def test_another_team_sees_nothing_of_it(
    app: Flask, signed_in: FlaskClient, other_client: FlaskClient, work: Work
):
    address = sent(signed_in)
    with app.app_context():
        batch_id = db.session.scalar(db.select(CellTask.batch_id))

    assert signed_in.get(f"/classify/batches/{batch_id}/progress").status_code == 200
    assert other_client.get(f"/classify/batches/{batch_id}/progress").status_code == 404
    assert other_client.get(address).status_code == 404


def test_reading_despite_the_quality_check_waits_too(
    app: Flask, signed_in: FlaskClient, work: Work, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("models.registry.Models.classify", _not_in_focus)
    work()
    address = sent(signed_in)
    assert "Analyse anyway" in signed_in.get(address).text
    again = post(signed_in, f"{address}/override-quality-check")

    assert again.status_code == 303
    assert again.headers["Location"] != address
    assert "Run at your request" in signed_in.get(again.headers["Location"]).text


def _not_in_focus(models, rgb, override=False):
    reasons = (QualityIssue.BLURRED,)
    verdict = Verdict.DOUBTFUL if override else Verdict.NOT_READABLE
    return Classification(
        label="normal" if override else None,
        probability=0.1 if override else None,
        usable=override,
        model=models.classifier.version,
        code=reasons[0],
        can_override=not override,
        overridden=override,
        view="crop",
        window=(0.0, 0.0, 120.0, 120.0),
        quality=Quality(verdict, reasons, not override, override),
    )


def test_the_activation_map_is_the_usual_one(app: Flask, signed_in: FlaskClient, work: Work):
    work()
    address = sent(signed_in)
    by_worker = signed_in.get(f"{address}/activation-map.png")
    reading = app.extensions["leukoscope_analyst"], app.extensions["leukoscope_explainer"]
    app.extensions["leukoscope_cell_reader"] = LocalReader(*reading)
    here = signed_in.get(f"{address}/activation-map.png")

    assert by_worker.status_code == here.status_code == 200
    assert by_worker.data == here.data


def test_a_map_that_is_not_there_yet_is_asked_for_again(
    app: Flask, signed_in: FlaskClient, work: Work, monkeypatch: pytest.MonkeyPatch
):
    work()
    address = sent(signed_in)
    app.extensions["leukoscope_tasks"].stop()
    monkeypatch.setattr("services.analyses.cell_queue.PATIENCE", 0)
    answer = signed_in.get(f"{address}/activation-map.png")

    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0


def test_a_program_asks_for_the_result(app: Flask, signed_in: FlaskClient, work: Work):
    program = program_of(app, "ada")
    answer = program.post("/api/v1/cells", data={"image": (BytesIO(png()), "cell.png")})
    assert answer.status_code == 202
    assert (answer.json["state"], answer.json["kind"]) == ("waiting", "classification")
    address = answer.headers["Location"]
    assert program.get(address).json["state"] == "waiting"
    assert program.get(f"{address}/findings").status_code == 409
    work()

    until(lambda: program.get(address).json["state"] == "done")
    assert program.get(address).json["result"] == "all_blast"
    answer = program.post("/api/v1/cells", data={"image": (BytesIO(png()), "cell.png")})
    assert (answer.status_code, answer.json["result"]) == (201, "all_blast")


def test_an_image_is_given_up_after_three_dead_workers(
    app: Flask, signed_in: FlaskClient, work: Work
):
    address = sent(signed_in)
    with app.app_context():
        task_id = address.rsplit("/", 1)[-1]
        for _ in range(tasks.MOST_ATTEMPTS):
            tasks.begin(CellTask, task_id)
    work()

    until(lambda: "could not be read" in signed_in.get(address).text)
    assert "The server stopped each time it worked on this." in signed_in.get(address).text
