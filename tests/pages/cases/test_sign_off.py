"""The page on which a case is signed and amended, and its reports; who may do what."""

from __future__ import annotations

import io
import json
import re
import zipfile
from datetime import timedelta
from hashlib import sha256

import pytest
import rfc8785
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from pages.cases.reports import FORMATS
from pages.common import attempts
from records import db, utc_now
from records.accounts.accounts import Role
from records.audit.audit import Event
from records.cases import signatures
from records.cases.cases import Case
from services.cases import review
from services.cases.cases import Details, open_case, put
from services.cases.review import cells_of
from tests.cases import entry
from tests.people import PASSWORD, account_named, csrf_token, post
from tests.trail import noted
from tests.uploads import texts, upload_field

SEEN = re.compile(r'name="seen"[^>]*value="([0-9a-f]{64})"')


@pytest.fixture
def path(app: Flask, signed_in: FlaskClient) -> str:
    """The address of a case of ada's with one field of two white cells and a doubtful one."""
    field = upload_field(signed_in)["id"]
    with app.app_context():
        case = open_case(account_named("ada").id, Details("Alder-7", "blood"))
        put(case, [field])
        return f"/cases/{case.id}"


def look(app: Flask, path: str, name: str = "ada", label: str | None = None) -> None:
    """Name every counted cell of the case: as it is called now, unless another label is given."""
    with app.app_context():
        case = db.session.get_one(Case, path.rsplit("/", 1)[1])
        counted = [cell for cell in cells_of(case) if cell.counted]
        entries = [entry(cell.id, label or cell.label) for cell in counted]
        review.record(case, account_named(name).id, entries)


def sign(client: FlaskClient, path: str, **changes: str) -> TestResponse:
    """Sign as the page's form does, if the page has one."""
    seen = SEEN.search(client.get(f"{path}/sign-off").text)
    form = {"conclusion": "Blasts are there.", "password": PASSWORD, "seen": seen and seen[1]}
    given = {name: value for name, value in {**form, **changes}.items() if value is not None}
    return post(client, f"{path}/sign-off", **given)


def give_role(app: Flask, name: str, role: str) -> None:
    with app.app_context():
        account_named(name).role = role
        db.session.commit()


def test_the_page_lists_what_is_missing_with_the_way_to_it(path: str, signed_in: FlaskClient):
    page = signed_in.get(f"{path}/sign-off").text
    links = re.findall(rf'href="{path}/room#([0-9a-f.]+)"', page)

    assert "2 cells need review" in texts(page)
    assert [link.rsplit(".", 1)[1] for link in links] == ["0", "1"]
    assert "password" not in SEEN.sub("", page).split("<main", 1)[1]
    assert sign(signed_in, path, seen="0" * 64).status_code == 409


def test_cells_that_count_twice_are_told(app: Flask, path: str, signed_in: FlaskClient):
    again = upload_field(signed_in)["id"]
    assert "count twice" not in signed_in.get(f"{path}/sign-off").text
    with app.app_context():
        put(db.session.get_one(Case, path.rsplit("/", 1)[1]), [again])

    page = texts(signed_in.get(f"{path}/sign-off").text)
    assert "Image 2 duplicates an earlier one, so its cells count twice." in page


def test_a_case_is_signed(app: Flask, path: str, signed_in: FlaskClient):
    look(app, path)
    assert "Everything" not in signed_in.get(f"{path}/sign-off").text
    answer = sign(signed_in, path)
    assert answer.status_code == 303
    page = texts(signed_in.get(answer.headers["Location"]).text)

    assert "Version 1 signed. The case is locked." in page
    assert "Blasts are there." in page
    assert "does not diagnose" in page
    assert "Reopen for amendment" in signed_in.get(f"{path}/sign-off").text


@pytest.mark.parametrize(
    ("changes", "status", "sentence"),
    [
        ({"password": "something else entirely"}, 422, "Wrong password"),
        ({"password": ""}, 422, "Fill in this field."),
        ({"conclusion": "  \n "}, 422, "Enter a conclusion."),
        ({"conclusion": "x" * 4001}, 422, "at most 4000"),
        ({"seen": "0" * 64}, 409, "has changed since you opened this page"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_signed(app, path, signed_in, changes, status, sentence):
    look(app, path)
    answer = sign(signed_in, path, **changes)

    assert answer.status_code == status
    assert sentence in texts(answer.text)
    with app.app_context():
        assert not signatures.of_case(path.rsplit("/", 1)[1])
    assert sign(signed_in, path).status_code == 303, "the conclusion was asked again, and is taken"


def test_what_was_written_stays_when_it_is_refused(app: Flask, path: str, signed_in: FlaskClient):
    look(app, path)
    assert "Οὐδέν" in sign(signed_in, path, conclusion="Οὐδέν", password="wrong one").text


def test_guessing_the_password_ends_soon_wherever_it_is_asked(app, path, signed_in: FlaskClient):
    look(app, path)
    form = {"new": "a new one, not guessed", "again": "a new one, not guessed"}
    for _ in range(3):
        assert sign(signed_in, path, password="wrong one").status_code == 422
    for _ in range(2):
        wrong = post(signed_in, "/account/password", present="wrong one", **form)
        assert wrong.status_code == 422
    assert sign(signed_in, path).status_code == 429
    attempts.init_app(app)  # The counts of a new quarter of an hour.
    assert sign(signed_in, path).status_code == 303


def test_a_signed_case_is_amended_with_a_reason(app: Flask, path: str, signed_in: FlaskClient):
    look(app, path)
    assert post(signed_in, f"{path}/sign-off/amend", reason="Too early.").status_code == 409
    sign(signed_in, path)
    without = post(signed_in, f"{path}/sign-off/amend", reason=" ")
    assert (without.status_code, "Enter a reason." in without.text) == (422, True)
    answer = post(signed_in, f"{path}/sign-off/amend", reason="One cell was wrong.")
    assert answer.status_code == 303
    page = texts(signed_in.get(answer.headers["Location"]).text)

    assert "as version 2" in page
    assert "One cell was wrong." in page
    assert "Version 1" in page
    look(app, path, label="lymphocyte")
    assert sign(signed_in, path, conclusion="None is a blast.").status_code == 303
    for version, status, blasts in ((1, "final", 1), (2, "amended", 0)):
        report = signed_in.get(f"{path}/report.json?version={version}").json
        assert (report["status"], report["state"]["version"]) == (status, version)
        assert report["state"]["by_reviewers"]["labels"]["blast"] == blasts


def test_each_format_is_handed_out_and_noted(app: Flask, path: str, signed_in: FlaskClient):
    starts = {
        "pdf": b"%PDF",
        "csv": "\ufeffpseudonym,".encode(),
        "semicolon.csv": "\ufeffpseudonym;".encode(),
        "json": b"{\n",
        "fhir.json": b"{\n",
        "transaction.fhir.json": b"{\n",
        "hl7": b"MSH|^~\\&|Leukoscope|",
    }
    for suffix, made in FORMATS.items():
        answer = signed_in.get(f"{path}/report.{suffix}")
        assert answer.status_code == 200
        assert answer.data.startswith(starts[suffix])
        assert answer.mimetype == made.mimetype
        assert f"-v1.{suffix}" in answer.headers["Content-Disposition"]
    with app.app_context():
        rows = noted(Event.REPORT)
        assert [row.known["format"] for row in rows] == list(FORMATS)
        assert {row.known["status"] for row in rows} == {"preliminary"}
        assert {row.object_id for row in rows} == {path.rsplit("/", 1)[1]}


def test_images_and_labels_are_handed_out_and_noted(app: Flask, path: str, signed_in: FlaskClient):
    assert f'href="{path}/images-and-labels.zip"' in signed_in.get(path).text
    with signed_in.get(f"{path}/images-and-labels.zip") as answer:
        assert answer.mimetype == "application/zip"
        assert "-v1-labels.zip" in answer.headers["Content-Disposition"]
        with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
            assert "images/001.png" in archive.namelist()
    with app.app_context():
        row = noted(Event.DOWNLOAD)[-1]
        assert (row.object_id, row.known) == (path.rsplit("/", 1)[1], {"page": "reports.labels"})


def test_anybody_can_work_the_hash_out_again(app: Flask, path: str, signed_in: FlaskClient):
    look(app, path)
    sign(signed_in, path)
    report = json.loads(signed_in.get(f"{path}/report.json").data)
    (signature,) = report["signatures"]
    content = {name: signature[name] for name in ("schema", "reader", "role", "at", "conclusion")}

    signed = {**content, "agreement": report["agreement"], "state": report["state"]}
    assert sha256(rfc8785.dumps(signed)).hexdigest() == signature["sha256"] == report["sha256"]


@pytest.mark.parametrize("version", ["0", "2", "-1", "x", "1.0", "9" * 30, "²"])
def test_a_version_that_is_not_there_is_not_found(path: str, signed_in: FlaskClient, version):
    assert signed_in.get(f"{path}/report.json?version={version}").status_code == 404
    assert signed_in.get(f"{path}/report.doc").status_code == 404


def test_what_was_altered_is_not_handed_out(app: Flask, path: str, signed_in: FlaskClient):
    look(app, path)
    sign(signed_in, path)
    with app.app_context():
        db.session.execute(db.text("DROP TRIGGER signatures_no_UPDATE"))
        db.session.execute(db.text("UPDATE signatures SET sha256 = :hash"), {"hash": "0" * 64})
        db.session.commit()
    answer = signed_in.get(f"{path}/report.pdf")
    assert (answer.status_code, "differs" in answer.text) == (409, True)


def test_a_file_name_is_in_no_report(path: str, signed_in: FlaskClient):
    for suffix in FORMATS.keys() - {"pdf"}:
        assert "field.png" not in signed_in.get(f"{path}/report.{suffix}").text
        assert "smear" not in signed_in.get(f"{path}/report.{suffix}").text.replace(
            "smear-review", ""
        ).replace("of a smear", "")


@pytest.mark.parametrize(
    ("role", "sees", "signs"),
    [(Role.VIEWER, 200, 403), (Role.READER, 200, 403), (Role.REVIEWER, 200, 303)],
)
def test_reviewers_sign_and_their_team_sees(app, path, colleague, role, sees, signs):
    give_role(app, "cleo", role)
    look(app, path)
    page = colleague.get(f"{path}/sign-off")

    assert page.status_code == sees
    assert ('name="password"' in page.text) == (role == Role.REVIEWER)
    assert colleague.get(f"{path}/report.pdf").status_code == 200
    assert sign(colleague, path).status_code == signs
    if signs == 403:
        assert "Only reviewers can do this" in sign(colleague, path).text
        assert post(colleague, f"{path}/sign-off/amend", reason="-").status_code == 403


def test_another_teams_case_is_not_found(app: Flask, path: str, other_client: FlaskClient):
    give_role(app, "ben", Role.REVIEWER)
    look(app, path)
    assert other_client.get(f"{path}/sign-off").status_code == 404
    assert sign(other_client, path).status_code == 404
    assert post(other_client, f"{path}/sign-off/amend", reason="-").status_code == 404
    for suffix in FORMATS:
        assert other_client.get(f"{path}/report.{suffix}").status_code == 404


def test_an_ended_session_signs_nothing(app: Flask, path: str, signed_in: FlaskClient):
    look(app, path)
    token = csrf_token(signed_in)
    seen = SEEN.search(signed_in.get(f"{path}/sign-off").text)[1]
    app.extensions["leukoscope_accounts"].clock = lambda: utc_now() + timedelta(minutes=31)
    form = {"csrf_token": token, "seen": seen, "conclusion": "-", "password": PASSWORD}
    answer = signed_in.post(f"{path}/sign-off", data=form)

    assert (answer.status_code, answer.headers["Location"][:8]) == (302, "/sign-in")
    with app.app_context():
        assert signatures.of_case(path.rsplit("/", 1)[1]) == []


def test_two_readers_see_where_they_differ(app: Flask, path: str, signed_in, colleague):
    app.extensions["leukoscope_sign_off"]._readers = 2
    give_role(app, "cleo", Role.REVIEWER)
    look(app, path)
    sign(signed_in, path)
    assert "Another reviewer must sign now" in texts(signed_in.get(f"{path}/sign-off").text)
    look(app, path, "cleo", label="blast")
    page = texts(colleague.get(f"{path}/sign-off").text)

    assert "Cohen’s kappa over 2 cells" in page
    assert "Classes taken over from somebody else are left out" in page
    assert "Unclassified Blast" in page
    assert "You classified some cells differently" in page
    assert sign(colleague, path).status_code == 303
    for _ in signed_in, colleague:
        shown = texts(_.get(f"{path}/sign-off").text)
        assert "Second reviewer, resolved differences: cleo" in shown
        assert "Cohen’s kappa" in shown
    assert signed_in.get(f"{path}/report.json").json["agreement"]["cells"] == 2


def test_two_readers_of_whom_one_named_nothing_have_no_kappa(app, path, signed_in, colleague):
    app.extensions["leukoscope_sign_off"]._readers = 2
    give_role(app, "cleo", Role.REVIEWER)
    look(app, path, "cleo")
    sign(signed_in, path)
    sign(colleague, path)

    page = texts(signed_in.get(f"{path}/sign-off").text)
    assert "No cell was classified by both reviewers" in page
    assert "kappa over" not in page


def test_the_former_address_leads_to_the_new_one(signed_in: FlaskClient, path: str):
    bookmark = signed_in.get(f"{path}/sign-out")
    assert (bookmark.status_code, bookmark.headers["Location"]) == (301, f"{path}/sign-off")
    for rest in ("", "/amend"):
        form = post(signed_in, f"{path}/sign-out{rest}")
        assert (form.status_code, form.headers["Location"]) == (308, f"{path}/sign-off{rest}")
