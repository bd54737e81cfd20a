"""What a person does in the browser leaves rows, and only what is done does."""

from flask import Flask
from flask.testing import FlaskClient

from pages.analyses import detection
from pages.common.requires import requirement_of
from records.audit.audit import Event
from services.audit.audit import present
from tests.people import PASSWORD, account_named, post
from tests.trail import entries, noted
from tests.uploads import upload_cell, upload_field
from tests.waiting import HANGS

# Addresses with the id of an analysis or a case that leave no row of their own, and why.
UNNOTED = {
    "history.thumbnail": "small, and many on one page",
    "history.delete": "the table of analyses notes it",
    "classification.progress": "no picture, only how far the work is",
    "explanation.shap": "no picture, only how far the work is",
    "cases.save": "the case notes it",
    "cases.choose": "small pictures of what is in no case",
    "cases.put": "the case notes it",
    "cases.take_out": "the case notes it",
    "demo.remove": "the case notes it",
    "reading.review": "the corrections are noted as they are kept",
    "reading.undo": "likewise",
    "reading.comment": "likewise",
    "reading.attribute": "likewise",
    "sign_off.sign": "signature and refusal are noted by themselves",
    "sign_off.amend": "likewise",
    "sign_off.keep": "the review is noted by itself",
    "sign_off.after_keep": "leads to the page",
    "sign_off.old_address": "leads to the present address",
    "sign_off.old_amend": "likewise",
    "reports.report": "noted with format and hash",
    "reports.printed": "likewise",
    "api_reports.report": "likewise",
    "api_cells.set_review": "the reviews are noted as they are kept",
    **dict.fromkeys(
        ("work.assign", "work.close", "work.reopen", "work.archive", "work.unarchive"),
        "the act is noted by itself",
    ),
}


def events(app: Flask) -> list[str]:
    with app.app_context():
        return [entry.event for entry in entries()]


def rows(app: Flask, event: Event) -> list:
    with app.app_context():
        return noted(event)


def test_every_view_of_an_analysis_or_a_case_is_noted_or_has_a_reason(app: Flask):
    for rule in app.url_map.iter_rules():
        if {"analysis_id", "case_id"} & rule.arguments:
            declared = requirement_of(rule.endpoint, app)
            noted_here = declared is not None and declared.audit is not None
            assert noted_here != (rule.endpoint in UNNOTED), rule.endpoint


def test_a_whole_visit(app: Flask, signed_in: FlaskClient):
    cell = upload_cell(signed_in)
    signed_in.get(f"/classify/{cell}")
    signed_in.get(f"/classify/{cell}/image")
    signed_in.get(f"/history/{cell}/thumbnail")
    post(signed_in, f"/classify/{cell}/shap")
    post(signed_in, f"/history/{cell}/delete")
    post(signed_in, "/sign-out")

    assert events(app) == [
        "begin",
        "sign-up",
        "sign-in",
        "analysis",
        "upload",
        "view",
        "explanation",
        "delete",
        "sign-out",
    ]
    with app.app_context():
        ada = account_named("ada").id
        assert {entry.account_id for entry in entries()[2:]} == {ada}
        assert {entry.address for entry in entries()[2:]} == {"127.0.0.1"}
        assert {entry.object_id for entry in entries()[5:8]} == {cell}


def test_what_an_analysis_leaves_tells_the_file_by_its_hash_and_not_by_its_name(
    app: Flask, signed_in: FlaskClient
):
    cell = upload_cell(signed_in, "Mrs Miller.png")
    post(signed_in, f"/history/{cell}/delete")
    made, gone = rows(app, Event.ANALYSIS)[0], rows(app, Event.DELETE)[0]

    assert made.known["sha256"] == gone.known["sha256"]
    assert set(made.known) == {"owner", "kind", "model", "sha256"}
    with app.app_context():
        assert "Miller" not in " ".join(entry.details for entry in entries())


def test_downloads_are_noted_with_what_was_downloaded(app: Flask, signed_in: FlaskClient):
    field = upload_field(signed_in)["id"]
    for name in ("annotated.png", "findings.csv", "findings.json"):
        signed_in.get(f"/detect/{field}/{name}").close()

    assert [entry.known["page"] for entry in rows(app, Event.DOWNLOAD)] == [
        "field.annotated",
        "field.table",
        "field.document",
    ]


def test_a_picture_without_its_page_is_a_look_too(app: Flask, signed_in: FlaskClient):
    field = upload_field(signed_in)["id"]
    for _ in range(2):
        signed_in.get(f"/detect/{field}/image")

    (entry,) = rows(app, Event.VIEW)
    assert (entry.object_id, entry.known) == (field, {"picture": True})


def test_carrying_over_is_noted_about_the_first_and_analysed_as_another(
    app: Flask, signed_in: FlaskClient, monkeypatch
):
    monkeypatch.setattr(detection, "PATIENCE", HANGS)
    cell = upload_cell(signed_in)
    post(signed_in, f"/classify/{cell}/detect")

    assert [entry.object_id for entry in rows(app, Event.DETECT_AGAIN)] == [cell]
    assert [entry.known["kind"] for entry in rows(app, Event.ANALYSIS)] == [
        "classification",
        "detection",
    ]


def test_a_batch_is_looked_at_as_a_whole(app: Flask, signed_in, other_client: FlaskClient):
    batch_id = upload_field(signed_in, batch="b" * 32)["batch"].split("/")[-1]
    assert other_client.get(f"/batches/{batch_id}").status_code == 404
    assert signed_in.get(f"/batches/{batch_id}").status_code == 200

    (entry,) = rows(app, Event.VIEW)
    assert (entry.object_kind, entry.object_id) == ("batch", batch_id)


def test_what_was_refused_is_no_look(app: Flask, signed_in, other_client: FlaskClient, client):
    cell = upload_cell(signed_in)
    for browser in (other_client, client):
        browser.get(f"/classify/{cell}")
        browser.get(f"/classify/{cell}/image")
        post(browser, f"/history/{cell}/delete")

    assert {"view", "delete"}.isdisjoint(events(app))


def test_a_failed_sign_in_tells_from_where(app: Flask, client: FlaskClient, signed_in):
    post(client, "/sign-in", name="ada", password="wrong")
    (entry,) = rows(app, Event.SIGN_IN_FAILED)

    with app.app_context():
        assert entry.object_id == account_named("ada").id
    assert (entry.account_id, entry.account_name, entry.address) == (None, "", "127.0.0.1")


def test_who_acted_is_forgotten_after_the_request(app: Flask, signed_in: FlaskClient, client):
    signed_in.get("/account/password")
    post(client, "/sign-in", name="nobody", password=PASSWORD)

    assert rows(app, Event.SIGN_IN_FAILED)[0].account_name == ""


def test_nobody_sees_what_could_not_be_noted(app: Flask, signed_in: FlaskClient, monkeypatch):
    app.config["PROPAGATE_EXCEPTIONS"] = False
    cell = upload_cell(signed_in)

    def fail(*_: object, **__: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr("records.audit.audit.append", fail)

    answer = signed_in.get(f"/classify/{cell}")
    assert answer.status_code == 500
    assert cell not in answer.text


def test_an_address_from_a_proxy_is_no_longer_than_its_column(app: Flask):
    with app.test_request_context("/", environ_overrides={"REMOTE_ADDR": "f" * 200}):
        app.preprocess_request()
        assert present().address == "f" * 45
