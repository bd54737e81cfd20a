import pytest
from flask import Flask, abort
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from pages.common.errors import MESSAGES
from pages.common.requires import Audience, requires
from tests.people import csrf_token

JSON = {"Accept": "application/json"}


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser of an application in which /fail/<code> fails."""

    @app.get("/fail/<int:code>")
    @requires(Audience.ANYBODY)
    def fail(code: int):
        if code == 500:
            raise ZeroDivisionError("a secret detail")
        if code == 599:
            raise OperationalError("SELECT secret", {}, Exception())
        abort(code)

    app.config["PROPAGATE_EXCEPTIONS"] = False
    return app.test_client()


@pytest.mark.parametrize("code", MESSAGES)
def test_people_get_a_page_with_a_sentence(client: FlaskClient, code: int):
    answer = client.get(f"/fail/{code}")

    assert answer.status_code == code
    assert answer.mimetype == "text/html"
    assert MESSAGES[code][0] in answer.text
    assert "It does not diagnose." in answer.text


@pytest.mark.parametrize("code", MESSAGES)
def test_scripts_get_json_with_a_sentence(client: FlaskClient, code: int):
    answer = client.get(f"/fail/{code}", headers=JSON)

    assert answer.status_code == code
    assert list(answer.json) == ["error"]
    assert answer.json["error"].endswith(".")


def test_errors_without_a_sentence_of_their_own_have_one_too(client: FlaskClient):
    assert "I&#39;m a teapot" in client.get("/fail/418").text
    assert client.get("/fail/418", headers=JSON).json == {"error": "I'm a teapot."}


@pytest.mark.parametrize("code", [500, 599])
def test_our_mistakes_show_nothing_of_the_inside(client: FlaskClient, code: int, caplog):
    answer = client.get(f"/fail/{code}")

    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "Traceback" in caplog.text


def test_a_failing_database_still_gives_a_page(client: FlaskClient, signed_in, monkeypatch):
    def broken(*_: object):
        raise OperationalError("SELECT", {}, Exception("disk is gone"))

    monkeypatch.setattr("records.accounts.accounts.get_sign_in", broken)

    answer = signed_in.get("/account/password")
    assert answer.status_code == 500
    assert MESSAGES[500][0] in answer.text


def test_a_wrong_method_says_which_are_right(client: FlaskClient):
    answer = client.get("/sign-out", headers=JSON)

    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


def test_a_missing_token_is_json_to_scripts(client: FlaskClient):
    answer = client.post("/sign-in", headers=JSON)

    assert answer.status_code == 400
    assert "had expired" in answer.json["error"]


def test_too_much_is_told_with_the_measure(app: Flask, client: FlaskClient, signed_in: FlaskClient):
    app.config["MAX_CONTENT_LENGTH"] = 3 * 1024 * 1024
    token = csrf_token(signed_in)

    answer = signed_in.post("/classify", data={"csrf_token": token, "x": "y" * 4_000_000})
    assert answer.status_code == 413
    assert "(3 MB)" in answer.text


def test_an_unknown_host_is_refused(client: FlaskClient):
    answer = client.get("/sign-in", headers={"Host": "rebound.example"})

    assert answer.status_code == 400
    assert "does not answer to this host name" in answer.text
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_nothing_is_traced(client: FlaskClient):
    answer = client.open("/sign-in", method="TRACE", headers={"Cookie": "secret=1"})

    assert answer.status_code == 405
    assert "secret" not in answer.text


def test_error_pages_have_the_navigation_of_whoever_is_signed_in(app: Flask, signed_in):
    for path in ("/nowhere", "/cases/unknown"):
        page = signed_in.get(path).text
        assert 'aria-label="Main"' in page
        assert "Sign out" in page
    assert 'aria-label="Main"' not in app.test_client().get("/nowhere").text


def test_an_error_page_does_without_navigation_where_the_database_fails(
    app: Flask, signed_in, monkeypatch
):
    def fails(*_arguments: object, **_values: object) -> str:
        raise OperationalError("SELECT secret", {}, Exception())

    monkeypatch.setattr("pages.common.errors.render_template", fails)
    answer = signed_in.get("/nowhere")
    assert answer.status_code == 404
    assert "Page not found" in answer.text
    assert 'aria-label="Main"' not in answer.text
