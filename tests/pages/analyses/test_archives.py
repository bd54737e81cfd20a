"""ZIPs of images: each image has its own result or refusal, with the page's script and without."""

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from records import db
from records.analyses.analyses import Analysis
from records.analyses.archives import UploadedArchive
from records.analyses.field_tasks import FieldTask
from records.audit.audit import Event
from records.storage.image_store import DiskStore
from services.analyses.archives import MOST_KEPT
from tests.archives import packed, send_archive, send_entry
from tests.pages.analyses.test_uploads import PATHS
from tests.stand_ins import drawn_field
from tests.trail import noted
from tests.uploads import follow, png, send, texts

MIXED = packed(
    {
        "smear/1.png": png(drawn_field()),
        "smear/notes.txt": b"no image",
        "../../2.png": png(drawn_field(600)),
        "inner.zip": packed({"3.png": png()}),
        "smear/.DS_Store": b"x",
        "__MACOSX/._1.png": b"x",
    }
)
BATCH = "c" * 32


def stored(app: Flask) -> set[str]:
    return DiskStore(app.config["LEUKOSCOPE"].uploads_dir).names()


def count(app: Flask, table: type) -> int:
    with app.app_context():
        return db.session.scalar(db.select(db.func.count()).select_from(table))


def test_a_zip_is_listed_with_what_is_refused(app: Flask, signed_in: FlaskClient):
    answer = send_archive(signed_in, MIXED)

    assert answer.status_code == 201
    assert answer.json["left_out"] == 2
    assert [(entry["file"], entry["error"]) for entry in answer.json["entries"]] == [
        ("1.png", None),
        ("notes.txt", None),
        ("2.png", None),
        ("inner.zip", "This is a ZIP file inside a ZIP file. Upload it by itself."),
    ]
    assert len(stored(app)) == 1


def test_each_field_of_a_zip_has_a_result_or_a_refusal_of_its_own(
    app: Flask, signed_in: FlaskClient
):
    archive = send_archive(signed_in, MIXED).json
    first, text, second, inner = (
        send_entry(signed_in, "/detect", archive, entry["place"], batch=BATCH)
        for entry in archive["entries"]
    )
    assert follow(signed_in, first.json)["word"] == "Blasts suspected"
    assert follow(signed_in, second.json)["file"] == "2.png"
    assert (text.status_code, inner.status_code) == (422, 422)
    assert "not an image that can be read" in text.json["error"]
    assert "inside a ZIP file" in inner.json["error"]
    with app.app_context():
        assert [entry.known["files"] for entry in noted(Event.UPLOAD)] == [1, 1]

    assert signed_in.post(archive["drop"]).status_code == 400
    headers = {"X-CSRFToken": first.request.headers["X-CSRFToken"]}
    for _ in range(2):
        assert signed_in.post(archive["drop"], headers=headers).json == {"state": "dropped"}
    assert stored(app) == set()
    gone = send_entry(signed_in, "/detect", archive, 0)
    assert (gone.status_code, gone.json["error"][-16:]) == (410, "Choose it again.")


def test_cells_of_a_zip_are_classified(signed_in: FlaskClient):
    archive = send_archive(signed_in, packed({"cells/1.png": png()})).json
    answer = send_entry(signed_in, "/classify", archive, 0)

    assert answer.status_code == 201
    assert (answer.json["file"], answer.json["label"]) == ("1.png", "all_blast")


def test_an_image_of_a_zip_that_is_sent_again_is_kept_once(app: Flask, signed_in: FlaskClient):
    archive = send_archive(signed_in, MIXED).json
    assert send_archive(signed_in, MIXED).json == archive
    sent = [
        send_entry(signed_in, "/detect", archive, place, key=key)
        for place, key in ((0, "1" * 32), (0, "1" * 32), (0, "2" * 32))
    ]
    ids = [answer.json["id"] for answer in sent]
    assert ids[0] == ids[1] != ids[2]
    assert count(app, FieldTask) == 2
    assert count(app, UploadedArchive) == 1


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"PK\3\4 and more", "The ZIP file is damaged or incomplete."),
        (MIXED[:-40], "The ZIP file is damaged or incomplete."),
        (packed({"a/.DS_Store": b""}), "The ZIP file holds no images."),
        (b"no zip", "The ZIP file is damaged or incomplete."),
    ],
)
def test_a_zip_that_cannot_be_listed_is_kept_nowhere(app, signed_in, content, sentence):
    answer = send_archive(signed_in, content)

    assert answer.status_code == 422
    assert answer.json["error"].startswith(sentence)
    assert stored(app) == set()


def test_a_request_without_a_zip_is_refused(signed_in: FlaskClient):
    headers = {"X-CSRFToken": send_archive(signed_in, MIXED).request.headers["X-CSRFToken"]}
    assert signed_in.post("/uploads/archives", headers=headers).status_code == 422


def test_somebody_elses_zip_is_not_there(signed_in: FlaskClient, colleague: FlaskClient):
    archive = send_archive(signed_in, MIXED).json
    assert send_entry(colleague, "/detect", archive, 0).status_code == 410

    headers = {"X-CSRFToken": send_archive(colleague, MIXED).request.headers["X-CSRFToken"]}
    colleague.post(archive["drop"], headers=headers)
    assert send_entry(signed_in, "/detect", archive, 0).status_code == 202


def test_the_oldest_of_many_zips_makes_room(app: Flask, signed_in: FlaskClient):
    sent = [send_archive(signed_in, MIXED, f"{n:032}").json for n in range(MOST_KEPT + 1)]

    assert len(stored(app)) == MOST_KEPT
    assert send_entry(signed_in, "/detect", sent[0], 0).status_code == 410
    assert send_entry(signed_in, "/detect", sent[1], 0).status_code == 202


def test_a_full_disk_is_told(app: Flask, signed_in: FlaskClient, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(DiskStore, "put_named", full)
    assert send_archive(signed_in, MIXED).status_code == 503
    assert count(app, UploadedArchive) == 0


def test_without_script_each_image_of_a_zip_is_a_line(app: Flask, signed_in: FlaskClient):
    answer = send(signed_in, "/classify", ("smears.zip", MIXED), ("cell.png", png()))
    page = texts(answer.text)

    assert "3 of 5 images analysed." in page
    assert "notes.txt This is not an image that can be read" in page
    assert "inner.zip This is a ZIP file inside a ZIP file." in page
    assert count(app, Analysis) == 3


def test_without_script_the_fields_of_a_zip_are_a_batch(signed_in: FlaskClient):
    answer = send(signed_in, "/detect", ("smears.zip", MIXED), batch=BATCH)
    page = texts(signed_in.get(answer.headers["Location"]).text)

    assert answer.headers["Location"] == f"/batches/{BATCH}"
    assert "inner.zip" in page
    assert "Upload it by itself." in page


@pytest.mark.parametrize("path", PATHS)
def test_without_script_a_broken_zip_is_told(app: Flask, signed_in: FlaskClient, path: str):
    answer = send(signed_in, path, ("smears.zip", MIXED[:-40]))

    assert answer.status_code == 422
    assert "smears.zip The ZIP file is damaged or incomplete." in texts(answer.text)
    assert stored(app) == set()


def test_the_zip_of_real_fields_is_read(signed_in: FlaskClient, shared_cases: Path):
    archive = send_archive(signed_in, (shared_cases / "fields.zip").read_bytes()).json
    sent = [
        send_entry(signed_in, "/detect", archive, entry["place"]) for entry in archive["entries"]
    ]
    assert [follow(signed_in, answer.json)["state"] for answer in sent] == ["done"]
