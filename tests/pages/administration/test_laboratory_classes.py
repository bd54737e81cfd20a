"""The administrator's page of the laboratory's own cell classes."""

from flask import Flask
from flask.testing import FlaskClient

from services.laboratory.classes import cell_classes
from tests.people import post
from tests.uploads import texts

PATH = "/admin/laboratory/classes"
FORM = {"name": "Plasma <cell>", "code": "plasma", "loinc": "26446-5", "white": "y"}


def own(app: Flask) -> list[tuple[str, str, bool, bool]]:
    with app.app_context():
        return [(one.code, one.name, one.differential, one.retired) for one in cell_classes().own]


def test_only_administrators_may(client: FlaskClient, other_client: FlaskClient):
    assert client.get(PATH).headers["Location"].startswith("/sign-in")
    assert other_client.get(PATH).status_code == 403
    for path in (PATH, f"{PATH}/own_x", f"{PATH}/own_x/retire", f"{PATH}/own_x/use-again"):
        assert post(other_client, path).status_code == 403


def test_a_class_is_added_changed_retired_and_used_again(app: Flask, signed_in: FlaskClient):
    assert "None yet." in signed_in.get(PATH).text
    assert post(signed_in, PATH, **FORM).status_code == 303
    page = signed_in.get(PATH).text
    assert "Plasma &lt;cell&gt;" in page
    assert "Plasma <cell>" not in page
    assert "LOINC 26446-5" in texts(page)
    assert "Plasma &lt;cell&gt;" in signed_in.get("/admin/laboratory").text

    one = f"{PATH}/own_plasma"
    assert 'value="26446-5"' in signed_in.get(one).text
    assert post(signed_in, one, name="Plasma cell", loinc="").status_code == 303
    assert "“Plasma cell” saved." in texts(signed_in.get(PATH).text)
    post(signed_in, one, name="Plasma cell", loinc="")
    assert "Nothing was changed." in signed_in.get(PATH).text
    assert post(signed_in, f"{one}/retire").status_code == 303
    assert own(app) == [("own_plasma", "Plasma cell", True, True)]
    assert "Use again" in signed_in.get(PATH).text
    post(signed_in, f"{one}/use-again")
    assert own(app) == [("own_plasma", "Plasma cell", True, False)]


def test_a_box_that_is_not_ticked_is_no_white_cell(app: Flask, signed_in: FlaskClient):
    post(signed_in, PATH, name="Megakaryocyte", code="mega")
    assert own(app) == [("own_mega", "Megakaryocyte", False, False)]
    assert "does not count among the white cells" in texts(signed_in.get(PATH).text)


def test_what_is_wrong_is_said_beside_the_field_and_nothing_is_lost(app, signed_in: FlaskClient):
    for wrong, sentence in (
        ({"loinc": "26446-6"}, "This is not a LOINC code"),
        ({"code": "Blast!"}, "lower-case letters"),
        ({"code": "blast"}, "Another class has this code"),
        ({"name": "monocyte"}, "Another class has this name"),
        ({"name": ""}, "Give the class a name."),
        ({"name": "תא"}, "The PDF report cannot print these characters: ת א"),
    ):
        answer = post(signed_in, PATH, **{**FORM, **wrong})
        assert answer.status_code == 422
        assert sentence in texts(answer.text)
        assert own(app) == []
    post(signed_in, PATH, **FORM)
    answer = post(signed_in, f"{PATH}/own_plasma", name="Blast", loinc="1-1")
    assert answer.status_code == 422


def test_there_is_no_other_class(signed_in: FlaskClient):
    for path in ("own_none", "blast"):
        assert signed_in.get(f"{PATH}/{path}").status_code == 404
        assert post(signed_in, f"{PATH}/{path}", name="x").status_code == 404
        assert post(signed_in, f"{PATH}/{path}/retire").status_code == 404


def test_a_class_that_cannot_be_used_again_says_why(app: Flask, signed_in: FlaskClient):
    post(signed_in, PATH, **FORM)
    post(signed_in, f"{PATH}/own_plasma/retire")
    post(signed_in, PATH, **{**FORM, "code": "plasma_2"})
    post(signed_in, f"{PATH}/own_plasma/use-again")
    assert "Another class has this name." in texts(signed_in.get(PATH).text)
    assert own(app)[0][-1]
