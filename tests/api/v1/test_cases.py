import pytest
from flask import Flask
from flask.testing import FlaskClient

from api.v1.cases_schemas import Specimen
from records import db
from records.audit.audit import Event
from records.cases.cases import SPECIMENS, Case
from tests.cases import open_case
from tests.people import account_named
from tests.trail import noted

CASES = "/api/v1/cases"
NEW = {"pseudonym": "Alder-8", "specimen": "marrow"}


def test_a_case_is_opened_as_by_the_form(app: Flask, program: FlaskClient):
    sent = {
        **NEW,
        "pseudonym": "  Alder-8 ",
        "accession": "S-26-1",
        "priority": "urgent",
        "collected_on": "2026-11-30",
        "leukopenia": True,
    }
    answer = program.post(CASES, json=sent)

    assert answer.status_code == 201
    kept = answer.json
    assert {name: kept[name] for name in sent} == {**sent, "pseudonym": "Alder-8"}
    assert (kept["state"], kept["owner"], kept["version"]) == ("open", "ada", 1)
    shown = program.get(answer.headers["Location"])
    assert shown.json == kept
    with app.app_context():
        (entry,) = noted(Event.CASE_OPEN)
        assert entry.known["by_token"] == "ada’s script"
        assert "Alder" not in entry.details


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"pseudonym": "Dr. Miller"}, "pseudonym"),
        ({"pseudonym": "Anna Miller"}, "pseudonym"),
        ({"pseudonym": "Anna Miller 1.1.1990", "checked": True}, "pseudonym"),
        ({"pseudonym": " \u200b"}, "pseudonym"),
        ({"pseudonym": "a" * 41}, "pseudonym"),
        ({"pseudonym": "a\x00b"}, "pseudonym"),
        ({"specimen": "urine"}, "specimen"),
        ({"collected_on": "1.1.2026"}, "collected_on"),
        ({"collected_on": 1_700_000_000}, "collected_on"),
        ({"leukopenia": "yes"}, "leukopenia"),
        ({"patient": "Miller"}, "patient"),
    ],
)
def test_what_is_wrong_is_said_where(app: Flask, program: FlaskClient, changed, where: str):
    answer = program.post(CASES, json={**NEW, **changed})

    assert answer.status_code == 422
    assert [error["where"] for error in answer.json["errors"]] == [where]
    with app.app_context():
        assert db.session.query(Case).count() == 0


def test_a_doubted_pseudonym_is_taken_once_checked(program: FlaskClient):
    doubted = {**NEW, "pseudonym": "Anna Miller"}
    assert "Could this identify" in program.post(CASES, json=doubted).json["detail"]
    assert program.post(CASES, json={**doubted, "checked": True}).status_code == 201


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"data": b"{", "content_type": "application/json"}, 400),
        ({"data": b'"{}"', "content_type": "application/json"}, 422),
        ({"data": b"[]", "content_type": "application/json"}, 422),
        ({"data": NEW}, 415),
        ({"data": b"x" * 2_000_000, "content_type": "application/json"}, 413),
    ],
)
def test_another_body_is_refused(program: FlaskClient, sent: dict, status: int):
    answer = program.post(CASES, **sent)
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")


def test_a_key_opens_one_case(app: Flask, program: FlaskClient):
    key = {"Idempotency-Key": "one-and-the-same"}
    first, second = (program.post(CASES, json=NEW, headers=key) for _ in range(2))

    assert first.json == second.json
    with app.app_context():
        assert db.session.query(Case).count() == 1
    other = program.post(CASES, json={**NEW, "stain": "Giemsa"}, headers=key)
    assert other.status_code == 422


def test_the_list_goes_on_by_cursor_and_is_not_moved_by_new_cases(app: Flask, program: FlaskClient):
    with app.app_context():
        ada = account_named("ada").id
        names = [open_case(ada, f"Alder-{number}").pseudonym for number in range(5)]
    first = program.get(f"{CASES}?limit=2")
    with app.app_context():
        open_case(ada, "Birch-1")
    assert first.headers["Link"].endswith('rel="next"')
    second = program.get(first.headers["Link"][1:].split(">")[0])
    third = program.get(f"{CASES}?limit=2&cursor={second.json['next']}")

    shown = [case["pseudonym"] for part in (first, second, third) for case in part.json["items"]]
    assert shown == names[::-1]
    assert third.json["next"] is None
    assert "Link" not in third.headers


@pytest.mark.parametrize("cursor", ["x", "eHg=", "MSAx", "MjAyNi0wMS0wMQ==", "%FF"])
def test_a_cursor_that_leads_nowhere_is_refused(program: FlaskClient, cursor: str):
    answer = program.get(f"{CASES}?cursor={cursor}")
    assert answer.status_code == 422
    assert answer.json["errors"][0]["where"] == "cursor"


def test_the_list_is_narrowed(app: Flask, program: FlaskClient):
    with app.app_context():
        ada = account_named("ada").id
        open_case(ada, "Alder-1", accession="S-1")
        open_case(ada, "Birch-2", specimen="marrow")

    def shown(query: str) -> list[str]:
        return [case["pseudonym"] for case in program.get(f"{CASES}?{query}").json["items"]]

    assert shown("text=s-1") == ["Alder-1"]
    assert shown("specimen=marrow") == ["Birch-2"]
    assert shown("state=signed") == []
    assert shown("view=archived") == []
    assert program.get(f"{CASES}?state=unknown").status_code == 422
    assert program.get(f"{CASES}?limit=0").status_code == 422


def test_a_read_is_answered_304_until_something_changes(program: FlaskClient, case):
    first = program.get(case["url"])
    again = program.get(case["url"], headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert "no-store" not in first.headers["Cache-Control"]

    cell = f"{case['url']}/cells/{case['field']}.0/review"
    assert program.put(cell, json={"label": "neutrophil"}).status_code == 200
    changed = program.get(case["url"], headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200
    assert changed.json["differential"]["reviewers"] == {"neutrophil": 1}
    assert changed.json["state"] == "in review"


def test_specimens_are_those_of_the_records():
    assert Specimen.__args__ == SPECIMENS
