import re
from collections.abc import Iterator

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient

from models.findings import Namer
from models.registry import Models
from pages.analyses import detection
from pages.analyses.batches import NOT_TO_BE_CANCELLED
from records import db
from records.analyses.analyses import Analysis
from records.storage.image_store import DiskStore
from services.analyses import field_queue
from tests.jobs.test_engine import until
from tests.people import csrf_token, post
from tests.reading import Reading
from tests.services.analyses.fields import read_field
from tests.stand_ins import drawn_cell
from tests.uploads import follow, png, send, texts, upload_field

BATCH = "b" * 32
PAGE = f"/batches/{BATCH}"
JSON = {"Accept": "application/json"}


@pytest.fixture
def held(reading: Reading, monkeypatch) -> Iterator[Reading]:
    """Fields are read until they are let go; the plain form is not pending for them."""
    monkeypatch.setattr(detection, "PATIENCE", 0)
    reading.go_on.clear()
    yield reading
    reading.go_on.set()


def sent(client: FlaskClient, name: str = "field.png", content: bytes | None = None) -> dict:
    file = (name, content or png())
    return send(client, "/detect", file, as_json=True, batch=BATCH).json


def files(client: FlaskClient) -> dict[str, dict]:
    answer = client.get(f"{PAGE}/progress", headers=JSON)
    return {file["file"]: file for file in answer.json["files"]}


def act(client: FlaskClient, url: str) -> dict:
    """Press a button as the script does."""
    answer = client.post(url, headers={**JSON, "X-CSRFToken": csrf_token(client)})
    assert answer.status_code == 200, answer.text
    return answer.json


def test_a_script_is_told_where_to_ask_what_became_of_a_field(signed_in: FlaskClient, held):
    answer = send(signed_in, "/detect", ("f.png", png()), as_json=True, batch=BATCH)
    shown = answer.json

    assert answer.status_code == 202
    assert (shown["file"], shown["batch"]) == ("f.png", PAGE)
    assert shown["state"] in {"waiting", "running"}
    assert shown["cancel"] == f"{PAGE}/{shown['id']}/cancel"
    assert shown["retry"] is None
    assert "url" not in shown
    until(lambda: files(signed_in)["f.png"]["done"] == 3)
    assert files(signed_in)["f.png"]["total"] == 10


def test_a_read_field_is_told_with_its_result(signed_in: FlaskClient):
    shown = upload_field(signed_in, batch=BATCH)

    assert shown["word"] == "Blasts suspected"
    assert shown["summary"] == "Blasts: 1 of 2 white cells, 1 uncertain"
    assert shown["cancel"] is shown["retry"] is shown["error"] is None
    assert signed_in.get(shown["url"]).status_code == 200
    assert signed_in.get(shown["thumbnail"]).mimetype == "image/jpeg"


def test_one_field_of_the_plain_form_leads_to_its_result(signed_in: FlaskClient):
    answer = send(signed_in, "/detect", ("field.png", png()))

    assert answer.status_code == 303
    assert re.fullmatch(r"/detect/[0-9a-f]{32}", answer.headers["Location"])


def test_what_takes_long_leads_to_the_batch(signed_in: FlaskClient, held: Reading):
    answer = send(signed_in, "/detect", ("field.png", png()), batch=BATCH)
    page = signed_in.get(answer.headers["Location"]).text

    assert answer.headers["Location"] == PAGE
    assert "0 of 1 analysed" in texts(page)
    assert "Counts appear when" in page
    assert '<noscript><meta http-equiv="refresh"' in page


def test_several_of_the_plain_form_are_a_batch_with_those_that_were_refused(
    app: Flask, signed_in: FlaskClient
):
    answer = send(
        signed_in, "/detect", ("a.png", png()), ("bad.png", b"no"), ("c.png", png()), batch=BATCH
    )
    assert answer.headers["Location"] == PAGE
    until(lambda: [f["state"] for f in files(signed_in).values()].count("done") == 2)
    page = signed_in.get(PAGE).text

    assert "2 of 3 analysed, 1 failed" in texts(page)
    assert "bad.png This is not an image that can be read" in texts(page)
    assert len(re.findall(r'href="/detect/[0-9a-f]{32}"', page)) == 2
    assert "http-equiv" not in page


def test_all_read_fields_are_counted_together(signed_in: FlaskClient, monkeypatch):
    monkeypatch.setattr(
        Models,
        "read_field",
        lambda self, rgb, progress=None, **options: read_field(named_by=Namer.CLASSIFIER),
    )
    for _ in range(3):
        upload_field(signed_in, batch=BATCH)
    page = texts(signed_in.get(PAGE).text)

    assert "Cells in 3 fields" in page
    assert "Blasts 6 Other white cells 6 Smudge cells 0 Red cells 3 Platelets 0" in page
    assert "Blasts 6 of 12 Percentage 50% 95% CI 25% to 75% Uncertain 3" in page
    assert "Only 12 white cells. Count at least 100." in page
    assert texts(signed_in.get(f"{PAGE}/counts").text) in page


def test_a_deleted_field_no_longer_counts(signed_in: FlaskClient):
    first = upload_field(signed_in, "first.png", batch=BATCH)
    upload_field(signed_in, "second.png", batch=BATCH)
    post(signed_in, f"/history/{first['id']}/delete")
    page = texts(signed_in.get(PAGE).text)

    assert "1 of 1 analysed" in page
    assert "Cells in 1 field" in page
    assert list(files(signed_in)) == ["second.png"]


def test_one_is_cancelled_and_the_others_go_on(signed_in: FlaskClient, held: Reading):
    for name in "abc":
        sent(signed_in, name)
    until(lambda: files(signed_in)["a"]["state"] == "running")
    for name in "ab":
        assert act(signed_in, files(signed_in)[name]["cancel"])["state"] == "dropped"
    held.go_on.set()
    until(lambda: files(signed_in)["c"]["state"] == "done")
    page = texts(signed_in.get(PAGE).text)

    assert page.count("Cancelled. Nothing was saved.") == 2
    assert files(signed_in)["a"]["cancel"] is files(signed_in)["a"]["retry"] is None


def test_all_that_are_not_read_are_cancelled(app: Flask, signed_in: FlaskClient, held: Reading):
    sent(signed_in, "read")
    held.go_on.set()
    until(lambda: files(signed_in)["read"]["state"] == "done")
    held.go_on.clear()
    for name in "abc":
        sent(signed_in, name)
    assert post(signed_in, f"{PAGE}/cancel").headers["Location"] == PAGE

    states = [file["state"] for file in files(signed_in).values()]
    assert states == ["done", "dropped", "dropped", "dropped"]
    assert DiskStore(app.config["LEUKOSCOPE"].uploads_dir).names() == set()
    shown = act(signed_in, f"{PAGE}/cancel")["files"]
    assert [file["state"] for file in shown] == states


def test_a_failure_is_told_and_can_be_tried_again_or_removed(signed_in, held: Reading):
    held.error = ValueError("inside")
    held.go_on.set()
    shown = [follow(signed_in, sent(signed_in, name)) for name in "ab"]
    page = signed_in.get(PAGE).text
    assert "Something went wrong on the server" in page
    assert "inside" not in page
    assert shown[0]["cancel_word"] == "Remove"

    held.error = None
    act(signed_in, shown[0]["retry"])
    assert follow(signed_in, shown[0])["state"] == "done"
    assert act(signed_in, shown[1]["cancel"])["state"] == "dropped"
    assert post(signed_in, shown[1]["retry"]).headers["Location"] == PAGE
    assert files(signed_in)["b"]["state"] == "dropped"


def test_who_has_many_waiting_is_told_to_wait(app: Flask, signed_in, held: Reading):
    app.extensions["leukoscope_fields"]._max_waiting = 1
    sent(signed_in, "a")
    answer = send(signed_in, "/detect", ("b", png()), as_json=True, batch=BATCH)

    assert answer.status_code == 503
    assert answer.json == {"error": field_queue.FULL.format(1)}
    assert list(files(signed_in)) == ["a"]


def test_a_full_disk_is_told(signed_in: FlaskClient, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(DiskStore, "put_named", full)
    script = send(signed_in, "/detect", ("b.png", png()), as_json=True, batch=BATCH)
    plain = send(signed_in, "/detect", ("b.png", png()), batch=BATCH)

    assert (script.status_code, script.json) == (503, {"error": field_queue.NO_ROOM})
    assert field_queue.NO_ROOM in texts(plain.text)
    assert signed_in.get(PAGE).status_code == 404


def test_a_hostile_name_is_only_text(signed_in: FlaskClient):
    upload_field(signed_in, '../<img src=x onerror="alert(1)">\u202e.png', batch=BATCH)
    page = signed_in.get(PAGE).text

    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=" in page
    assert "\u202e" not in page


def test_a_session_that_ends_does_not_end_the_reading(app: Flask, signed_in, held: Reading):
    sent(signed_in)
    post(signed_in, "/sign-out")
    shown = signed_in.get(f"{PAGE}/progress", headers=JSON)
    assert (shown.status_code, shown.json) == (401, {"error": "Sign in to continue."})
    held.go_on.set()

    def kept() -> bool:
        with app.app_context():
            return db.session.scalar(db.select(Analysis.id)) is not None

    until(kept)


def test_changing_needs_a_token(signed_in: FlaskClient, held: Reading):
    shown = sent(signed_in)
    for url in (shown["cancel"], f"{PAGE}/cancel", f"{PAGE}/{shown['id']}/retry"):
        assert signed_in.post(url, headers=JSON).status_code == 400
    assert files(signed_in)["field.png"]["state"] != "dropped"


def test_somebody_elses_batch_is_not_found(signed_in, other_client: FlaskClient, held: Reading):
    mine = sent(signed_in, "adas.png")
    for url in (PAGE, f"{PAGE}/progress", f"{PAGE}/counts"):
        assert other_client.get(url).status_code == 404
    for url in (f"{PAGE}/cancel", mine["cancel"], f"{PAGE}/{mine['id']}/retry"):
        assert post(other_client, url).status_code == 404

    sent(other_client, "bens.png")
    assert list(files(other_client)) == ["bens.png"]
    assert post(other_client, mine["cancel"]).status_code == 404
    post(other_client, f"{PAGE}/cancel")
    assert files(signed_in)["adas.png"]["state"] != "dropped"


def test_a_colleague_sees_a_batch_and_a_reviewer_may_cancel_it(
    app: Flask, signed_in: FlaskClient, colleague: FlaskClient, held: Reading
):
    sent(colleague, "read.png")
    shown = sent(colleague, "waits.png")
    mine = sent(signed_in, "adas.png")
    assert "Uploaded together by cleo" in texts(signed_in.get(PAGE).text)
    seen = files(colleague)
    assert set(seen) == {"read.png", "waits.png", "adas.png"}
    assert seen["waits.png"]["cancel"]
    assert seen["adas.png"]["cancel"] is None

    refused = colleague.post(mine["cancel"], headers={**JSON, "X-CSRFToken": csrf_token(colleague)})
    assert refused.status_code == 403
    assert refused.json["error"] == NOT_TO_BE_CANCELLED
    act(colleague, f"{PAGE}/cancel")
    assert files(colleague)["adas.png"]["state"] in {"waiting", "running"}
    assert files(colleague)["waits.png"]["state"] == "dropped"

    again = sent(colleague, "again.png")
    assert act(signed_in, again["cancel"])["state"] == "dropped"
    assert shown["id"] != again["id"]


def test_the_history_of_a_batch_leads_to_it(signed_in: FlaskClient):
    upload_field(signed_in, batch=BATCH)

    assert f'href="{PAGE}"' in signed_in.get(f"/history?batch={BATCH}").text
    assert "/batches/" not in signed_in.get("/history").text
    send(signed_in, "/classify", ("c.png", png(drawn_cell())), as_json=True, batch="c" * 32)
    assert "/batches/" not in signed_in.get(f"/history?batch={'c' * 32}").text


def test_a_field_without_white_cells_says_so(signed_in: FlaskClient, monkeypatch):
    red = tuple(cell for cell in read_field().detections if cell.label == "rbc")
    found = read_field(detections=red, candidates=())
    monkeypatch.setattr(Models, "read_field", lambda self, rgb, progress=None, **options: found)
    shown = upload_field(signed_in, content=png(np.zeros((64, 64, 3), np.uint8)), batch=BATCH)

    assert shown["word"] == "No white cells"
    assert "No white cells found" in texts(signed_in.get(PAGE).text)
