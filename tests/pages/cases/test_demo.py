"""The demo case: one for each person, marked, and never taken for a real one."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from records import db
from records.accounts.accounts import Role
from records.analyses import field_tasks
from records.audit.audit import Event
from records.cases.cases import Case
from services.cases import worklist
from services.cases.cases import DEMO, CaseError
from services.cases.sign_off import SignOffError
from services.statistics.laboratory import statistics
from tests.cases import open_case, put_field, sign_case
from tests.pages.cases.test_cases import shown
from tests.pages.cases.test_work import another_asks
from tests.pages.common.test_access import become
from tests.people import PASSWORD, account_named, post
from tests.trail import noted
from tests.uploads import texts, upload_cell

NAME = "Practice smear"


@pytest.fixture
def demo(app: Flask, signed_in: FlaskClient) -> Case:
    """The demo case of ada, with a field that was read."""
    made = post(signed_in, "/cases/demo").headers["Location"]
    with app.app_context():
        case = db.session.get_one(Case, made.rsplit("/", 1)[-1])
        put_field(case)
        yield case


def test_one_click_makes_a_case_whose_fields_wait_to_be_read(demo: Case, signed_in: FlaskClient):
    waiting = field_tasks.unread_of_case(demo.id)
    assert sorted(task.file_name for task in waiting) == [f"field-{n}.webp" for n in (1, 2, 3)]
    page = texts(signed_in.get(f"/cases/{demo.id}").text)
    assert "Made-up fields for practice, not a patient." in page
    assert "Demo" in texts(signed_in.get("/cases").text)


def test_made_twice_it_is_the_same(demo: Case, signed_in: FlaskClient):
    assert post(signed_in, "/cases/demo").headers["Location"] == f"/cases/{demo.id}"
    assert len(field_tasks.unread_of_case(demo.id)) == 3
    there = post(signed_in, "/cases/demo", tour="1").headers["Location"]
    assert there == f"/cases/{demo.id}/room?tour=1"


def test_the_empty_worklist_offers_it_to_who_may_upload(app: Flask, signed_in: FlaskClient):
    assert "Try the demo case" in signed_in.get("/cases").text
    become(app, Role.VIEWER)
    assert "Try the demo case" not in signed_in.get("/cases").text
    assert post(signed_in, "/cases/demo").status_code == 403


def test_colleagues_do_not_have_it_on_their_lists(demo: Case, signed_in, colleague: FlaskClient):
    another_asks()
    assert shown(signed_in) == [NAME]
    assert "smear.png" not in signed_in.get("/history").text
    another_asks()
    assert "No cases yet" in colleague.get("/cases").text
    assert post(colleague, f"/cases/{demo.id}/remove-demo").status_code == 409
    another_asks()
    assert shown(signed_in) == [NAME]


def test_it_is_not_counted_and_not_signed(app: Flask, demo: Case):
    assert statistics(None, None).opened == 0
    ada, sign_off = account_named("ada"), app.extensions["leukoscope_sign_off"]
    assert sign_off.standing(demo, ada.id).reason == DEMO
    with pytest.raises(SignOffError, match="demo case"):
        sign_off.sign(demo, ada, PASSWORD, "Seen.", sign_off.standing(demo, ada.id).seen)


def test_a_real_case_beside_it_is_counted_and_signed(app: Flask, demo: Case):
    real = open_case(account_named("ada").id)
    assert statistics(None, None).opened == 1
    assert app.extensions["leukoscope_sign_off"].standing(real, real.owner_id).reason != DEMO


@pytest.mark.parametrize("path", ["report.pdf", "report.hl7", "images-and-labels.zip", "edit"])
def test_it_has_no_report_and_cannot_be_described(demo: Case, signed_in: FlaskClient, path: str):
    assert signed_in.get(f"/cases/{demo.id}/{path}").status_code == 409


def test_nothing_goes_in_or_out_of_it(demo: Case, signed_in: FlaskClient):
    cell = upload_cell(signed_in)
    assert post(signed_in, f"/cases/{demo.id}/add", analysis=cell).status_code == 409
    field = put_field(demo)
    out = f"/cases/{demo.id}/analyses/{field.id}/take-out"
    assert post(signed_in, out).status_code == 409
    assert NAME not in signed_in.get("/detect").text
    with pytest.raises(CaseError):
        worklist.close(demo, "done")


def test_it_can_be_removed_and_made_anew(demo: Case, signed_in: FlaskClient):
    for _ in range(2):
        answer = post(signed_in, f"/cases/{demo.id}/remove-demo")
        assert answer.headers["Location"] == "/cases"
    assert "No cases yet" in signed_in.get("/cases").text
    assert shown(signed_in, "?view=archived") == []
    assert len(noted(Event.DEMO_REMOVE)) == 1
    assert post(signed_in, "/cases/demo").headers["Location"] != f"/cases/{demo.id}"


def test_a_real_case_is_not_removed(app: Flask, signed_in: FlaskClient):
    with app.app_context():
        real = open_case(account_named("ada").id)
        assert post(signed_in, f"/cases/{real.id}/remove-demo").status_code == 409
        sign = app.extensions["leukoscope_sign_off"]
        put_field(real)
        with pytest.raises(SignOffError, match="review"):
            sign_case(sign, real, account_named("ada"))
