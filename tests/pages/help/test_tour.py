"""The tour: on first run, step by step, until the person ends it."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from records.accounts.accounts import Role
from tests.pages.common.test_access import become
from tests.people import post


def step(client: FlaskClient, path: str) -> str | None:
    found = re.search(r"Tour, step (\d) of 4", client.get(path).text)
    return found and found[1]


def test_it_begins_on_the_worklist_and_ends_for_the_account(signed_in: FlaskClient):
    assert step(signed_in, "/cases") == "1"
    assert step(signed_in, "/detect") is None
    assert post(signed_in, "/tour/end").status_code == 303
    assert step(signed_in, "/cases") is None


def test_a_script_ends_it_in_place(signed_in: FlaskClient):
    headers = {"Accept": "application/json"}
    token = re.search(r'name="csrf-token" content="([^"]+)"', signed_in.get("/cases").text)[1]
    assert (
        signed_in.post("/tour/end", data={"csrf_token": token}, headers=headers).status_code == 204
    )
    assert step(signed_in, "/cases") is None


def test_it_leads_from_page_to_page_also_once_more(signed_in: FlaskClient):
    post(signed_in, "/tour/end")
    assert 'href="/cases?tour=1"' in signed_in.get("/help").text
    assert 'href="/detect?tour=1"' in signed_in.get("/cases?tour=1").text
    assert step(signed_in, "/detect?tour=1") == "2"
    room = post(signed_in, "/cases/demo", tour="1").headers["Location"]
    assert step(signed_in, room) == "3"
    sign_off = re.search(r'href="(/cases/\w+/sign-off\?tour=1)"', signed_in.get(room).text)[1]
    assert step(signed_in, sign_off) == "4"


def test_a_page_that_is_not_there_has_no_step(signed_in: FlaskClient):
    answer = signed_in.get(f"/cases/{'0' * 32}/room?tour=1")
    assert answer.status_code == 404


@pytest.mark.parametrize("role", [Role.NONE, Role.VIEWER, "administrator"])
def test_who_may_not_upload_has_no_tour(app: Flask, signed_in: FlaskClient, role: str):
    become(app, role)
    assert step(signed_in, "/cases") is None
