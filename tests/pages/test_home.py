from flask.testing import FlaskClient

from pages.common.navigation import NAVIGATION


def test_anonymous_visitors_are_asked_to_sign_in(client: FlaskClient):
    assert client.get("/").headers["Location"] == "/sign-in"


def test_readers_begin_with_the_first_thing_of_the_bar(signed_in: FlaskClient):
    page = signed_in.get("/", follow_redirects=True)

    assert page.status_code == 200
    assert f'aria-current="page">{NAVIGATION[0][1]}' in page.text
