import hashlib
import io
from typing import IO

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from records import db
from records.analyses.analyses import Analysis
from records.analyses.field_tasks import FieldTask
from records.audit.audit import Event
from records.programs.kept_answers import KeptAnswer
from records.storage.image_store import DiskStore
from services.cases.worklist import close
from tests.cases import open_case
from tests.people import account_named, move
from tests.programs import program_of
from tests.stand_ins import drawn_cell, drawn_field
from tests.trail import noted
from tests.uploads import png
from tests.waiting import until

CELLS, FIELDS = "/api/v1/cells", "/api/v1/fields"


def send_cell(client: FlaskClient, content: bytes | None = None, query: str = "", **headers: str):
    image = (io.BytesIO(png() if content is None else content), "cell.png")
    return client.post(CELLS + query, data={"image": image}, headers=headers)


def send_fields(client: FlaskClient, *contents: bytes, query: str = "", **headers: str):
    images = [(io.BytesIO(one), f"{number}.png") for number, one in enumerate(contents)]
    return client.post(FIELDS + query, data={"images": images}, headers=headers)


def read(client: FlaskClient, answer: TestResponse) -> list[dict]:
    """The fields of a batch, once all are read."""

    def ended() -> list[dict] | None:
        items = client.get(answer.headers["Location"]).json["items"]
        under_way = any(item["state"] in {"waiting", "running"} for item in items)
        return None if under_way else items

    return until(ended)


def test_a_cell_is_classified_and_can_be_asked_for(app: Flask, program: FlaskClient):
    answer = send_cell(program)

    assert answer.status_code == 201
    assert answer.json["result"] == "all_blast"
    assert answer.json["state"] == "done"
    assert answer.headers["Location"] == f"/api/v1/analyses/{answer.json['id']}"
    assert program.get(answer.headers["Location"]).json == answer.json
    findings = program.get(f"{answer.headers['Location']}/findings").json
    assert findings["label"] == "all_blast"
    with app.app_context():
        (entry,) = noted(Event.UPLOAD)
        assert entry.known == {"files": 1, "by_token": "ada’s script"}


def test_a_field_waits_and_is_read(program: FlaskClient):
    answer = send_fields(program, png(drawn_field()))
    (sent,) = answer.json["items"]

    assert answer.status_code == 202
    assert sent["refused"] is None
    assert sent["analysis"]["state"] in {"waiting", "running", "done"}
    (field,) = read(program, answer)
    assert (field["id"], field["state"]) == (sent["analysis"]["id"], "done")
    assert field["counts"]["rbc"] == 1
    findings = program.get(f"/api/v1/analyses/{field['id']}/findings").json
    assert {cell["label"] for cell in findings["detections"]} >= {"rbc", "blast"}


def test_a_field_that_is_not_read_has_no_findings(program: FlaskClient, reading):
    reading.go_on.clear()
    answer = send_fields(program, png(drawn_field()))
    field = answer.json["items"][0]["analysis"]["id"]

    assert program.get(f"/api/v1/analyses/{field}").json["result"] is None
    assert program.get(f"/api/v1/analyses/{field}/findings").status_code == 409
    reading.go_on.set()


def test_files_are_refused_one_by_one(program: FlaskClient):
    answer = send_fields(program, png(drawn_field()), b"no image")
    good, bad = answer.json["items"]

    assert answer.status_code == 202
    assert good["refused"] is None
    assert bad["analysis"] is None
    assert bad["refused"].startswith("This is not")


@pytest.mark.parametrize("send", [send_cell, send_fields])
def test_a_request_of_nothing_but_refused_files_is_refused(program: FlaskClient, send):
    answer = send(program, b"no image")

    assert answer.status_code == 422
    assert answer.json["errors"][0]["why"] == answer.json["detail"]


@pytest.mark.parametrize("url", [CELLS, FIELDS])
def test_what_is_no_file_is_refused(program: FlaskClient, url: str):
    for data in ({}, {"image": "text", "images": "text"}):
        answer = program.post(url, data=data, content_type="multipart/form-data")
        assert answer.status_code == 422
    assert program.post(url, json={"image": ""}).status_code == 415


def test_images_go_to_a_case_of_the_team_that_still_takes_some(
    app: Flask, program: FlaskClient, case, other_client
):
    query = f"?case_id={case['id']}"
    assert send_cell(program, query=query).json["case_id"] == case["id"]
    (field,) = send_fields(program, png(drawn_field()), query=query).json["items"]
    assert field["analysis"]["case_id"] == case["id"]

    stranger = program_of(app, "ben")
    assert send_cell(stranger, query=query).status_code == 404
    assert send_fields(stranger, png(), query=query).status_code == 404
    assert send_cell(program, query="?case_id=1").status_code == 422


def test_a_closed_case_takes_none(app: Flask, program: FlaskClient):
    with app.app_context():
        made = open_case(account_named("ada").id)
        close(made, "Clotted.")
        case_id = made.id
    answer = send_cell(program, query=f"?case_id={case_id}")

    assert answer.status_code == 409
    assert "closed" in answer.json["detail"]


def test_a_key_makes_an_upload_happen_once(app: Flask, program: FlaskClient):
    key = {"Idempotency-Key": "a" * 64}
    first, second = send_cell(program, **key), send_cell(program, **key)

    assert second.data == first.data
    assert second.status_code == first.status_code == 201
    assert second.headers["Location"] == first.headers["Location"]
    assert second.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    with app.app_context():
        assert db.session.query(Analysis).count() == 1
        assert len(noted(Event.UPLOAD)) == 1


def test_a_key_of_another_request_is_refused(program: FlaskClient):
    key = {"Idempotency-Key": "a" * 64}
    send_cell(program, **key)
    answer = send_cell(program, png(drawn_field()), **key)
    assert answer.status_code == 422
    assert "Idempotency-Key" in answer.json["detail"]
    assert send_fields(program, png(), **key).status_code == 422
    assert send_cell(program, **{"Idempotency-Key": "short"}).status_code == 422


def test_keys_of_different_accounts_do_not_meet(program: FlaskClient, other_program: FlaskClient):
    key = {"Idempotency-Key": "a" * 64}
    mine, theirs = send_cell(program, **key), send_cell(other_program, **key)
    assert mine.json["id"] != theirs.json["id"]
    assert (mine.json["owner"], theirs.json["owner"]) == ("ada", "cleo")


def test_what_failed_may_be_sent_again(app: Flask, program: FlaskClient, monkeypatch):
    app.config["PROPAGATE_EXCEPTIONS"] = False
    key = {"Idempotency-Key": "b" * 64}
    with monkeypatch.context() as broken:
        broken.setattr("records.analyses.analyses.add", lambda _analysis: 1 / 0)
        answer = send_cell(program, **key)
        assert (answer.status_code, answer.mimetype) == (500, "application/problem+json")
    assert send_cell(program, **key).status_code == 201


def test_a_batch_of_fields_is_taken_once(app: Flask, program: FlaskClient):
    key = {"Idempotency-Key": "c" * 64}
    fields = png(drawn_field()), png()
    first, second = send_fields(program, *fields, **key), send_fields(program, *fields, **key)

    assert first.json == second.json
    with app.app_context():
        assert db.session.query(FieldTask).count() == 2
    read(program, first)


def forget_answers(app: Flask) -> None:
    with app.app_context():
        db.session.query(KeptAnswer).delete()
        db.session.commit()


def test_a_key_that_is_used_again_later_gives_no_other_images_result(
    app: Flask, program: FlaskClient
):
    key = {"Idempotency-Key": "d" * 64}
    first = send_cell(program, **key)
    forget_answers(app)
    other = send_cell(program, png(drawn_field()), **key)
    assert (other.status_code, other.json["id"] != first.json["id"]) == (201, True)
    forget_answers(app)
    again = send_cell(program, **key)
    assert again.json["id"] == first.json["id"]


def test_an_image_that_was_moved_to_another_case_is_not_sent_under_its_key(
    app: Flask, program: FlaskClient, case
):
    key = {"Idempotency-Key": "e" * 64}
    first = send_cell(program, **key)
    forget_answers(app)
    with app.app_context():
        db.session.get(Analysis, first.json["id"]).case_id = case["id"]
        db.session.commit()
    answer = send_cell(program, **key)
    assert answer.status_code == 422
    assert "Make a new key" in answer.json["detail"]


def test_files_under_a_key_that_failed_are_not_known_by_their_place(
    app: Flask, program: FlaskClient, monkeypatch
):
    key = {"Idempotency-Key": "f" * 64}
    put, uploads = DiskStore.put_named, []

    def full(store: DiskStore, name: str, content: IO[bytes]) -> None:
        uploads.extend([name] if name.endswith(".upload") else [])
        if len(uploads) > 1:
            raise OSError(28, "No space left on device")
        put(store, name, content)

    with monkeypatch.context() as patch:
        patch.setattr(DiskStore, "put_named", full)
        assert send_fields(program, png(drawn_field()), png(), **key).status_code == 503
    answer = send_fields(program, png(drawn_cell()), png(drawn_field()), **key)
    first, second = (item["analysis"]["id"] for item in answer.json["items"])
    with app.app_context():
        kept = {task.id: task.sha256 for task in db.session.query(FieldTask)}
    assert kept[first] == hashlib.sha256(png(drawn_cell())).hexdigest()
    assert kept[second] == hashlib.sha256(png(drawn_field())).hexdigest()
    assert len(kept) == 2


def test_whoever_moves_away_leaves_the_fields_behind(app: Flask, program: FlaskClient):
    answer = send_fields(program, png(drawn_field()))
    read(program, answer)
    move(app, "ada", "night shift")
    assert program.get(answer.headers["Location"]).status_code == 404
