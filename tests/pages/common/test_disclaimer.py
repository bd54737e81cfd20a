"""What the program is not for stands once on every page."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.people import post
from tests.uploads import upload_cell, upload_field

DISCLAIMER = "does not diagnose"
PLAIN = (
    *("/classify", "/detect", "/history", "/cases", "/cases/new", "/models", "/models/detector"),
    *("/account/password", "/account/sessions", "/admin/people", "/admin/audit", "/nowhere"),
)


@pytest.mark.parametrize("path", PLAIN)
def test_every_page_has_the_disclaimer_once(signed_in: FlaskClient, path: str):
    assert signed_in.get(path).text.count(DISCLAIMER) == 1


def test_so_has_every_page_of_a_result(signed_in: FlaskClient):
    opened = post(signed_in, "/cases/new", pseudonym="Alder-7", specimen="blood")
    case = opened.headers["Location"]
    field = upload_field(signed_in, case=case.removeprefix("/cases/"))
    cell = f"/classify/{upload_cell(signed_in)}"
    of_case = (case, f"{case}/room", f"{case}/sign-off", f"{case}/add")
    for path in (field["url"], field["batch"], cell, *of_case):
        assert signed_in.get(path).text.count(DISCLAIMER) == 1, path


def test_so_has_the_sign_in(app: Flask, client: FlaskClient):
    assert client.get("/sign-in").text.count(DISCLAIMER) == 1
