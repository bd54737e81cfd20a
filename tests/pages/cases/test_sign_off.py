"""The page on which a case is signed and amended, and its reports; who may do what."""

from __future__ import annotations

import io
import json
import re
import zipfile
from datetime import date, timedelta
from hashlib import sha256

import pypdfium2
import pytest
import rfc8785
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from pages.common import attempts
from records import db, utc_now
from records.accounts.accounts import Role
from records.audit.audit import Event
from records.cases import signatures
from records.cases.cases import Case
from services.cases import review
from services.cases.cases import Details, open_case, put
from services.cases.checks import CheckCode
from services.cases.review import cells_of
from services.reports.formats import FORMATS
from tests.cases import entry
from tests.people import PASSWORD, account_named, csrf_token, post
from tests.trail import disarm, noted
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
    """Sign as the page's form does, if the page has one, with a reason wherever it asks one."""
    page = client.get(f"{path}/sign-off").text
    seen = SEEN.search(page)
    reasons = dict.fromkeys(re.findall(r'name="(reason_[a-z_]+)"', page), "No further field.")
    form = {
        "conclusion": "Blasts are there.",
        "password": PASSWORD,
        "seen": seen and seen[1],
        **reasons,
    }
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
    assert "Duplicates Warning Image 2 duplicates an earlier one" in page


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
    content = {
        name: signature[name] for name in ("schema", "reader", "role", "at", "conclusion", "checks")
    }

    signed = {**content, "agreement": report["agreement"], "state": report["state"]}
    assert sha256(rfc8785.dumps(signed)).hexdigest() == signature["sha256"] == report["sha256"]


def test_all_checks_are_listed_problems_first(app: Flask, path: str, signed_in: FlaskClient):
    page = signed_in.get(f"{path}/sign-off").text
    statuses = re.findall(r'class="check check-(\w+)"', page)
    assert len(statuses) == len(CheckCode)
    assert statuses == sorted(statuses, key=["blocking", "warning", "ok"].index)
    assert "reason_" not in page, "nobody can sign yet"
    look(app, path)
    page = signed_in.get(f"{path}/sign-off").text
    assert "White cells Warning 2 white cells reviewed; peripheral blood needs at least 200." in (
        texts(page)
    )
    assert set(re.findall(r'name="reason_(\w+)"', page)) == {"white_cells", "unclassified"}


def test_a_reason_that_is_lacking_is_asked_for_and_the_others_stay(app, path, signed_in):
    look(app, path)
    answer = sign(signed_in, path, reason_white_cells=" ", reason_unclassified="Pale stain.")
    assert answer.status_code == 422
    assert texts(answer.text).count("Enter a reason.") == 1
    assert "Pale stain." in answer.text
    assert "Blasts are there." in answer.text
    answer = sign(signed_in, path, reason_white_cells="", conclusion="")
    assert "Enter a reason." in answer.text, "with all else that is wrong"
    assert "Enter a conclusion." in answer.text
    answer = sign(signed_in, path, reason_white_cells="x" * 1001)
    assert (answer.status_code, "at most 1000" in answer.text) == (422, True)
    with app.app_context():
        assert not signatures.of_case(path.rsplit("/", 1)[1])


def test_reasons_are_in_reports_and_in_the_trail(app: Flask, path: str, signed_in: FlaskClient):
    look(app, path)
    assert sign(signed_in, path, reason_white_cells="Leukocytes 0.4.").status_code == 303
    page = texts(signed_in.get(f"{path}/sign-off").text)
    assert "White cells: Leukocytes 0.4." in page
    (signature,) = signed_in.get(f"{path}/report.json").json["signatures"]
    reasons = {one["code"]: one["reason"] for one in signature["checks"] if "reason" in one}
    assert reasons == {"white_cells": "Leukocytes 0.4.", "unclassified": "No further field."}
    assert "Leukocytes 0.4." in signed_in.get(f"{path}/report.csv").text
    document = pypdfium2.PdfDocument(signed_in.get(f"{path}/report.pdf").data)
    pdf = " ".join(sheet.get_textpage().get_text_range() for sheet in document)
    assert "ada: Leukocytes 0.4." in " ".join(pdf.split())
    with app.app_context():
        assert noted(Event.CASE_SIGN)[-1].known["reasons"] == reasons


def test_a_form_that_is_sent_twice_signs_once(app: Flask, path: str, signed_in: FlaskClient):
    look(app, path)
    page = signed_in.get(f"{path}/sign-off").text
    reasons = dict.fromkeys(re.findall(r'name="(reason_[a-z_]+)"', page), "Few.")
    form = {"conclusion": "-", "password": PASSWORD, "seen": SEEN.search(page)[1], **reasons}
    for _ in range(2):
        assert post(signed_in, f"{path}/sign-off", **form).status_code == 303
    with app.app_context():
        assert len(signatures.of_case(path.rsplit("/", 1)[1])) == 1
        assert len(noted(Event.CASE_SIGN)) == 1
    assert post(signed_in, f"{path}/sign-off", **{**form, "conclusion": "x"}).status_code == 409


def test_impossible_dates_block_whatever_the_reason(app: Flask, path: str, signed_in: FlaskClient):
    look(app, path)
    with app.app_context():
        db.session.get_one(Case, path.rsplit("/", 1)[1]).collected_on = date(2999, 1, 1)
        db.session.commit()
    page = signed_in.get(f"{path}/sign-off").text
    assert "Dates Blocks signing The date of collection is in the future." in texts(page)
    assert 'name="password"' not in page
    assert sign(signed_in, path, seen="0" * 64).status_code == 409
    form = {"conclusion": "-", "reason_dates": "So it is.", "reason_white_cells": "Few."}
    assert sign(signed_in, path, **form).status_code == 409


def test_another_open_case_of_the_same_pseudonym_is_linked_in_its_team_alone(
    app: Flask, path: str, signed_in: FlaskClient, other_client: FlaskClient
):
    with app.app_context():
        other = open_case(account_named("ben").id, Details("Alder-7", "blood")).id
    assert other not in signed_in.get(f"{path}/sign-off").text
    with app.app_context():
        own = open_case(account_named("ada").id, Details("alder-7", "blood")).id
    page = signed_in.get(f"{path}/sign-off").text
    assert "Another open case has the same pseudonym." in texts(page)
    assert f'href="/cases/{own}"' in page


def keep_form(page: str) -> dict[str, str]:
    """The fields of the first form that keeps a cell."""
    form = page.split("data-keep", 1)[1].split("</form>", 1)[0]
    return dict(re.findall(r'name="(key|cell|label)" value="([^"]+)"', form))


def test_a_disagreement_is_kept_and_what_was_typed_stays(app, path, signed_in: FlaskClient):
    look(app, path, label="lymphocyte")
    page = signed_in.get(f"{path}/sign-off").text
    assert "1 disagreement on blasts" in texts(page)
    form = keep_form(page)
    assert form["label"] == "lymphocyte"
    assert f'href="{path}/room#{form["cell"]}"' in page
    typed = {"conclusion": "No blasts.", "reason_white_cells": "Leukopenia."}
    answer = post(signed_in, f"{path}/sign-off/keep", **form, **typed)
    assert answer.status_code == 200
    assert "data-keep" not in answer.text
    assert "Every disagreement on blasts is resolved (1)." in answer.text
    assert "No blasts." in answer.text
    assert "Leukopenia." in answer.text
    again = post(signed_in, f"{path}/sign-off/keep", **form)
    assert again.status_code == 200
    with app.app_context():
        case = db.session.get_one(Case, path.rsplit("/", 1)[1])
        assert len(review.history_of(case, form["cell"])) == 2
    assert signed_in.get(f"{path}/sign-off/keep").location == f"{path}/sign-off"
    assert sign(signed_in, path).status_code == 303
    late = post(signed_in, f"{path}/sign-off/keep", **{**form, "key": "e" * 32})
    assert late.status_code == 409


@pytest.mark.parametrize("changes", [{"cell": ""}, {"key": "x" * 33}, {"label": "elf"}])
def test_nothing_is_kept_of_a_crafted_form(app, path, signed_in: FlaskClient, changes):
    look(app, path, label="lymphocyte")
    form = {**keep_form(signed_in.get(f"{path}/sign-off").text), **changes}
    assert post(signed_in, f"{path}/sign-off/keep", **form).status_code == 422


def test_viewers_keep_nothing(app: Flask, path: str, signed_in, colleague: FlaskClient):
    look(app, path, label="lymphocyte")
    form = keep_form(signed_in.get(f"{path}/sign-off").text)
    give_role(app, "cleo", Role.VIEWER)
    assert "data-keep" not in colleague.get(f"{path}/sign-off").text
    assert post(colleague, f"{path}/sign-off/keep", **form).status_code == 403


def test_a_second_reviewer_sees_the_reasons_of_the_first(app, path, signed_in, colleague):
    app.extensions["leukoscope_sign_off"]._readers = 2
    give_role(app, "cleo", Role.REVIEWER)
    look(app, path)
    sign(signed_in, path, reason_white_cells="Leukocytes 0.4.")
    look(app, path, "cleo")
    assert "ada: Leukocytes 0.4." in texts(colleague.get(f"{path}/sign-off").text)
    assert sign(colleague, path, reason_white_cells="As ada.").status_code == 303
    first, second = signed_in.get(f"{path}/report.json").json["signatures"]
    assert [
        next(one["reason"] for one in each["checks"] if one["code"] == "white_cells")
        for each in (first, second)
    ] == ["Leukocytes 0.4.", "As ada."]


@pytest.mark.parametrize("version", ["0", "2", "-1", "x", "1.0", "9" * 30, "²"])
def test_a_version_that_is_not_there_is_not_found(path: str, signed_in: FlaskClient, version):
    assert signed_in.get(f"{path}/report.json?version={version}").status_code == 404
    assert signed_in.get(f"{path}/report.doc").status_code == 404


def test_what_was_altered_is_not_handed_out(app: Flask, path: str, signed_in: FlaskClient):
    look(app, path)
    sign(signed_in, path)
    with app.app_context():
        disarm("signatures")
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


def test_phrases_of_the_laboratory_are_offered(app: Flask, path: str, signed_in: FlaskClient):
    look(app, path)
    assert "data-phrases" not in signed_in.get(f"{path}/sign-off").text
    post(signed_in, "/admin/laboratory", phrases="No blasts seen.\nBlasts <5%.")
    page = signed_in.get(f"{path}/sign-off").text
    assert "<option>No blasts seen.</option><option>Blasts &lt;5%.</option>" in page


def test_an_amended_version_begins_with_the_conclusion_of_the_last(app, path, signed_in):
    look(app, path)
    sign(signed_in, path, conclusion="Blasts, as before.")
    post(signed_in, f"{path}/sign-off/amend", reason="A slip.")
    page = signed_in.get(f"{path}/sign-off").text
    conclusion = re.search(r"<textarea[^>]*id=\"conclusion\"[^>]*>([^<]*)<", page)[1]
    assert conclusion.strip() == "Blasts, as before."


def test_what_the_pdf_cannot_print_is_told_before_it_is_signed(app, path, signed_in):
    look(app, path)
    assert "with_boxes" not in signed_in.get(f"{path}/sign-off").text
    answer = sign(signed_in, path, conclusion="Blasts, דם.")

    assert answer.status_code == 422
    assert "The PDF shows ■ in place of these characters: ד ם" in texts(answer.text)
    assert "Change the text, or tick this box." in texts(answer.text)
    assert "Blasts, דם." in answer.text
    with app.app_context():
        assert not signatures.of_case(path.rsplit("/", 1)[1])
    assert sign(signed_in, path, conclusion="Blasts, 血.").status_code == 303


def test_who_knows_of_the_boxes_may_sign(app: Flask, path: str, signed_in: FlaskClient):
    look(app, path)
    with app.app_context():
        db.session.get_one(Case, path.rsplit("/", 1)[1]).notes = "مريض"
        db.session.commit()
    page = signed_in.get(f"{path}/sign-off").text
    assert "The PDF shows ■ in place of these characters" in texts(page)
    assert sign(signed_in, path, with_boxes="y").status_code == 303


def test_a_signed_version_keeps_letterhead_and_name_of_its_day(app, path, signed_in):
    logo = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(logo, "PNG")
    post(signed_in, "/account/name", full_name="Dr Ada Byron")
    post(signed_in, "/admin/laboratory", name="Elm Hospital", high_blast="0")
    post(signed_in, "/admin/laboratory/logo", logo=(io.BytesIO(logo.getvalue()), "logo.png"))
    look(app, path)
    assert sign(signed_in, path).status_code == 303
    before = json.loads(signed_in.get(f"{path}/report.json").data)
    post(signed_in, "/account/name", full_name="Dr A. Lovelace")
    post(signed_in, "/admin/laboratory", name="Oak Hospital")
    post(signed_in, "/admin/laboratory/logo/remove")

    after = json.loads(signed_in.get(f"{path}/report.json").data)
    assert after["signatures"] == before["signatures"]
    (line,) = after["signatures"]
    assert line["laboratory"]["name"] == "Elm Hospital"
    signed = {name: value for name, value in line.items() if name != "sha256"}
    signed |= {"agreement": after["agreement"], "state": after["state"]}
    assert sha256(rfc8785.dumps(signed)).hexdigest() == line["sha256"]
    page = pypdfium2.PdfDocument(signed_in.get(f"{path}/report.pdf").data)[0]
    printed = page.get_textpage().get_text_range()
    assert "Elm Hospital" in printed
    assert "Dr Ada Byron" in printed
    assert len(list(page.get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_IMAGE]))) == 1


def test_the_page_that_is_printed_says_what_the_pdf_says(app, path, signed_in, other_client):
    post(
        signed_in, "/admin/laboratory", name="Elm Hospital", high_blast="0", ranges_source="Adults"
    )
    draft = texts(signed_in.get(f"{path}/report").text)
    assert "Unsigned" in draft
    assert "None. This version is not signed." in draft
    look(app, path, label="blast")
    sign(signed_in, path)
    answer = signed_in.get(f"{path}/report")
    page = texts(answer.text)

    for sentence in (
        "Elm Hospital",
        "Blasts 100%: 2 of 2 white cells",
        "Blast 2 100% ≤ 0 High",
        "Reference ranges, in percent of white cells: Adults.",
        "Blasts are there.",
        "Warnings and reasons",
        "ada: No further field.",
    ):
        assert sentence in page
    assert answer.text.count("data:image/jpeg;base64,") == 2
    assert other_client.get(f"{path}/report").status_code == 404
    assert signed_in.get(f"{path}/report?version=9").status_code == 404
    with app.app_context():
        assert [row.known["format"] for row in noted(Event.REPORT)] == ["html", "html"]
