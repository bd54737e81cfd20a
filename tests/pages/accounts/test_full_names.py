"""The page on which people say how reports name them."""

from flask import Flask
from flask.testing import FlaskClient

from tests.people import account_named, post
from tests.uploads import texts

PATH = "/account/name"


def test_the_name_is_saved_and_shown_again(app: Flask, signed_in: FlaskClient):
    answer = post(signed_in, PATH, full_name=" Dr Ada  Byron ")
    assert answer.headers["Location"] == PATH
    assert 'value="Dr Ada Byron"' in signed_in.get(PATH).text
    with app.app_context():
        assert account_named("ada").full_name == "Dr Ada Byron"


def test_what_is_wrong_is_said(app: Flask, signed_in: FlaskClient):
    answer = post(signed_in, PATH, full_name="a" * 121)
    assert answer.status_code == 422
    assert "at most 120 characters" in texts(answer.text)
    answer = post(signed_in, PATH, full_name="עדה")
    assert "The PDF report cannot print these characters: ע ד ה" in texts(answer.text)
    with app.app_context():
        assert account_named("ada").full_name == ""


def test_nobody_else_may(client: FlaskClient):
    assert client.get(PATH).headers["Location"].startswith("/sign-in")
