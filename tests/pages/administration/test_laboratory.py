"""The administrator's settings of the laboratory."""

import io
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.datastructures import FileStorage

from imaging.logos import NO_LOGO, WRONG_SIZE
from records.audit.audit import Event
from services.laboratory.letterhead import ReferenceRange
from services.laboratory.ranges import ADULTS, ADULTS_SOURCE
from services.laboratory.settings import present
from tests.people import post
from tests.trail import noted
from tests.uploads import texts

PATH = "/admin/laboratory"
FORM = {"name": "Elm Hospital", "contact": "12 Elm Street\r\n\r\n Tel. 555 ", "phrases": "A.\r\nB."}


def picture(kind: str = "PNG", side: int = 64) -> FileStorage:
    buffer = io.BytesIO()
    Image.new("RGB", (side, side), "red").save(buffer, kind)
    return FileStorage(io.BytesIO(buffer.getvalue()), "logo.png")


def test_only_administrators_may(client: FlaskClient, other_client: FlaskClient):
    for path in (PATH, f"{PATH}/logo.png"):
        assert client.get(path).headers["Location"].startswith("/sign-in")
        assert other_client.get(path).status_code == 403
    for path in (PATH, f"{PATH}/logo", f"{PATH}/logo/remove"):
        assert post(other_client, path).status_code == 403


def test_while_nothing_is_set_the_page_says_so_and_proposes_ranges_of_adults(signed_in):
    page = signed_in.get(PATH).text
    assert "Nothing is set yet" in page
    assert ADULTS_SOURCE in page
    assert signed_in.get(f"{PATH}/logo.png").status_code == 404


def test_settings_are_saved_and_shown_again(app: Flask, signed_in: FlaskClient):
    given = {**FORM, "low_lymphocyte": "20", "high_lymphocyte": "40,5", "high_basophil": "2"}
    assert post(signed_in, PATH, **given).status_code == 303

    with app.app_context():
        values = present()
        assert values.contact == "12 Elm Street\nTel. 555"
        assert values.phrases == ("A.", "B.")
        assert values.ranges == {
            "lymphocyte": ReferenceRange(low=20, high=40.5),
            "basophil": ReferenceRange(low=None, high=2),
        }
        assert len(noted(Event.LABORATORY)) == 1
    page = signed_in.get(PATH).text
    assert 'value="40.5"' in page
    assert "Settings saved" in page
    assert "Nothing is set yet" not in page
    post(signed_in, PATH, **given)
    assert "Nothing was changed." in signed_in.get(PATH).text


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"low_monocyte": "x"}, "Use 0 to 100"),
        ({"low_monocyte": "101"}, "Use 0 to 100"),
        ({"low_monocyte": "9", "high_monocyte": "2"}, "Must not be below the lowest."),
        ({"contact": "\n".join("1234567")}, "at most 6 lines"),
        ({"phrases": "\n".join(f"{number}." for number in range(61))}, "at most 60 phrases"),
        ({"phrases": "x" * 1001}, "at most 1000 characters"),
        ({"name": "x" * 121}, "at most 120 characters"),
        ({"name": "בית חולים"}, "The PDF report cannot print these characters: ב י ת ח ו ל ם"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_lost(app, signed_in, wrong, sentence):
    answer = post(signed_in, PATH, **{**FORM, **wrong})

    assert answer.status_code == 422
    assert sentence in texts(answer.text)
    assert "Nothing was saved" in answer.text
    if "contact" not in wrong:
        assert "Tel. 555" in answer.text
    with app.app_context():
        assert present() is None


def test_a_logo_is_encoded_anew_shown_and_removed(app: Flask, signed_in: FlaskClient):
    post(signed_in, PATH, **FORM)
    assert post(signed_in, f"{PATH}/logo", logo=picture("JPEG")).status_code == 303
    assert signed_in.get(f"{PATH}/logo.png").data.startswith(b"\x89PNG")
    assert "/admin/laboratory/logo.png" in signed_in.get(PATH).text
    post(signed_in, f"{PATH}/logo/remove")
    assert signed_in.get(f"{PATH}/logo.png").status_code == 404
    with app.app_context():
        assert present().name == "Elm Hospital"
        assert len(noted(Event.LABORATORY)) == 3


@pytest.mark.parametrize(
    ("logo", "sentence"),
    [
        (None, "Choose a logo."),
        (FileStorage(io.BytesIO(b"<svg/>"), "logo.svg"), NO_LOGO),
        (picture(side=16), WRONG_SIZE),
    ],
)
def test_a_logo_that_is_refused_says_why(app, signed_in, logo, sentence):
    post(signed_in, PATH, **FORM)
    answer = post(signed_in, f"{PATH}/logo", **({"logo": logo} if logo else {}))
    assert answer.status_code == 422
    assert sentence in texts(answer.text)
    assert "Elm Hospital" in answer.text


def test_the_proposed_ranges_are_saved_as_they_are_shown(app: Flask, signed_in: FlaskClient):
    page = signed_in.get(PATH).text
    inputs = re.findall(r'<input[^>]*name="((?:low|high)_\w+)"[^>]*>', page)
    shown = {name: re.search(rf'name="{name}"[^>]*value="([^"]*)"', page)[1] for name in inputs}
    post(signed_in, PATH, **FORM, **shown)
    with app.app_context():
        assert present().ranges == ADULTS


def test_ranges_are_proposed_until_some_are_saved(signed_in: FlaskClient):
    post(signed_in, f"{PATH}/logo", logo=picture())
    page = signed_in.get(PATH).text
    assert "Proposed for adults, not saved yet." in page
    assert ADULTS_SOURCE in page
    post(signed_in, PATH)
    page = signed_in.get(PATH).text
    assert "Proposed for adults" not in page
    assert ADULTS_SOURCE not in page
