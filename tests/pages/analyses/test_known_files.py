"""The same file twice: kept once where it is sent twice, and told where it is uploaded again."""

import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from flask.testing import FlaskClient

from records import db
from records.analyses.analyses import Analysis
from records.analyses.field_tasks import FieldTask
from records.storage.image_store import DiskStore
from tests.pages.analyses.test_uploads import PATHS
from tests.people import post
from tests.reading import Reading
from tests.stand_ins import drawn_field
from tests.uploads import follow, png, send, texts, upload_cell, upload_field

FIELD = png(drawn_field())
KINDS = {"/classify": "classification", "/detect": "detection"}
KEY = "1" * 32


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def ask(client: FlaskClient, path: str, *contents: bytes) -> dict[str, dict[str, str]]:
    hashes = [sha256(content) for content in contents]
    answer = post(client, f"/uploads/known/{KINDS[path]}", sha256=[*hashes, "no hash"])
    assert answer.status_code == 200
    return answer.json["files"]


def rows(app: Flask, path: str) -> int:
    with app.app_context():
        table = Analysis if path == "/classify" else FieldTask
        return db.session.scalar(db.select(db.func.count()).select_from(table))


@pytest.mark.parametrize("path", PATHS)
def test_what_is_sent_twice_under_one_key_is_kept_once(app, signed_in, path: str):
    first, second, other = (
        send(signed_in, path, ("1.png", FIELD), as_json=True, key=key).json["id"]
        for key in (KEY, KEY, "2" * 32)
    )
    assert first == second != other
    assert rows(app, path) == 2


@pytest.mark.parametrize("path", PATHS)
def test_also_at_the_same_moment(app: Flask, signed_in: FlaskClient, path: str):
    cookie = signed_in.get_cookie("leukoscope")

    def upload(_number: int) -> str:
        client = app.test_client()
        client.set_cookie("leukoscope", cookie.value)
        answer = send(client, path, ("1.png", FIELD), as_json=True, key=KEY)
        assert answer.status_code < 300, answer.text
        return answer.json["id"]

    signed_in.get("/classify")
    with ThreadPoolExecutor(3) as pool:
        (kept,) = set(pool.map(upload, range(3)))
    assert rows(app, path) == 1
    if path == "/detect":
        follow(signed_in, send(signed_in, path, ("1", FIELD), as_json=True, key=KEY).json)
        assert DiskStore(app.config["LEUKOSCOPE"].uploads_dir).names() == set()
    with app.app_context():
        analysis = db.session.get_one(Analysis, kept)
        names = DiskStore(app.config["LEUKOSCOPE"].images_dir).names()
        assert names == set(analysis.image_names)


def test_a_key_stands_in_nobody_elses_way(signed_in: FlaskClient, colleague: FlaskClient):
    ids = {
        send(client, "/detect", ("1.png", FIELD), as_json=True, key=KEY).json["id"]
        for client in (signed_in, colleague)
    }
    assert len(ids) == 2


def test_a_file_that_was_classified_is_told_with_its_result(signed_in: FlaskClient):
    analysis_id = upload_cell(signed_in, "smear 7.png")
    known = ask(signed_in, "/classify", png(), b"another")

    assert list(known) == [sha256(png())]
    assert known[sha256(png())]["url"] == f"/classify/{analysis_id}"
    assert known[sha256(png())]["sentence"].startswith("Uploaded before, as “smear 7.png” on ")
    assert ask(signed_in, "/detect", png()) == {}


def test_a_field_is_told_while_it_waits_and_when_it_is_read(signed_in, reading: Reading):
    reading.go_on.clear()
    task = send(signed_in, "/detect", ("1.png", FIELD), as_json=True).json
    assert ask(signed_in, "/detect", FIELD)[sha256(FIELD)]["url"] == task["batch"]
    reading.go_on.set()
    follow(signed_in, task)
    assert ask(signed_in, "/detect", FIELD)[sha256(FIELD)]["url"] == f"/detect/{task['id']}"


def test_a_colleagues_file_is_told_with_the_name_and_another_teams_is_not(
    signed_in: FlaskClient, colleague: FlaskClient, other_client: FlaskClient
):
    upload_cell(colleague, "a.png")

    (known,) = ask(signed_in, "/classify", png()).values()
    assert known["sentence"].startswith("Uploaded before by cleo, as “a.png”")
    assert ask(other_client, "/classify", png()) == {}


@pytest.mark.parametrize("path", PATHS)
def test_a_script_that_asks_is_told_in_place_of_an_upload(app, signed_in, path: str):
    upload = upload_cell if path == "/classify" else upload_field
    upload(signed_in, "before.png", FIELD)
    answer = send(signed_in, path, ("1.png", FIELD), as_json=True, known="ask", key=KEY)

    assert answer.status_code == 409
    assert answer.json["error"] == answer.json["known"]["sentence"]
    assert "as “before.png”" in answer.json["error"]
    assert rows(app, path) == 1
    anyway = send(signed_in, path, ("1.png", FIELD), as_json=True, key=KEY)
    assert anyway.status_code < 300
    again = send(signed_in, path, ("1.png", FIELD), as_json=True, known="ask", key=KEY)
    assert again.json["id"] == anyway.json["id"]
    assert rows(app, path) == 2


@pytest.mark.parametrize("path", PATHS)
def test_the_file_that_is_sent_again_is_not_known_by_itself(signed_in: FlaskClient, path: str):
    first = send(signed_in, path, ("1.png", FIELD), as_json=True, known="ask", key=KEY)
    again = send(signed_in, path, ("1.png", FIELD), as_json=True, known="ask", key=KEY)

    assert first.status_code == again.status_code
    assert first.json["id"] == again.json["id"]


@pytest.mark.parametrize("path", PATHS)
def test_the_page_of_a_batch_shows_what_has_arrived(signed_in, other_client, path: str):
    batch = "d" * 32
    (upload_cell if path == "/classify" else upload_field)(signed_in, "elsewhere.png")
    sent = send(signed_in, path, ("smear 7.png", FIELD), as_json=True, batch=batch).json
    page = signed_in.get(f"{path}?batch={batch}").text

    assert f'name="batch" value="{batch}"' in page
    assert f'data-id="{sent["id"]}"' in page
    assert "elsewhere.png" not in page
    assert "smear 7.png" not in other_client.get(f"{path}?batch={batch}").text
    assert "smear 7.png" not in texts(signed_in.get(f"{path}?batch=none").text)
