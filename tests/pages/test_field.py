"""What the page of a field shows, and what can be taken away from it."""

import csv
import io
import json
import re

import pytest
from flask.testing import FlaskClient
from PIL import Image

from tests.stand_ins import drawn_field
from tests.uploads import png, send, texts


@pytest.fixture
def field(signed_in: FlaskClient) -> str:
    """Address of a field in which one cell of each kind was found."""
    name = "=field <7>.png"
    return send(signed_in, "/detect", (name, png(drawn_field())), as_json=True).json["url"]


def test_every_found_cell_has_its_box_in_pixels_of_the_file(signed_in, field):
    page = signed_in.get(field).get_data(as_text=True)
    assert 'viewBox="0 0 480 360"' in page
    boxes = re.findall(r'<rect data-label="(\w+)" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)"', page)
    assert [box[0] for box in boxes] == ["platelet", "rbc", "wbc", "blast"]
    assert boxes[2] == ("wbc", "240.0", "0.0", "240.0")


def test_counts_and_share_come_with_their_denominator(signed_in, field):
    page = signed_in.get(field).get_data(as_text=True)
    counts = dict(re.findall(r'data-count="(\w+)">(\d+)<', page))
    assert counts == {"blast": "1", "wbc": "1", "rbc": "1", "platelet": "1"}
    assert "Blasts among white cells: 1 of 2 (50%)" in texts(page)
    assert "A differential counts 100 or 200 white cells. With 2" in texts(page)


def test_the_gallery_has_the_white_cells_blasts_first(signed_in, field):
    page = signed_in.get(field).get_data(as_text=True)
    assert re.findall(r'class="gallery-cell gallery-(\w+)"', page) == ["blast", "wbc"]
    assert 'viewBox="160 0 160 160"' in page
    with Image.open(io.BytesIO(signed_in.get(f"{field}/cells").data)) as sheet:
        assert sheet.size == (12 * 160, 160)


def test_it_assists_and_nothing_is_final(signed_in, field):
    said = texts(signed_in.get(field).get_data(as_text=True))
    assert "does not diagnose" in said
    assert "Nothing is final until a person has confirmed it." in said


def test_no_style_or_script_stands_in_the_page(signed_in, field):
    page = signed_in.get(field).get_data(as_text=True)
    assert not re.search(r"style=|<style|onclick|<script(?! type=\"module\" src)", page)


def test_the_json_download_is_what_the_shell_prints(signed_in, field):
    answer = signed_in.get(f"{field}/findings.json")
    assert answer.mimetype == "application/json"
    assert "attachment" in answer.headers["Content-Disposition"]
    document = json.loads(answer.data)
    assert list(document)[:4] == ["file", "width", "height", "detections"]
    assert document["counts"] == {"blast": 1, "wbc": 1, "rbc": 1, "platelet": 1}


def test_the_csv_download_is_no_formula(signed_in, field):
    answer = signed_in.get(f"{field}/findings.csv")
    rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True))))
    assert [row["label"] for row in rows] == ["blast", "wbc", "rbc", "platelet"]
    assert rows[0]["file"].startswith("'=field")


def test_the_annotated_image_is_the_field_with_a_legend(signed_in, field):
    answer = signed_in.get(f"{field}/annotated.png")
    assert answer.mimetype == "image/png"
    with Image.open(io.BytesIO(answer.data)) as picture:
        assert picture.width >= 480
        assert picture.height > picture.width * 360 / 480


def test_images_are_kept_by_no_browser(signed_in, field):
    for path in ("image", "cells", "annotated.png", "findings.csv", "findings.json"):
        answer = signed_in.get(f"{field}/{path}")
        assert answer.status_code == 200
        assert "no-store" in answer.headers["Cache-Control"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_field_without_white_cells_says_so(app, signed_in, monkeypatch):
    detector = type(app.extensions["leukoscope_models"].detector)
    find = detector.find
    monkeypatch.setattr(detector, "find", lambda self, rgb, **_: find(self, rgb, 0.95))
    address = send(signed_in, "/detect", ("field.png", png(drawn_field())), as_json=True).json[
        "url"
    ]
    said = texts(signed_in.get(address).get_data(as_text=True))
    assert "No white cell was found" in said
    assert "Blasts among white cells" not in said
    assert signed_in.get(f"{address}/cells").status_code == 404
