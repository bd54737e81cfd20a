"""A slide in the pages: shown, marked, read, put into a case, deleted."""

import io
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from pages.slides import tiles
from records import db
from records.analyses.analyses import Analysis
from records.audit.audit import Event
from records.slides.slides import Slide
from services.turns import Turns
from tests.people import csrf_token, post
from tests.slide_files import write_slide
from tests.slide_uploads import mark, read_area, send_slide, upload_slide
from tests.trail import noted
from tests.uploads import texts


def open_case(client: FlaskClient, pseudonym: str = "Alder-7") -> str:
    opened = post(client, "/cases/new", pseudonym=pseudonym, specimen="blood")
    return opened.headers["Location"].removeprefix("/cases/")


def test_a_slide_is_listed_and_shown(signed_in: FlaskClient, slide: str):
    assert "smear.tif" in signed_in.get("/slides").text
    page = texts(signed_in.get(slide).text)
    assert "7168 × 3072 pixels, 0.25 µm each" in page
    assert "No areas yet" in page


def test_a_tile_is_sent_and_kept_by_the_browser(signed_in: FlaskClient, slide: str):
    answer = signed_in.get(f"{slide}/tiles/13/7_2.jpg")
    assert Image.open(io.BytesIO(answer.data)).size == (512, 512)
    assert answer.cache_control.private
    assert answer.cache_control.max_age == tiles.CACHE_SECONDS
    for outside in ("14/0_0", "13/14_0", "7/0_0", "99999999999/0_0"):
        assert signed_in.get(f"{slide}/tiles/{outside}.jpg").status_code == 404


def test_too_many_tiles_at_once_are_refused(signed_in: FlaskClient, slide: str, monkeypatch):
    turns = Turns(1, 0, 0)
    monkeypatch.setattr(tiles, "_turns", turns)
    with turns.turn():
        answer = signed_in.get(f"{slide}/tiles/13/7_2.jpg")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert signed_in.get(f"{slide}/tiles/13/7_2.jpg").status_code == 200


def test_a_look_at_tiles_is_one_look(app: Flask, signed_in: FlaskClient, slide: str):
    signed_in.get(slide)
    for column in range(3):
        signed_in.get(f"{slide}/tiles/13/{column}_0.jpg")
    with app.app_context():
        looks = [row for row in noted(Event.VIEW) if row.object_kind == "slide"]
        assert [row.object_id for row in looks] == [slide.rsplit("/", 1)[-1]]


def test_an_area_is_read_with_its_place_on_the_slide(app, signed_in: FlaskClient, slide: str):
    area = read_area(signed_in, slide, left=3100, top=100, width=1200, side=1000)
    assert area["state"] == "done"
    assert area["file"] == "smear.tif, area 1"
    assert area["box"] == [3100, 100, 4300, 1100]
    with app.app_context():
        (analysis,) = db.session.scalars(db.select(Analysis))
        assert (analysis.width, analysis.height, analysis.file_format) == (1200, 1000, "TIFF")
    cells = signed_in.get(area["cells"]).json["cells"]
    assert {"box": [3100.0, 100.0, 3700.0, 600.0], "label": "blast"} in cells
    assert "smear.tif, area 1" in signed_in.get(slide).text


def test_the_page_of_an_area_tells_sizes_and_places(signed_in: FlaskClient, slide: str):
    area = read_area(signed_in, slide, width=1200, side=1000)
    page = texts(signed_in.get(area["url"]).text)
    assert "Area of smear.tif : 300 × 250 µm at 3100, 100" in page
    assert "Red cells are about 32 pixels (8.0 µm) wide" in page
    assert "136.9 µm" in page
    table = signed_in.get(f"{area['url']}/findings.csv").text.splitlines()
    assert table[0].endswith(",slide,slide_x,slide_y,diameter_um")
    assert table[1].endswith(",smear.tif,3400.0,350.0,136.93")
    document = signed_in.get(f"{area['url']}/findings.json").json
    assert document["area"] == {
        "slide": "smear.tif",
        "box": [3100, 100, 4300, 1100],
        "micrometres": 0.25,
    }


def test_an_area_without_script_leads_back_to_the_slide(signed_in: FlaskClient, slide: str):
    form = {"left": 0, "top": 0, "width": 300, "height": 300}
    answer = post(signed_in, f"{slide}/areas", **form)
    assert (answer.status_code, answer.headers["Location"]) == (303, slide)
    refused = post(signed_in, f"{slide}/areas", **{**form, "width": "wide"})
    assert refused.status_code == 422
    assert "in whole pixels" in refused.text
    assert 'value="wide"' in refused.text


@pytest.mark.parametrize(
    ("where", "sentence"),
    [
        ({"side": 200}, "at least 256 × 256 are needed"),
        ({"left": -1}, "beyond the slide, which has 7168 × 3072 pixels"),
        ({"left": 6500}, "beyond the slide"),
        ({"left": 0, "width": 7168, "height": 256}, "at most 20 times as long as wide"),
        ({"left": 0, "top": 0, "width": 7000, "height": 3000}, "at most 4 megapixels are read"),
    ],
)
def test_an_area_that_cannot_be_read_is_refused(app, signed_in, slide, where, sentence):
    app.config["LEUKOSCOPE"] = app.config["LEUKOSCOPE"].model_copy(
        update={"max_area_megapixels": 4}
    )
    answer = mark(signed_in, slide, **where)
    assert answer.status_code == 422
    assert sentence in answer.json["error"]


def test_no_cell_is_counted_twice(signed_in: FlaskClient, slide: str, reading):
    reading.go_on.clear()
    first = mark(signed_in, slide).json
    answer = mark(signed_in, slide, left=4099, top=1099)
    assert "overlaps “smear.tif, area 1”" in answer.json["error"]
    assert mark(signed_in, slide, left=4100, top=100).status_code == 202
    form = {"csrf_token": csrf_token(signed_in)}
    signed_in.post(first["cancel"], data=form, headers={"Accept": "application/json"})
    assert mark(signed_in, slide, left=3500).status_code == 422
    assert mark(signed_in, slide, left=3000).status_code == 202
    reading.go_on.set()


def test_a_deleted_area_may_be_read_again(signed_in: FlaskClient, slide: str):
    area = read_area(signed_in, slide)
    assert mark(signed_in, slide).status_code == 422
    post(signed_in, f"/history/{area['id']}/delete")
    assert read_area(signed_in, slide)["state"] == "done"


def test_areas_of_a_case_belong_to_it(signed_in: FlaskClient, slide_file: Path):
    case_id = open_case(signed_in)
    slide = upload_slide(signed_in, slide_file, case=case_id)
    read_area(signed_in, slide)
    page = signed_in.get(f"/cases/{case_id}").text
    assert slide in page
    cells = signed_in.get(f"/cases/{case_id}/room/cells.json").json
    assert len(cells["cells"]) == 1
    assert "smear.tif, area 1" in cells["fields"][0]["name"]


def test_a_slide_is_put_into_a_case_with_what_was_read(signed_in: FlaskClient, slide: str):
    read_area(signed_in, slide)
    case_id = open_case(signed_in)
    answer = post(signed_in, f"{slide}/case", case=case_id)
    assert answer.status_code == 303
    assert "smear.tif, area 1" in signed_in.get(f"/cases/{case_id}").text
    again = post(signed_in, f"{slide}/case", case=open_case(signed_in, "Birch-2"))
    assert again.status_code == 409
    assert "belongs to a case already" in again.text


def test_a_slide_is_deleted_with_its_files(app: Flask, signed_in: FlaskClient, slide: str):
    area = read_area(signed_in, slide)
    folder = app.config["LEUKOSCOPE"].slides_dir
    assert [path.name for path in folder.rglob("*.tif")] == ["slide.tif"]
    assert "Delete this slide?" in signed_in.get(f"{slide}/delete").text
    assert post(signed_in, f"{slide}/delete").status_code == 303
    assert [path for path in folder.rglob("*") if path.is_file()] == []
    assert signed_in.get(slide).status_code == 404
    page = texts(signed_in.get(area["url"]).text)
    assert "Area of a deleted slide: 250 × 250 µm at 3100, 100" in page
    with app.app_context():
        assert noted(Event.SLIDE_DELETE)


def test_a_slide_that_is_being_read_is_not_deleted(signed_in, slide: str, reading):
    reading.go_on.clear()
    mark(signed_in, slide)
    assert "being read" in post(signed_in, f"{slide}/delete").text
    reading.go_on.set()


def test_only_the_uploader_or_a_reviewer_deletes(signed_in, colleague: FlaskClient, slide: str):
    assert colleague.get(slide).status_code == 200
    answer = post(colleague, f"{slide}/delete")
    assert answer.status_code == 403
    assert "Only the uploader or a reviewer" in answer.text


def test_a_monolayer_is_proposed(signed_in: FlaskClient, tmp_path: Path):
    wide = lambda row, column: ("thick", "monolayer", "thin")[min(2, column // 4)]  # noqa: E731
    path = write_slide(tmp_path / "wide.tif", 12 * 1024, layout=wide, height=4096)
    slide = upload_slide(signed_in, path)
    proposals = signed_in.get(f"{slide}/proposals.json").json["proposals"]
    assert proposals
    assert 3500 <= proposals[0]["left"] <= 4600


def test_a_slide_whose_file_is_gone_is_said_to_be_damaged(app, signed_in, slide: str):
    with app.app_context():
        (kept,) = db.session.scalars(db.select(Slide))
        folder = app.config["LEUKOSCOPE"].slides_dir / kept.folder_name[:2] / kept.folder_name
    app.extensions["leukoscope_slide_processes"].close()
    (folder / "slide.tif").unlink()
    answer = signed_in.get(f"{slide}/tiles/13/7_2.jpg", headers={"Accept": "application/json"})
    assert answer.status_code == 409
    assert answer.json["error"].endswith(".")


def test_a_slide_without_size_of_a_pixel_says_so(signed_in: FlaskClient, tmp_path: Path):
    path = write_slide(tmp_path / "plain.tif", 2048, micrometres=None)
    slide = upload_slide(signed_in, path)
    assert "does not tell the size of a pixel" in signed_in.get(slide).text
    area = read_area(signed_in, slide, left=0, top=0)
    assert "µm" not in texts(signed_in.get(area["url"]).text)


def test_the_same_slide_is_not_taken_twice_into_a_case(signed_in, slide_file: Path, slide: str):
    answer = send_slide(signed_in, slide_file.read_bytes(), "again.tif")
    assert answer.status_code == 422
    assert "This slide is there already, as “smear.tif”" in answer.json["error"]
    case_id = open_case(signed_in)
    assert send_slide(signed_in, slide_file.read_bytes(), case=case_id).status_code == 200
