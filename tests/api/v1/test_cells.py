import pytest
from flask import Flask
from flask.testing import FlaskClient

from records import db
from records.audit.audit import Event
from records.cases import cases
from records.cases.reviews import Review
from tests.cases import open_case, put_field, sign_case
from tests.people import account_named
from tests.trail import noted


def cell(case: dict[str, str], number: int = 0) -> str:
    return f"{case['url']}/cells/{case['field']}.{number}"


def name(client: FlaskClient, url: str, label: str, **more: object):
    headers = more.pop("headers", {})
    return client.put(f"{url}/review", json={"label": label, **more}, headers=headers)


def test_cells_have_proposals_and_names_as_people_read_them(program: FlaskClient, case):
    items = program.get(f"{case['url']}/cells").json["items"]

    assert items
    assert all(item["analysis_id"] == case["field"] for item in items)
    assert items[0]["id"] == f"{case['field']}.0"
    assert items[0]["name"] == "1.1"
    assert all(len(item["box"]) == 4 and item["review"] is None for item in items)


def test_the_list_goes_on_by_cursor(program: FlaskClient, case):
    url = f"{case['url']}/cells"
    whole = [item["id"] for item in program.get(url).json["items"]]
    shown, cursor = [], ""
    while cursor is not None:
        part = program.get(f"{url}?limit=1{cursor and '&cursor='}{cursor}").json
        shown += [item["id"] for item in part["items"]]
        cursor = part["next"]

    assert shown == whole
    assert len(whole) > 1
    assert program.get(f"{url}?cursor=eHg=").status_code == 422


def test_a_review_is_kept_as_the_account_s(app: Flask, program: FlaskClient, case):
    answer = name(program, cell(case), "neutrophil")

    assert answer.status_code == 200
    assert (answer.json["label"], answer.json["review"]["by"]) == ("neutrophil", "ada")
    assert [one["label"] for one in answer.json["reviews"]] == ["neutrophil"]
    assert program.get(cell(case)).json == answer.json
    with app.app_context():
        (entry,) = noted(Event.CORRECTION)
        assert (entry.account_name, entry.object_id) == ("ada", case["id"])
        assert entry.known["by_token"] == "ada’s script"


def test_a_stale_tag_is_refused_with_412(app, program, other_program: FlaskClient, case):
    seen = {"If-Match": program.get(cell(case)).headers["ETag"]}
    assert name(other_program, cell(case), "monocyte").status_code == 200
    answer = name(program, cell(case), "neutrophil", headers=seen)

    assert (answer.status_code, answer.mimetype) == (412, "application/problem+json")
    assert program.get(cell(case)).json["label"] == "monocyte"
    now = {"If-Match": program.get(cell(case)).headers["ETag"]}
    assert name(program, cell(case), "neutrophil", headers=now).status_code == 200


def test_a_colleague_s_other_word_is_a_conflict_409(program, other_program, case):
    theirs = name(other_program, cell(case), "monocyte").json["review"]
    answer = name(program, cell(case), "neutrophil")

    assert answer.status_code == 409
    (conflict,) = answer.json["conflicts"]
    assert (conflict["id"], conflict["by"]) == (theirs["id"], "cleo")
    assert name(program, cell(case), "neutrophil", based_on=theirs["id"]).status_code == 200


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"label": "unheard-of"}, 422),
        ({"label": "neutrophil", "box": [0, 0, 50, 50]}, 422),
        ({"label": 1}, 422),
        ({"label": "neutrophil", "based_on": 0}, 422),
        ({"label": "neutrophil", "bulk": "yes"}, 422),
        ({"label": "neutrophil", "sign": True}, 422),
    ],
)
def test_what_cannot_be_kept_is_refused(app, program, case, sent: dict, status: int):
    assert program.put(f"{cell(case)}/review", json=sent).status_code == status
    with app.app_context():
        assert db.session.query(Review).count() == 0


def test_a_cell_can_be_drawn(program: FlaskClient, case):
    url = f"{case['url']}/cells/{case['field']}.d0000000a"
    assert name(program, url, "neutrophil").status_code == 404
    answer = name(program, url, "neutrophil", box=[10, 10, 60, 60])

    assert answer.status_code == 200
    assert (answer.json["proposed"], answer.json["box"]) == (None, [10, 10, 60, 60])


def test_a_cell_of_another_case_is_not_found(app: Flask, program: FlaskClient, case):
    with app.app_context():
        other = put_field(open_case(account_named("ada").id, "Birch-1")).id
    url = f"{case['url']}/cells/{other}.0"
    assert program.get(url).status_code == 404
    assert name(program, url, "neutrophil").status_code == 404


def test_a_signed_case_is_locked(app: Flask, program: FlaskClient, case):
    for item in program.get(f"{case['url']}/cells").json["items"]:
        name(program, f"{case['url']}/cells/{item['id']}", "neutrophil")
    with app.app_context():
        sign_off = app.extensions["leukoscope_sign_off"]
        sign_case(sign_off, cases.get(case["id"]), account_named("ada"))

    answer = name(program, cell(case), "monocyte")
    assert answer.status_code == 409
    assert "signed" in answer.json["detail"]
    assert program.get(f"{case['url']}/cells").json["locked"]


def test_the_list_is_answered_304_without_a_look_at_cells(program, case, monkeypatch):
    url = f"{case['url']}/cells"
    tag = {"If-None-Match": program.get(url).headers["ETag"]}
    with monkeypatch.context() as looked:
        looked.setattr("services.cases.review.cells_of", lambda *_: 1 / 0)
        assert program.get(url, headers=tag).status_code == 304
    name(program, cell(case), "neutrophil")
    assert program.get(url, headers=tag).status_code == 200


def test_what_is_read_blind_tells_nobody_of_others_work(app: Flask, program, other_program):
    with app.app_context():
        blind = open_case(account_named("ada").id, blind=True)
        made = {"url": f"/api/v1/cases/{blind.id}", "field": put_field(blind).id}
    name(program, cell(made), "monocyte")

    for url in (cell(made), f"{made['url']}/cells", made["url"], f"{made['url']}/report.json"):
        assert "monocyte" in program.get(url).text, url
        theirs = other_program.get(url).text
        assert '"monocyte": 1' not in theirs, url
        assert '"label":"monocyte"' not in theirs.replace(" ", ""), url
    assert name(other_program, cell(made), "neutrophil").status_code == 200
