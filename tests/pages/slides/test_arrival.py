"""Slides on their way: in parts, within limits, and nothing stays of what is refused."""

from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from records import db, utc_now
from records.slides.slides import Slide
from records.storage.slide_store import SlideStore
from services.slides.arrival import MAX_ARRIVING, PART_BYTES, RESERVE
from tests.people import csrf_token, post
from tests.slide_files import write_slide
from tests.slide_uploads import begin, script, send_part, send_slide
from tests.uploads import encoded


def files(app: Flask) -> list[Path]:
    root = app.config["LEUKOSCOPE"].slides_dir
    return [path for path in root.rglob("*") if path.is_file()]


def rows(app: Flask) -> int:
    with app.app_context():
        return len(list(db.session.scalars(db.select(Slide))))


def test_a_slide_arrives_in_parts(app: Flask, signed_in: FlaskClient, slide_file: Path):
    content = slide_file.read_bytes()
    addresses = begin(signed_in, "Ä b.TIF", len(content)).json
    half = len(content) // 2
    first = send_part(signed_in, addresses["parts"], 0, content[:half])
    assert first.json == {"received": half}
    assert "No slides yet" in signed_in.get("/slides").text
    # The answer was lost, and the script sends the part again.
    again = send_part(signed_in, addresses["parts"], 0, content[:half])
    assert (again.status_code, again.json["received"]) == (409, half)
    last = send_part(signed_in, addresses["parts"], half, content[half:] + b"more than announced")
    assert last.json == {"received": len(content)}
    answer = signed_in.post(addresses["finish"], headers=script(signed_in))
    assert signed_in.get(answer.json["url"]).status_code == 200
    assert [path.name for path in files(app)] == ["slide.tif"]
    assert files(app)[0].read_bytes() == content


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.svs", encoded(Image.new("RGB", (60, 60)), "PNG"), "a PNG image, not a whole slide"),
        ("a.svs", b"%PDF-1.7", "a PDF document"),
        ("a.tif", encoded(Image.new("RGB", (60, 60)), "TIFF"), "a plain TIFF image"),
        ("a.svs", b"nothing at all", "No slide was found"),
        ("a.mrxs", b"\xff\xd8\xff thumbnail", "into one ZIP"),
        ("a.zip", b"PK\3\4 and nothing else", "cannot be unpacked"),
    ],
)
def test_what_is_no_slide_is_refused_and_not_kept(app, signed_in, name, content, sentence):
    answer = send_slide(signed_in, content, name)
    assert answer.status_code == 422
    assert sentence in answer.json["error"]
    assert (files(app), rows(app)) == ([], 0)


def test_a_slide_that_is_cut_off_is_refused(app, signed_in, slide_file: Path):
    content = slide_file.read_bytes()
    answer = send_slide(signed_in, content[: len(content) // 3])
    assert answer.status_code == 422
    assert answer.json["error"].endswith(".")
    assert (files(app), rows(app)) == ([], 0)


def test_an_incomplete_slide_is_refused(app, signed_in, slide_file: Path):
    content = slide_file.read_bytes()
    addresses = begin(signed_in, "a.tif", len(content)).json
    send_part(signed_in, addresses["parts"], 0, content[:-1])
    answer = signed_in.post(addresses["finish"], headers=script(signed_in))
    assert "not arrived completely" in answer.json["error"]
    assert rows(app) == 0


@pytest.mark.parametrize(
    ("size", "status", "sentence"),
    [(0, 422, "empty"), (-5, 422, "empty"), (9000 * 2**20, 422, "at most 8192 MB are taken")],
)
def test_sizes_have_limits(signed_in: FlaskClient, size, status, sentence):
    answer = begin(signed_in, "a.tif", size)
    assert answer.status_code == status
    assert sentence in answer.json["error"]


def test_a_full_disk_takes_none(app, signed_in: FlaskClient, monkeypatch):
    monkeypatch.setattr(SlideStore, "free_bytes", lambda self: RESERVE + 999)
    assert begin(signed_in, "a.tif", 999).status_code == 201
    answer = begin(signed_in, "a.tif", 1000)
    assert answer.status_code == 503
    assert "disk is full" in answer.json["error"]
    assert rows(app) == 1


def test_a_disk_that_fills_up_loses_nothing_that_arrived(signed_in, slide_file, monkeypatch):
    addresses = begin(signed_in, "a.tif", 2000).json
    content = slide_file.read_bytes()
    send_part(signed_in, addresses["parts"], 0, content[:1000])

    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.open", full)
        answer = send_part(signed_in, addresses["parts"], 1000, content[1000:2000])
    assert answer.status_code == 503
    assert send_part(signed_in, addresses["parts"], 1000, content[1000:2000]).status_code == 200


def test_a_person_sends_a_few_at_a_time(signed_in: FlaskClient):
    sent = [begin(signed_in, f"{n}.tif", 1000) for n in range(MAX_ARRIVING + 1)]
    assert [answer.status_code for answer in sent] == [201] * MAX_ARRIVING + [422]
    signed_in.post(sent[0].json["drop"], headers=script(signed_in))
    assert begin(signed_in, "again.tif", 1000).status_code == 201


def test_an_upload_that_was_given_up_is_dropped_a_day_later(app, signed_in: FlaskClient):
    begin(signed_in, "old.tif", 1000)
    with app.app_context():
        db.session.scalars(db.select(Slide)).one().created_at = utc_now() - timedelta(hours=25)
        db.session.commit()
    begin(signed_in, "new.tif", 1000)
    with app.app_context():
        assert db.session.scalars(db.select(Slide)).one().file_name == "new.tif"
    assert len(files(app)) == 1


def test_a_part_has_a_largest_size(signed_in: FlaskClient):
    addresses = begin(signed_in, "a.tif", 3 * PART_BYTES).json
    answer = send_part(signed_in, addresses["parts"], 0, b"II*\0" + bytes(PART_BYTES))
    assert answer.status_code == 413


def test_nobody_else_sends_parts_or_ends_an_upload(
    signed_in, colleague: FlaskClient, other_client: FlaskClient
):
    addresses = begin(signed_in, "a.tif", 1000).json
    for client in (colleague, other_client):
        for address in (f"{addresses['parts']}0", addresses["finish"], addresses["drop"]):
            assert client.post(address, headers=script(client)).status_code == 404


def test_nobody_sends_a_slide_into_another_teams_case(signed_in, other_client: FlaskClient):
    case = post(signed_in, "/cases/new", pseudonym="Alder-7", specimen="blood")
    case_id = case.headers["Location"].removeprefix("/cases/")
    answer = begin(other_client, "a.tif", 1000, case=case_id)
    assert answer.status_code == 409
    assert "does not belong to your team" in answer.json["error"]


def test_a_slide_of_several_files_comes_as_a_zip(app, signed_in, tmp_path: Path):
    import zipfile

    inside = write_slide(tmp_path / "one.tif", 2048).read_bytes()
    with zipfile.ZipFile(tmp_path / "one.zip", "w") as packed:
        packed.writestr("folder/one.tif", inside)
    answer = send_slide(signed_in, (tmp_path / "one.zip").read_bytes(), "one.zip")
    assert answer.status_code == 200, answer.text
    assert [path.name for path in files(app)] == ["one.tif"]


def test_the_form_needs_its_token(signed_in: FlaskClient):
    answer = signed_in.post("/slides", data={"name": "a.tif", "bytes": "1000"})
    assert answer.status_code == 400
    assert csrf_token(signed_in)
