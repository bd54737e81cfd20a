from flask import Flask
from flask.testing import FlaskClient

from services.accounts.room_keys import USUAL
from services.laboratory import classes
from tests.people import account_named, post
from tests.uploads import texts

PATH = "/reading-room/keys"


def test_a_person_changes_the_keys_of_classes(signed_in: FlaskClient):
    assert "Neutrophil" in signed_in.get(PATH).text
    answer = post(signed_in, PATH, **{**USUAL, "neutrophil": "S", "smudge": "n"}, submit="Save")
    assert answer.status_code == 302
    page = signed_in.get(PATH).text
    assert "Keys saved." in texts(page)
    assert 'name="neutrophil"' in page
    assert 'value="s"' in page


def test_a_conflict_is_told_beside_both_keys(signed_in: FlaskClient):
    answer = post(signed_in, PATH, **{**USUAL, "neutrophil": "l"}, submit="Save")
    assert answer.status_code == 422
    assert answer.text.count("L is the key of several classes.") == 2
    assert post(signed_in, PATH, **{**USUAL, "blast": "ll"}, submit="Save").status_code == 422


def test_the_usual_keys_come_back(signed_in: FlaskClient):
    post(signed_in, PATH, **{**USUAL, "blast": "7"}, submit="Save")
    assert post(signed_in, PATH, usual="Use").status_code == 302
    assert 'value="7"' not in signed_in.get(PATH).text


def test_an_own_class_can_have_a_key_and_needs_none(app: Flask, signed_in: FlaskClient):
    with app.app_context():
        ada = account_named("ada")
        code = classes.add(ada, "Plasma <cell>", "plasma", "", white=True).code
    page = signed_in.get(PATH).text
    assert f'name="{code}"' in page
    assert "Plasma &lt;cell&gt;" in page

    assert post(signed_in, PATH, **USUAL, submit="Save").status_code == 302
    assert post(signed_in, PATH, **USUAL, **{code: "b"}, submit="Save").status_code == 422
    assert post(signed_in, PATH, **USUAL, **{code: "Y"}, submit="Save").status_code == 302
    assert 'value="y"' in signed_in.get(PATH).text
    assert "<kbd>Y</kbd></dt><dd>Plasma &lt;cell&gt;" in signed_in.get("/help").text
    with app.app_context():
        classes.retire(account_named("ada"), code)
    assert f'name="{code}"' not in signed_in.get(PATH).text
