import re
from dataclasses import replace
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from records import db, tasks
from records.accounts.accounts import Role
from records.analyses import analyses
from records.analyses.field_tasks import FieldTask
from records.cases import cases, signatures
from records.cases.cases import Case
from records.cases.signatures import Signature
from services.cases import pseudonyms, review
from services.cases.pseudonyms import LOOK_AGAIN
from tests.cases import entry, open_case, put_cell, put_field
from tests.pages.common.test_access import become
from tests.people import account_named, post
from tests.services.analyses.fields import NAMED_CELLS, named_field, read_field
from tests.uploads import png, send, texts, upload_cell, upload_field

NAME = re.compile(r'class="history-name">([^<]*)<')
KINDS = ("erythroblast", "artefact", "lymphocyte")
DETAILS = {
    "pseudonym": "Alder-7",
    "specimen": "marrow",
    "stain": "Giemsa",
    "magnification": "100x oil",
    "collected_on": "2026-03-01",
    "notes": "dry tap",
}


def open_by_form(client: FlaskClient, **changes: str) -> TestResponse:
    return post(client, "/cases/new", **{**DETAILS, **changes})


@pytest.fixture
def case(signed_in: FlaskClient) -> str:
    """The id of a case of ada's."""
    return open_by_form(signed_in).headers["Location"].removeprefix("/cases/")


@pytest.fixture
def context(app: Flask, signed_in: FlaskClient):
    with app.app_context():
        yield


def sign(case_id: str) -> None:
    case = db.session.get_one(Case, case_id)
    values = {"conclusion": "-", "contents": {}, "sha256": "0" * 64}
    signature = Signature(case_id=case.id, version=1, reader_id=case.owner_id, **values)
    signatures.add_signature(signature, [])
    db.session.commit()


def signed(app: Flask, case_id: str) -> None:
    with app.app_context():
        sign(case_id)


def shown(client: FlaskClient, query: str = "") -> list[str]:
    """Pseudonyms on a page of the list, from top to bottom."""
    return NAME.findall(client.get(f"/cases{query}").text)


def case_of(app: Flask, analysis_id: str) -> str | None:
    with app.app_context():
        return analyses.get(analysis_id).case_id


def test_without_cases_the_page_says_how_to_begin(signed_in: FlaskClient):
    page = signed_in.get("/cases").text
    assert "No cases yet" in page
    assert 'href="/cases/new"' in page
    assert "<form class=" not in page


def test_a_case_is_opened_and_shown(signed_in: FlaskClient, case: str):
    page = signed_in.get(f"/cases/{case}").text
    message = texts(page)
    for content in ("Case Alder-7", "Bone marrow", "01 Mar 2026", "Giemsa", "100x oil", "dry tap"):
        assert content in message
    assert "Case “Alder-7” opened." in message
    assert "No images yet" in message
    assert "does not diagnose" in message
    assert "No result is final until a person confirms it." in message
    assert f"/cases/{case}/room" not in page, "there is nothing to look at"
    for way in (f"/detect?case={case}", f"/classify?case={case}", f"/cases/{case}/add"):
        assert f'href="{way}"' in page


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"pseudonym": ""}, "Enter a pseudonym."),
        ({"pseudonym": " \u200b "}, "Enter a pseudonym."),
        ({"pseudonym": "x1" * 21}, "at most 40 characters"),
        ({"pseudonym": "Mrs Miller", "checked": "y"}, pseudonyms.ADDRESSED),
        ({"pseudonym": "AM 12.3.1985", "checked": "y"}, pseudonyms.DATE),
        ({"specimen": "hair"}, "Not a valid choice"),
        ({"collected_on": "yesterday"}, "Enter a date"),
        ({"magnification": "m" * 17}, "at most 16 characters"),
        ({"notes": "n" * 4001}, "at most 4000 characters"),
    ],
)
def test_what_cannot_be_is_said_beside_its_field(signed_in: FlaskClient, changes, sentence: str):
    answer = open_by_form(signed_in, **changes)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert "No cases yet" in signed_in.get("/cases").text


@pytest.mark.parametrize(
    ("pseudonym", "doubt"),
    [
        ("Anna Miller", pseudonyms.TWO_NAMES),
        ("Miller", pseudonyms.ONE_NAME),
        ("4711002", pseudonyms.LONG_NUMBER),
    ],
)
def test_what_looks_like_a_name_or_number_must_be_confirmed(signed_in, pseudonym: str, doubt: str):
    answer = open_by_form(signed_in, pseudonym=pseudonym)
    assert answer.status_code == 422
    assert LOOK_AGAIN in answer.text
    assert doubt in answer.text
    assert 'name="checked"' in answer.text

    assert open_by_form(signed_in, pseudonym=pseudonym, checked="y").status_code == 303
    assert shown(signed_in) == [pseudonym]
    path = signed_in.get("/cases").text.split('worklist-open" href="')[1].split('"')[0]
    answer = post(signed_in, f"{path}/edit", **{**DETAILS, "pseudonym": pseudonym})
    assert answer.status_code == 303, "what was confirmed is not asked again"


def test_a_harmless_pseudonym_is_not_asked_about(signed_in: FlaskClient):
    assert 'name="checked"' not in signed_in.get("/cases/new").text


def test_a_case_is_edited(signed_in: FlaskClient, case: str):
    page = signed_in.get(f"/cases/{case}/edit").text
    assert 'value="Alder-7"' in page
    assert "dry tap</textarea>" in page

    changed = {**DETAILS, "pseudonym": " Birch  8", "collected_on": "", "notes": "two\r\n lines"}
    assert post(signed_in, f"/cases/{case}/edit", **changed).status_code == 303
    page = signed_in.get(f"/cases/{case}").text
    assert "Case Birch 8" in page
    assert "two\nlines" in page
    assert (
        post(signed_in, f"/cases/{case}/edit", **{**DETAILS, "stain": "s" * 41}).status_code == 422
    )


@pytest.fixture
def three(app: Flask, context) -> None:
    """Three cases of ada's team: open, in review and signed."""
    ada = account_named("ada").id
    open_case(ada, "B-1", specimen="marrow")
    reviewed = open_case(ada, "a-2", notes="Wright, 50% blasts?")
    review.record(reviewed, ada, [entry(f"{put_field(reviewed).id}.0", "blast")])
    put_cell(reviewed)
    sign(open_case(ada, "C-3").id)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("?order=pseudonym", ["a-2", "B-1", "C-3"]),
        ("?order=oldest", ["B-1", "a-2", "C-3"]),
        ("?order=newest", ["C-3", "a-2", "B-1"]),
        ("?text=c-", ["C-3"]),
        ("?text=50%25", ["a-2"]),
        ("?text=_", []),
        ("?state=open", ["B-1"]),
        ("?state=in+review", ["a-2"]),
        ("?state=signed", ["C-3"]),
        ("?specimen=marrow", ["B-1"]),
        ("?until=2026-01-01", []),
        ("?page=99&order=oldest", ["B-1", "a-2", "C-3"]),
    ],
)
def test_cases_are_searched_filtered_and_sorted(signed_in, three, query: str, names: list[str]):
    assert shown(signed_in, query) == names


def test_a_row_tells_state_and_contents(signed_in: FlaskClient, three):
    message = texts(signed_in.get("/cases?text=a-2").text)
    told = "a-2 Routine Peripheral blood 1 field, 1 cell image 1 of 5 50% 2 of 4 – In review Nobody"
    assert f"{told} 0 min" in message
    nothing = signed_in.get("/cases?text=zzz").text
    assert "No case matches “zzz”." in texts(nothing)
    assert 'href="/cases">Show all cases</a>' in nothing
    assert "No case matches these filters." in signed_in.get("/cases?until=2026-01-01").text
    for wrong in ("state=lost", "view=lost", "order=lost"):
        assert signed_in.get(f"/cases?{wrong}").status_code == 422


@pytest.mark.parametrize(
    ("view", "names"),
    [
        ("all", ["C-3", "a-2", "B-1"]),
        ("mine", ["a-2"]),
        ("to-review", ["B-1", "a-2"]),
        ("to-co-sign", []),
        ("amended", []),
        ("archived", []),
    ],
)
def test_views_have_their_cases_and_their_number(signed_in, three, view: str, names: list[str]):
    ada = account_named("ada").id
    for case in db.session.scalars(db.select(Case).where(Case.pseudonym != "B-1")):
        case.assignee_id = ada
    db.session.commit()
    page = signed_in.get(f"/cases?view={view}").text
    assert NAME.findall(page) == names
    assert re.search(rf'aria-current="page">[^<]* <span class="view-size">{len(names)}<', page)
    assert ("No cases here." in page) == (not names)


def test_the_most_urgent_of_the_work_comes_first(signed_in, context):
    ada = account_named("ada").id
    for priority in ("routine", "stat", "urgent"):
        open_case(ada, f"P-{priority}", priority=priority)
    assert shown(signed_in, "?view=to-review") == ["P-stat", "P-urgent", "P-routine"]
    assert shown(signed_in) == ["P-urgent", "P-stat", "P-routine"]


@pytest.mark.parametrize("typed", ["ärztin", "H-26/17", "SMEAR", "ELÄSTISCH", "ель"])
def test_search_finds_texts_and_file_names_whatever_their_case(signed_in, context, typed: str):
    ada = account_named("ada").id
    case = open_case(ada, "Ärztin-7", accession="h-26/17", notes="elästisch, ЕЛЬ")
    open_case(ada, "B-1")
    put_field(case, name="Smear 1.png")
    assert shown(signed_in, f"?text={quote(typed)}") == ["Ärztin-7"]


def test_the_same_form_sent_twice_makes_one_case(signed_in: FlaskClient):
    key = re.search(r'name="form_key"[^>]*value="([0-9a-f]{32})"', signed_in.get("/cases/new").text)
    sent = [open_by_form(signed_in, form_key=key[1]).headers["Location"] for _ in range(2)]
    assert sent[0] == sent[1]
    other = open_by_form(signed_in, form_key=key[1], notes="written after going back")
    assert other.headers["Location"] != sent[0]
    assert shown(signed_in) == ["Alder-7", "Alder-7"]


def test_accession_and_priority_are_kept_and_shown(signed_in: FlaskClient):
    opened = open_by_form(signed_in, accession=" H-26/17 ", priority="stat")
    message = texts(signed_in.get(opened.headers["Location"]).text)
    assert "Accession number H-26/17 Priority Stat" in message
    assert "Alder-7 H-26/17 Stat Bone marrow" in texts(signed_in.get("/cases").text)
    assert open_by_form(signed_in, priority="soon").status_code == 422


def test_the_overview_counts_by_field_and_in_all(app: Flask, signed_in, context):
    case = open_case(account_named("ada").id)
    field = put_field(case)
    put_field(case, read_field(detections=(), candidates=()), "empty.png")
    put_cell(case)
    review.record(case, case.owner_id, [entry(f"{field.id}.0", "monocyte")])
    page = signed_in.get(f"/cases/{case.id}").text
    for way in ("room", "sign-off"):
        assert f'href="/cases/{case.id}/{way}"' in page
    message = texts(page)

    assert "1 of 5 cells reviewed" in message
    assert re.search(r"Blasts \(models\) 50% \([^)]*\) , 2 of 4", message)
    assert "Blasts (reviewers) Reviewed so far: 0 blasts of 1 white cell" in message
    assert "Not counted: 1 single cell image." in message
    assert "Blasts suspected Blasts: 2 of 4 white cells 1 of 4 cells reviewed" in message
    assert "No white cells" in message
    assert "duplicates another image of this case" in message
    assert "In review" in message


def test_fields_still_being_read_are_told(app: Flask, signed_in, context):
    case = open_case(account_named("ada").id)
    task = FieldTask(owner_id=case.owner_id, batch_id="b" * 32, file_name="f", case_id=case.id)
    db.session.add(task)
    db.session.commit()
    page = signed_in.get(f"/cases/{case.id}").text

    assert "1 field is still being analysed" in texts(page)
    assert f'href="/batches/{"b" * 32}"' in page
    task.state, task.error = tasks.TaskState.FAILED, "No image in it."
    db.session.commit()
    page = signed_in.get(f"/cases/{case.id}").text
    assert "still being analysed" not in page
    assert "“f” could not be analysed and is not in the case. No image in it." in texts(page)
    assert f'href="/batches/{"b" * 32}"' in page
    assert tasks.drop(FieldTask, task.id)
    assert "could not be analysed" not in signed_in.get(f"/cases/{case.id}").text


def test_what_is_uploaded_belongs_to_the_chosen_case(app: Flask, signed_in, case: str):
    for path in ("/classify", "/detect"):
        page = signed_in.get(f"{path}?case={case}").text
        assert f'<option value="{case}" selected>Alder-7' in page
        assert f'<a href="/cases/{case}">Back to the case</a>' in page
        assert " selected>" not in signed_in.get(path).text.split('id="case"')[1].split("</sel")[0]
    cell = send(signed_in, "/classify", ("cell.png", png()), as_json=True, case=case).json["id"]
    field = upload_field(signed_in, case=case)["id"]
    free = upload_cell(signed_in)

    assert [case_of(app, each) for each in (cell, field, free)] == [case, case, None]
    for page in (f"/classify/{cell}", f"/detect/{field}"):
        assert f'<a href="/cases/{case}">Alder-7</a>' in signed_in.get(page).text
    assert "case Alder-7" in signed_in.get("/history").text
    assert len(NAME.findall(signed_in.get(f"/cases/{case}").text)) == 2
    with app.app_context():
        batch = analyses.get(field).batch_id
    assert f'href="/cases/{case}">Open case Alder-7</a>' in signed_in.get(f"/batches/{batch}").text


def test_the_plain_form_takes_the_case_for_every_file(app: Flask, signed_in, case: str):
    files = [(f"{number}.png", png()) for number in range(2)]
    assert send(signed_in, "/classify", *files, case=case).status_code == 200
    assert len(NAME.findall(signed_in.get(f"/cases/{case}").text)) == 2


@pytest.mark.parametrize("as_json", [True, False])
def test_a_case_that_takes_nothing_keeps_nothing(app, signed_in, other_client, case, as_json):
    answer = send(other_client, "/classify", ("a.png", png()), as_json=as_json, case=case)
    assert answer.status_code == 422
    assert "does not belong to your team" in answer.text
    signed(app, case)
    answer = send(signed_in, "/detect", ("a.png", png()), as_json=as_json, case=case)
    assert answer.status_code == 422
    assert "This case is signed" in answer.text
    for client in (signed_in, other_client):
        assert "No analyses yet" in client.get("/history").text
    assert f'value="{case}"' not in signed_in.get("/detect").text


def test_free_analyses_are_added_and_taken_out(app: Flask, signed_in, case: str):
    cell, other = upload_cell(signed_in, "one.png"), upload_cell(signed_in, "two.png")
    assert NAME.findall(signed_in.get(f"/cases/{case}/add").text) == ["two.png", "one.png"]
    answer = post(signed_in, f"/cases/{case}/add", analysis=[cell])
    assert answer.headers["Location"] == f"/cases/{case}"
    assert "1 analysis added." in signed_in.get(f"/cases/{case}").text
    assert NAME.findall(signed_in.get(f"/cases/{case}/add").text) == ["two.png"]

    for chosen, sentence in (([], "Select at least one"), ([cell], "already in a case")):
        answer = post(signed_in, f"/cases/{case}/add", analysis=chosen)
        assert answer.headers["Location"] == f"/cases/{case}/add"
        assert sentence in signed_in.get(f"/cases/{case}/add").text

    path = f"/cases/{case}/analyses/{{}}/take-out"
    assert path.format(cell) in signed_in.get(f"/cases/{case}").text
    assert post(signed_in, path.format(other)).status_code == 404
    assert post(signed_in, path.format(cell)).status_code == 303
    assert case_of(app, cell) is None


def test_what_was_reviewed_or_signed_stays(app: Flask, signed_in, case: str):
    reviewed, seen = (upload_field(signed_in, case=case)["id"] for _ in range(2))
    with app.app_context():
        ada = account_named("ada")
        found = cases.find_in_team(ada.team_id, case)
        review.record(found, ada.id, [entry(f"{reviewed}.0", "blast")])
    paths = (f"/cases/{case}/analyses/{{}}/take-out", "/history/{}/delete")
    for path in paths:
        answer = post(signed_in, path.format(reviewed))
        assert answer.status_code == 409
        assert "Cells of this analysis were reviewed in the case “Alder-7”" in answer.text
    assert signed_in.get(f"/history/{reviewed}/delete").status_code == 409

    signed(app, case)
    for path in paths:
        assert post(signed_in, path.format(seen)).status_code == 409
    assert case_of(app, seen) == case
    page = signed_in.get(f"/cases/{case}").text
    assert "Signed" in page
    assert f'href="/cases/{case}/report.pdf"' in page
    for way in ("/take-out", "/edit", "?case=", f"/cases/{case}/add"):
        assert way not in page


def test_a_signed_case_is_not_changed(app: Flask, signed_in: FlaskClient, case: str):
    cell = upload_cell(signed_in)
    signed(app, case)
    for answer in (
        signed_in.get(f"/cases/{case}/edit"),
        post(signed_in, f"/cases/{case}/edit", **DETAILS),
        signed_in.get(f"/cases/{case}/add"),
        post(signed_in, f"/cases/{case}/add", analysis=[cell]),
    ):
        assert answer.status_code == 409
        assert "This case is signed" in answer.text
    assert case_of(app, cell) is None


def test_another_teams_case_is_not_found(app: Flask, signed_in, other_client, case: str):
    cell = upload_cell(other_client)
    for path in ("", "/edit", "/add"):
        assert other_client.get(f"/cases/{case}{path}").status_code == 404
    for path in ("/edit", "/add", f"/analyses/{cell}/take-out"):
        assert post(other_client, f"/cases/{case}{path}", analysis=cell).status_code == 404
    assert "No cases yet" in other_client.get("/cases").text
    assert case not in other_client.get("/detect").text


def test_another_teams_analysis_is_not_added(app: Flask, signed_in, other_client, case: str):
    cell = upload_cell(other_client)
    assert NAME.findall(signed_in.get(f"/cases/{case}/add").text) == []
    post(signed_in, f"/cases/{case}/add", analysis=cell)
    assert case_of(app, cell) is None


def test_colleagues_share_cases_and_viewers_change_none(app, signed_in, colleague, case: str):
    assert shown(colleague) == ["Alder-7"]
    assert post(colleague, f"/cases/{case}/edit", **DETAILS).status_code == 303
    become(app, "viewer")
    page = signed_in.get(f"/cases/{case}")
    assert page.status_code == 200
    for way in ("/edit", "/add", "?case="):
        assert f"{way}" not in page.text
    assert signed_in.get("/cases/new").status_code == 403
    assert "/cases/new" not in signed_in.get("/cases").text
    become(app, Role.REVIEWER)
    assert signed_in.get("/cases/new").status_code == 200


def test_the_list_is_paged_with_its_filters(app: Flask, signed_in, context):
    app.config["LEUKOSCOPE"] = app.config["LEUKOSCOPE"].model_copy(update={"page_size": 2})
    ada = account_named("ada").id
    for number in range(3):
        open_case(ada, f"P-{number}")
    page = signed_in.get("/cases?order=oldest&text=P-").text
    assert "3 cases, page 1 of 2" in texts(page)
    onward = re.search(r'rel="next" href="/cases(\?[^"]*)"', page)[1].replace("&amp;", "&")
    assert shown(signed_in, onward) == ["P-2"]


def test_a_specimen_for_which_no_model_is_validated_is_marked_wherever_it_stands(
    signed_in: FlaskClient, case: str
):
    warning = "Bone marrow: neither model is validated for it."
    form = signed_in.get("/cases/new").text

    assert 'data-specimen="marrow">' in form
    assert 'data-specimen="blood"' not in form
    for page in (f"/cases/{case}", f"/cases/{case}/edit", f"/cases/{case}/room"):
        assert warning in texts(signed_in.get(page).text), page
    post(signed_in, f"/cases/{case}/edit", **{**DETAILS, "specimen": "blood"})
    for page in (f"/cases/{case}", f"/cases/{case}/room"):
        assert warning not in texts(signed_in.get(page).text)


def test_a_case_and_its_field_say_why_they_count_white_cells_differently(
    signed_in: FlaskClient, case: str, context
):
    cells = [replace(NAMED_CELLS[3], kind=kind, kind_probability=0.9) for kind in KINDS]
    found = named_field(detections=(*NAMED_CELLS[:2], *cells), candidates=())
    field = put_field(db.session.get_one(Case, case), found).id
    shown = texts(signed_in.get(f"/detect/{field}").text)
    assert "2 of 5" in shown
    assert "count as white cells here, but not in the case" in shown
    page = texts(signed_in.get(f"/cases/{case}").text)
    assert "2 of 3" in page
    assert "2 cells proposed as erythroblasts or artefacts are not among the white cells." in page


def test_a_case_in_review_does_not_contradict_its_progress(
    signed_in: FlaskClient, case: str, context
):
    kept = db.session.get_one(Case, case)
    field, ada = put_field(kept, named_field(candidates=())), kept.owner_id
    cells = [cell.id for cell in review.cells_of(kept)]
    assert {cell.partition(".")[0] for cell in cells} == {field.id}
    for begun in (cells[:1], cells[1:]):
        review.record(kept, ada, [entry(cell, "blast") for cell in begun])
        page = texts(signed_in.get(f"/cases/{case}").text)
        assert "The review has begun. Nothing is signed." in page
        assert "Some cells" not in page
    assert "4 of 4 cells reviewed" in page
