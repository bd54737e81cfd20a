"""Every address of the API against everybody: a new one that is missing here fails."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from pages.common.problems import MIMETYPE
from pages.common.requires import Audience, requirement_of
from records import db
from records.accounts.accounts import Role
from records.accounts.api_tokens import Scope
from tests.addresses import rules_of_programs
from tests.api.v1.test_dicomweb import RELATED, body_of
from tests.cases import open_case, put_field
from tests.dicom_files import dicom
from tests.pages.common.test_access import become
from tests.people import account_named
from tests.programs import program_of, program_with, token_of
from tests.stand_ins import drawn_field
from tests.uploads import fresh

ROLES = [*Role, "administrator"]
EVERYBODY, VIEWERS, READERS = set(ROLES), set(ROLES[1:4]), set(ROLES[2:4])
# Method and address, who may, with which scope; whether its arguments name a team's thing.
ADDRESSES: dict[tuple[str, str], tuple[set[str], Scope, bool]] = {
    ("GET", "/models"): (EVERYBODY, Scope.READ, False),
    ("GET", "/analyses"): (VIEWERS, Scope.READ, False),
    ("GET", "/analyses/<analysis_id>"): (VIEWERS, Scope.READ, True),
    ("GET", "/analyses/<analysis_id>/findings"): (VIEWERS, Scope.READ, True),
    ("GET", "/batches/<batch_id>"): (VIEWERS, Scope.READ, True),
    ("GET", "/cases"): (VIEWERS, Scope.READ, False),
    ("GET", "/cases/<case_id>"): (VIEWERS, Scope.READ, True),
    ("GET", "/cases/<case_id>/cells"): (VIEWERS, Scope.READ, True),
    ("GET", "/cases/<case_id>/cells/<cell_id>"): (VIEWERS, Scope.READ, True),
    ("POST", "/cells"): (READERS, Scope.UPLOAD, False),
    ("POST", "/fields"): (READERS, Scope.UPLOAD, False),
    ("POST", "/cases"): (READERS, Scope.UPLOAD, False),
    ("POST", "/dicomweb/studies"): (READERS, Scope.UPLOAD, False),
    ("PUT", "/cases/<case_id>/cells/<cell_id>/review"): (READERS, Scope.REVIEW, True),
    ("GET", "/cases/<case_id>/report.<suffix>"): (VIEWERS, Scope.REPORT, True),
    ("GET", "/cases/<case_id>/images-and-labels.zip"): (VIEWERS, Scope.REPORT, True),
}
OPEN = {("GET", "/openapi.json")}
# What a request must bring to reach what it asks for.
SENT: dict[tuple[str, str], Callable[[], dict[str, object]]] = {
    ("POST", "/cells"): lambda: {"data": {"image": (io.BytesIO(fresh()), "cell.png")}},
    ("POST", "/fields"): lambda: {"data": {"images": (io.BytesIO(fresh()), "field.png")}},
    ("POST", "/cases"): lambda: {"json": {"pseudonym": "Alder-8", "specimen": "blood"}},
    ("POST", "/dicomweb/studies"): lambda: {
        "data": body_of(dicom(drawn_field())),
        "content_type": RELATED,
    },
    ("PUT", "/cases/<case_id>/cells/<cell_id>/review"): lambda: {"json": {"label": "neutrophil"}},
}
each_address = pytest.mark.parametrize(("method", "address"), ADDRESSES)


@pytest.fixture
def ids(app: Flask, signed_in: FlaskClient) -> dict[str, str]:
    """A case of ada's team with a field in it."""
    with app.app_context():
        case = open_case(account_named("ada").id)
        field = put_field(case)
        field.image_name = f"{'0' * 32}.png"
        db.session.commit()
        return {
            "case_id": case.id,
            "analysis_id": field.id,
            "batch_id": field.batch_id,
            "cell_id": f"{field.id}.0",
            "suffix": "json",
        }


def path_of(address: str, ids: dict[str, str]) -> str:
    for name, value in ids.items():
        address = address.replace(f"<{name}>", value)
    return f"/api/v1{address}"


def ask(client: FlaskClient, method: str, address: str, ids: dict[str, str]) -> tuple[int, str]:
    """The status and the type of the answer."""
    sent = SENT.get((method, address), dict)()
    with client.open(path_of(address, ids), method=method, **sent) as answer:
        return answer.status_code, answer.mimetype


def test_every_address_is_listed_here(app: Flask):
    found = {
        (method, rule.rule.removeprefix("/api/v1"))
        for rule in rules_of_programs(app)
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert found == {*ADDRESSES, *OPEN}


def test_every_address_declares_what_its_token_must_be_for(app: Flask):
    for rule in rules_of_programs(app):
        declared = requirement_of(rule.endpoint, app)
        assert declared.scope or declared.need is Audience.ANYBODY, rule


@each_address
def test_without_a_token_nobody_gets_in(app, ids, signed_in, method: str, address: str):
    for client in (app.test_client(), signed_in, program_with(app, "leuko_wrong")):
        assert ask(client, method, address, ids) == (401, MIMETYPE)


def test_each_role_gets_in_where_it_may(app: Flask, ids: dict[str, str]):
    program = program_of(app, "ada")
    for role in ROLES:
        become(app, role)
        for (method, address), (may, _, _) in ADDRESSES.items():
            status, mimetype = ask(program, method, address, ids)
            assert (status != 403) == (role in may), (role, method, address)
            assert status == 403 or status < 300 or address in UNREAD, (status, method, address)
            assert status < 400 or mimetype == MIMETYPE


# A batch of no queued field, and images that are not on the disk.
UNREAD = {"/batches/<batch_id>", "/cases/<case_id>/images-and-labels.zip"}


def test_a_token_does_what_it_is_for_and_nothing_else(app: Flask, ids: dict[str, str]):
    tokens = {scope: token_of(app, "ada", scope) for scope in Scope}
    for (method, address), (_, needed, _) in ADDRESSES.items():
        for scope, token in tokens.items():
            status, _ = ask(program_with(app, token), method, address, ids)
            assert (status != 403) == (scope is needed), (scope, method, address)


@each_address
def test_other_teams_things_are_not_found(
    app: Flask, ids, other_client: FlaskClient, method: str, address: str
):
    with app.app_context():
        # No role shall be what keeps ben out.
        account_named("ben").role = Role.REVIEWER
        db.session.commit()
    status, mimetype = ask(program_of(app, "ben"), method, address, ids)
    _, _, of_team = ADDRESSES[method, address]

    assert (status == 404) == of_team, status
    assert not of_team or mimetype == MIMETYPE


@each_address
def test_what_is_not_there_is_not_found(app, signed_in, method: str, address: str):
    nothing = {
        **dict.fromkeys(("case_id", "analysis_id", "batch_id"), "0" * 32),
        "cell_id": f"{'0' * 32}.0",
        "suffix": "json",
    }
    status, _ = ask(program_of(app, "ada"), method, address, nothing)
    _, _, of_team = ADDRESSES[method, address]

    assert (status == 404) == of_team, status


def test_lists_have_nothing_of_other_teams(app: Flask, ids, other_client: FlaskClient):
    for address in ("/cases", "/analyses"):
        assert len(program_of(app, "ada").get(f"/api/v1{address}").json["items"]) == 1
        assert program_of(app, "ben").get(f"/api/v1{address}").json["items"] == []
