import re

import pytest
from flask import Flask, g
from flask.testing import FlaskClient

from pages.cases import work
from records import db
from records.accounts.accounts import AccountStatus, Role
from records.audit.audit import Event
from records.cases.cases import Case
from services.cases import cases as case_service
from services.cases import worklist
from tests.cases import open_case, put_field
from tests.pages.cases.test_cases import shown, sign
from tests.pages.common.test_access import become
from tests.people import account_named, post
from tests.trail import noted
from tests.uploads import texts


@pytest.fixture
def case(app: Flask, signed_in: FlaskClient, colleague: FlaskClient) -> Case:
    """A case of ada's, in whose team cleo is as well."""
    with app.app_context():
        yield open_case(account_named("ada").id)


def another_asks() -> None:
    """Let the next request find out who asks: the context of these tests outlives the requests."""
    g.pop("_login_user", None)


def told(client: FlaskClient) -> str:
    """What the next page of a browser tells at its top."""
    with client.session_transaction() as kept:
        return " ".join(message for _, message in kept.pop("_flashes", []))


def trail(event: Event) -> list[dict]:
    return [entry.known for entry in noted(event)]


def test_a_case_is_handed_over_with_a_note(signed_in, colleague, case: Case):
    cleo = account_named("cleo")
    path = f"/cases/{case.id}/assign"
    answer = post(signed_in, path, assignee=cleo.id, note="Second smear is better.")
    assert answer.headers["Location"] == f"/cases/{case.id}"
    assert shown(signed_in, "?view=mine") == []
    another_asks()
    page = texts(colleague.get(f"/cases/{case.id}").text)
    assert "Assigned to you ." in page
    assert re.search(r"ada to cleo, .* Second smear is better.", page)
    assert shown(colleague, "?view=mine") == ["Alder-7"]
    assert trail(Event.CASE_ASSIGN) == [{"to": "cleo", "with_note": True}]

    post(signed_in, path, assignee=cleo.id)
    assert len(trail(Event.CASE_ASSIGN)) == 1, "nothing changed"
    post(colleague, path, assignee="")
    assert "Assigned to nobody" in texts(signed_in.get(f"/cases/{case.id}").text)
    assert trail(Event.CASE_ASSIGN)[-1] == {"to": None, "with_note": False}


def test_only_those_who_read_cases_of_the_team_are_given_any(app, signed_in, other_client, case):
    for name in ("ben", "cleo"):
        if name == "cleo":
            account_named("cleo").role = Role.VIEWER
            db.session.commit()
        answer = post(
            signed_in, f"/cases/{case.id}/assign", assignee=account_named(name).id, note="x"
        )
        assert answer.status_code == 422
        assert "Not a valid choice" in answer.text
    account_named("cleo").role = Role.READER
    account_named("cleo").status = AccountStatus.DEACTIVATED
    db.session.commit()
    with pytest.raises(case_service.CaseError, match="cannot read cases"):
        worklist.assign(case, account_named("ada"), account_named("cleo").id)
    assert case.assignee_id is None


def test_a_note_has_an_end(signed_in, case: Case):
    answer = post(signed_in, f"/cases/{case.id}/assign", assignee="", note="n" * 1001)
    assert answer.status_code == 422
    assert "at most 1000 characters" in answer.text
    assert "nnn</textarea>" in answer.text


def test_a_closed_case_takes_nothing_until_it_is_reopened(signed_in, colleague, case: Case):
    path = f"/cases/{case.id}"
    assert post(colleague, f"{path}/close", reason="Clotted.").status_code == 403
    assert "/close" not in colleague.get(path).text
    another_asks()
    assert "Enter a reason." in post(signed_in, f"{path}/close", reason=" ").text
    post(signed_in, f"{path}/close", reason="Clotted.")
    page = texts(signed_in.get(path).text)
    assert "Closed without a signature. Locked." in page
    assert ": Clotted." in page
    for answer in (
        post(signed_in, f"{path}/edit", pseudonym="B-1", specimen="blood"),
        post(signed_in, f"{path}/add", analysis="0" * 32),
        post(signed_in, f"{path}/close", reason="Again."),
    ):
        assert answer.status_code == 409
    for way in ("/edit", "?case=", "/take-out"):
        assert way not in signed_in.get(path).text
    assert f'value="{case.id}"' not in signed_in.get("/detect").text

    assert post(signed_in, f"{path}/reopen").status_code == 303
    assert post(signed_in, f"{path}/reopen").status_code == 409
    assert "Not reviewed" in texts(signed_in.get(path).text)
    assert (trail(Event.CASE_CLOSE), trail(Event.CASE_REOPEN)) == ([{}], [{}])


def test_no_cell_of_a_closed_case_is_reviewed(signed_in, case: Case):
    field = put_field(case)
    post(signed_in, f"/cases/{case.id}/close", reason="Clotted.")
    sent = {"entries": [{"key": "a" * 32, "cell": f"{field.id}.0", "label": "blast"}]}
    headers = {
        "X-CSRFToken": re.search(
            r'name="csrf-token" content="([^"]*)"', signed_in.get("/cases").text
        )[1]
    }
    answer = signed_in.post(f"/cases/{case.id}/room/reviews", json=sent, headers=headers)
    assert 400 <= answer.status_code < 500
    assert "This case is closed" in texts(signed_in.get(f"/cases/{case.id}/sign-off").text)


def test_finished_cases_are_archived_and_taken_back(signed_in, case: Case):
    path = f"/cases/{case.id}"
    assert post(signed_in, f"{path}/archive").status_code == 409
    assert "/archive" not in signed_in.get(path).text
    sign(case.id)
    for _ in range(2):
        assert post(signed_in, f"{path}/archive").status_code == 303
    assert shown(signed_in) == []
    assert shown(signed_in, "?view=archived") == ["Alder-7"]
    post(signed_in, f"{path}/unarchive")
    assert shown(signed_in) == ["Alder-7"]
    assert (len(trail(Event.CASE_ARCHIVE)), len(trail(Event.CASE_UNARCHIVE))) == (1, 1)


def test_an_amended_case_is_on_the_list_again(signed_in, case: Case):
    sign(case.id)
    post(signed_in, f"/cases/{case.id}/archive")
    post(signed_in, f"/cases/{case.id}/sign-off/amend", reason="Wrong specimen.")
    assert shown(signed_in, "?view=to-review") == ["Alder-7"]


@pytest.fixture
def several(case: Case) -> list[str]:
    """The ids of three cases, the last of which is signed."""
    ids = [case.id, *(open_case(case.owner_id, name).id for name in ("Birch-8", "Cedar-9"))]
    sign(ids[-1])
    return ids


def test_several_cases_are_assigned_after_a_question(signed_in, several: list[str]):
    cleo = account_named("cleo").id
    form = {"case": several[:2], "assignee": cleo, "view": "to-review"}
    page = post(signed_in, "/cases/selected/assign", **form).text
    assert "Assign 2 cases to cleo?" in page
    assert "Alder-7" in page
    assert "Birch-8" in page
    assert trail(Event.CASE_ASSIGN) == []
    answer = post(signed_in, "/cases/selected/assign", **form, confirmed="yes", note="Today.")
    assert answer.headers["Location"] == "/cases?view=to-review"
    assert len(trail(Event.CASE_ASSIGN)) == 2
    assert told(signed_in) == "2 cases assigned to cleo."
    assert post(signed_in, "/cases/selected/assign", case=several, assignee="x").status_code == 303
    assert told(signed_in) == work.NOT_UNDERSTOOD


def test_only_finished_ones_of_several_are_archived(signed_in, several: list[str]):
    page = post(signed_in, "/cases/selected/archive", case=several).text
    assert "Archive 1 case?" in page
    assert "2 of the selected cases are not signed or closed yet" in texts(page)
    post(signed_in, "/cases/selected/archive", case=several, confirmed="yes")
    assert shown(signed_in, "?view=archived") == ["Cedar-9"]
    post(signed_in, "/cases/selected/unarchive", case=several[2:], confirmed="yes")
    assert shown(signed_in, "?view=archived") == []
    post(signed_in, "/cases/selected/archive", case=several[:2])
    assert told(signed_in) == work.NONE_TO_ARCHIVE
    post(signed_in, "/cases/selected/archive")
    assert told(signed_in) == work.NONE_CHOSEN


def test_another_teams_cases_are_not_among_the_selected(app, other_client, several: list[str]):
    post(other_client, "/cases/selected/archive", case=several, confirmed="yes")
    assert told(other_client) == work.NONE_CHOSEN
    assert trail(Event.CASE_ARCHIVE) == []


def test_viewers_change_nothing(app, signed_in, several: list[str]):
    become(app, Role.VIEWER)
    page = signed_in.get("/cases").text
    for way in ("/cases/selected", 'type="checkbox"', "/cases/new"):
        assert way not in page.replace('action="/cases/selected/assign"', "")
    assert "/assign" not in signed_in.get(f"/cases/{several[0]}").text
