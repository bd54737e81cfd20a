"""The reading room's addresses: cells, corrections, undo, histories, pictures; who may do what."""

from __future__ import annotations

import io
import json
import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from core.taxonomy import BUILT_IN, CLASS_CODES, CLASS_NAMES
from pages.cases.reading_room import groups_for
from pages.cases.reading_room_messages import MOST_AT_ONCE
from records import db, utc_now
from records.accounts.accounts import Role, new_id
from records.analyses.analyses import Analysis
from records.audit.audit import Event
from records.cases import reviews, signatures
from records.cases.cases import Case
from records.cases.signatures import Signature
from records.storage.image_store import DiskStore
from services.accounts.room_keys import USUAL
from services.laboratory import classes as own_classes
from tests.cases import sign_case
from tests.people import account_named, csrf_token, post
from tests.stand_ins import drawn_field
from tests.trail import noted
from tests.uploads import png, texts, upload_cell, upload_field

JSON = {"Accept": "application/json"}


class Room:
    """A case of ada's with one field and one cell image, and its reading room."""

    def __init__(self, app: Flask, client: FlaskClient, content: bytes | None = None) -> None:
        self.app, self.client = app, client
        self.field = upload_field(client, content=content)["id"]
        self.image = upload_cell(client)
        self.case = case_of(app, self.field, self.image)
        self.path = f"/cases/{self.case}/room"

    def cells(self, client: FlaskClient | None = None) -> dict[str, Any]:
        answer = (client or self.client).get(f"{self.path}/cells.json", headers=JSON)
        assert answer.status_code == 200, answer.text
        return answer.json

    def cell(self, number: int = 0) -> dict[str, Any]:
        wanted = f"{self.field}.{number}"
        return next(cell for cell in self.cells()["cells"] if cell["id"] == wanted)

    def send(self, act: str, body: object, client: FlaskClient | None = None) -> TestResponse:
        client = client or self.client
        headers = {**JSON, "X-CSRFToken": csrf_token(client)}
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        path = f"{self.path}/{act}"
        return client.post(path, data=content, content_type="application/json", headers=headers)

    def correct(self, *entries: dict[str, Any], name: str = "ada", **options: Any) -> TestResponse:
        return self.send("reviews", {"reader": self.id_of(name), "entries": entries}, **options)

    def undo(self, *keys: str, name: str = "ada", **options: Any) -> TestResponse:
        entries = [{"key": new_id(), "undoes": key} for key in keys]
        return self.send("undo", {"reader": self.id_of(name), "entries": entries}, **options)

    def id_of(self, name: str) -> str:
        with self.app.app_context():
            return account_named(name).id

    def entry(self, number: int = 0, label: str = "monocyte", **values: Any) -> dict[str, Any]:
        return {"key": new_id(), "cell": f"{self.field}.{number}", "label": label, **values}

    def sign(self) -> None:
        with self.app.app_context():
            signatures.add_signature(
                Signature(
                    case_id=self.case,
                    version=1,
                    reader_id=account_named("ada").id,
                    conclusion="no blasts",
                    contents={},
                    sha256="0" * 64,
                ),
                [],
            )
            db.session.commit()


def case_of(app: Flask, *analysis_ids: str) -> str:
    """Open a case of ada's with these analyses; its id."""
    with app.app_context():
        case = Case(owner_id=account_named("ada").id, pseudonym="Alder-7", specimen="blood")
        db.session.add(case)
        db.session.flush()
        for analysis_id in analysis_ids:
            db.session.get_one(Analysis, analysis_id).case_id = case.id
        db.session.commit()
        return case.id


def opened(answer: TestResponse) -> Image.Image:
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "image/jpeg"
    return Image.open(io.BytesIO(answer.data))


@pytest.fixture
def room(app: Flask, signed_in: FlaskClient) -> Room:
    return Room(app, signed_in)


def test_every_label_is_shown_and_the_doubtful_ones_last():
    groups = groups_for(USUAL, BUILT_IN)
    assert {group.label for group in groups} == {*CLASS_CODES, "candidate"}
    assert [group.label for group in groups][-1] == "candidate"


def test_the_page_names_the_case_and_what_it_is_not(room: Room):
    page = room.client.get(room.path).text
    assert "Reading room: Alder-7" in texts(page)
    assert "does not diagnose" in page
    assert 'data-editable="yes"' in page
    for name in CLASS_NAMES.values():
        assert name in page


def test_all_white_cells_come_with_what_the_readers_say(room: Room):
    shown = room.cells()
    blast, *others = shown["cells"]
    assert (shown["count"], shown["locked"]) == (0, False)
    assert {field["kind"] for field in shown["fields"]} == {"detection", "classification"}
    assert len(others) == 3
    found = room.cell(0)
    assert (found["proposed"], found["label"], found["seen"]) == ("blast", "blast", False)
    assert (found["detector"], found["box"]) == (0.9, [0.0, 0.0, 240.0, 180.0])
    assert found["probability"] == found["classifier"] == 0.98
    assert found["classifier_label"] == "all_blast"
    assert [cell["candidate"] for cell in shown["cells"]].count(True) == 1
    assert blast["proposed"] == "blast"


def test_a_correction_is_kept_once_with_who_and_from_what_to_what(room: Room):
    entry = room.entry()
    first, again = room.correct(entry), room.correct(entry)

    assert first.status_code == again.status_code == 200
    # Whoever sends again is told that the state before is no longer the one it knew.
    assert {**first.json, "was": again.json["was"]} == again.json
    (sentence,) = first.json["reviews"]
    assert (sentence["by"], sentence["from"], sentence["to"]) == ("ada", "blast", "monocyte")
    cell = room.cell()
    assert (cell["label"], cell["proposed"], cell["seen"]) == ("monocyte", "blast", True)
    assert (cell["by"], cell["mine"], cell["key"]) == ("ada", True, entry["key"])
    assert room.cells()["count"] == 1


def test_a_colleagues_word_is_not_mine(room: Room, colleague: FlaskClient):
    room.correct(room.entry(), client=colleague, name="cleo")
    cell = room.cell()
    assert (cell["by"], cell["mine"]) == ("cleo", False)
    assert room.undo(cell["key"]).status_code == 422


def test_undo_gives_back_what_was_there_before_and_stays_in_the_history(room: Room):
    one, two = room.entry(), room.entry(label="smudge")
    room.correct(one, two)
    assert room.undo(two["key"]).status_code == 200
    assert room.cell()["label"] == "monocyte"
    room.undo(one["key"])
    assert (room.cell()["label"], room.cell()["seen"]) == ("blast", False)

    shown = room.client.get(f"{room.path}/cells/{room.field}.0/history", headers=JSON).json
    steps = [(one["from"], one["to"], one["undone"]) for one in shown["reviews"]]
    assert steps == [
        ("blast", "monocyte", True),
        ("monocyte", "smudge", True),
        ("smudge", "monocyte", False),
        ("monocyte", "blast", False),
    ]


def test_an_undo_that_is_sent_twice_does_nothing_twice(room: Room):
    entry = room.entry()
    room.correct(entry)
    body = {"reader": room.id_of("ada"), "entries": [{"key": new_id(), "undoes": entry["key"]}]}
    first, again = room.send("undo", body), room.send("undo", body)

    assert (first.status_code, first.json["reviews"]) == (200, again.json["reviews"])
    assert first.json["count"] == again.json["count"] == room.cells()["count"] == 2


def test_a_missed_cell_is_drawn_shown_and_taken_back(room: Room):
    entry = room.entry(label="unclassified", box=[10.5, 20, 60, 70])
    entry["cell"] = f"{room.field}.d0a1b2c3d"
    assert room.correct(entry).status_code == 200
    drawn = next(cell for cell in room.cells()["cells"] if cell["number"] is None)
    assert (drawn["id"], drawn["box"], drawn["proposed"]) == (
        entry["cell"],
        [10.5, 20, 60, 70],
        None,
    )
    address = f"{room.path}/cells/{entry['cell']}/thumbnail"
    assert opened(room.client.get(address)).size == (128, 128)

    room.undo(entry["key"])
    assert all(cell["number"] is not None for cell in room.cells()["cells"])


@pytest.mark.parametrize(
    "box",
    [
        [-1, 0, 50, 50],
        [0, 0, 481, 50],
        [0, 0, 50, 361],
        [50, 50, 10, 10],
        [5, 5, 6, 50],
        [0, 0, 50],
        "0123",
        [0, 0, float("nan"), 50],
        [0, 0, 10**400, 50],
        {"x": 1},
        ["a", 0, 1, 1],
    ],
)
def test_a_box_outside_the_field_or_no_box_is_refused(room: Room, box: object):
    entry = {**room.entry(box=box), "cell": f"{room.field}.d0a1b2c3d"}
    answer = room.correct(entry)
    assert answer.status_code == 422
    assert answer.json["error"].endswith(".")
    assert room.cells()["count"] == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"cell": "{field}.99"},
        {"cell": "0" * 32 + ".0"},
        {"cell": "nonsense"},
        {"cell": 7},
        {"cell": "\ud800"},
        {"label": "red cell"},
        {"label": None},
        {"key": "short"},
        {"key": "\udcff" * 32},
        {"key": {"$ne": 1}},
        {"box": [0, 0, 50, 50]},
    ],
)
def test_nothing_is_kept_where_one_entry_is_wrong(room: Room, wrong: dict[str, Any]):
    if isinstance(wrong.get("cell"), str):
        wrong = {"cell": wrong["cell"].replace("{field}", room.field)}
    answer = room.correct(room.entry(1), {**room.entry(), **wrong})
    assert answer.status_code == 422, answer.text
    assert list(answer.json) == ["error"]
    assert room.cells()["count"] == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'"text"',
        {},
        {"reader": "READER"},
        {"reader": "READER", "entries": []},
        {"reader": "READER", "entries": "text"},
        {"reader": "READER", "entries": [1]},
        {"reader": "READER", "entries": [[]]},
        {"reader": "READER", "entries": [None] * (MOST_AT_ONCE + 1)},
        {"reader": "READER", "entries": {"0": 1}},
        b"[" * 100_000,
    ],
)
@pytest.mark.parametrize("act", ["reviews", "undo"])
def test_hostile_json_is_refused_in_a_sentence(room: Room, act: str, body: object):
    if isinstance(body, dict) and body:
        body = {**body, "reader": room.id_of("ada")}
    answer = room.send(act, body)
    assert answer.status_code == 422, answer.text
    assert answer.json["error"].endswith(".")


def test_an_undo_of_nothing_or_of_another_case_is_refused(room: Room):
    entry = room.entry()
    room.correct(entry)
    assert room.undo(new_id()).status_code == 422
    other = Room(room.app, room.client)
    assert other.undo(entry["key"]).status_code == 422
    assert room.cell()["label"] == "monocyte"


def test_corrections_of_somebody_else_are_not_kept_under_ones_name(room: Room, colleague):
    answer = room.correct(room.entry(), client=colleague, name="ada")
    assert answer.status_code == 403
    assert "Another person is signed in" in answer.json["error"]
    assert room.cells()["count"] == 0


def test_a_signed_case_is_read_only_and_says_so(room: Room):
    entry = room.entry()
    room.correct(entry)
    room.sign()
    page = room.client.get(room.path).text

    assert 'data-editable="no"' in page
    assert '<p class="notice notice-warning" data-locked>' in page
    assert room.cells()["locked"]
    for answer in (room.correct(room.entry(1)), room.undo(entry["key"])):
        assert answer.status_code == 409
        assert "signed" in answer.json["error"]
    assert room.correct(entry).status_code == 200, "what was kept before is reported"
    assert room.cells()["count"] == 1


def test_a_closed_case_is_read_only_and_says_so(room: Room):
    before = room.cells()
    case = room.path.removesuffix("/room")
    assert post(room.client, f"{case}/close", reason="clotted").status_code == 303
    page = room.client.get(room.path).text
    assert 'data-editable="no"' in page
    assert '<p class="notice notice-warning" data-closed>Closed without a signature.' in page
    assert (before["closed"], room.cells()["closed"]) == (False, True)


def test_a_viewer_looks_and_changes_nothing(app: Flask, room: Room, colleague: FlaskClient):
    with app.app_context():
        account_named("cleo").role = Role.VIEWER
        db.session.commit()
    page = colleague.get(room.path).text
    assert 'data-editable="no"' in page
    assert "Readers and reviewers can change classes" in page
    assert room.cells(colleague)["cells"]
    assert room.correct(room.entry(), client=colleague, name="cleo").status_code == 403
    assert room.undo(new_id(), client=colleague, name="cleo").status_code == 403


def addresses(room: Room) -> list[tuple[str, str]]:
    """Every method and address of the room."""
    gets = (
        *("", "/cells.json", "/changes.json", f"/sheets/{room.field}/0"),
        "/references/blast",
        *(f"/cells/{room.field}.0/{one}" for one in ("history", "thumbnail")),
    )
    notes = (f"cells/{room.field}.0/{one}" for one in ("comments", "attributes"))
    return [
        *(("GET", room.path + path) for path in gets),
        *(("POST", f"{room.path}/{act}") for act in ("reviews", "undo", *notes)),
    ]


def test_another_teams_room_is_not_found(app: Flask, room: Room, other_client: FlaskClient):
    assert len(addresses(room)) == sum(
        rule.endpoint.startswith("reading.") for rule in app.url_map.iter_rules()
    )
    form = {"csrf_token": csrf_token(other_client)}
    for method, path in addresses(room):
        assert other_client.open(path, method=method, data=form).status_code == 404, path
    assert room.correct(room.entry(), client=other_client, name="ben").status_code == 404


def test_an_ended_session_is_told_to_the_script_and_loses_nothing_kept(app: Flask, room: Room):
    room.correct(room.entry())
    app.extensions["leukoscope_accounts"].clock = lambda: utc_now() + timedelta(minutes=31)
    for method, path in addresses(room):
        headers = {**JSON, "X-CSRFToken": csrf_token(room.client)}
        assert room.client.open(path, method=method, headers=headers).status_code == 401, path
    with app.app_context():
        assert reviews.count_of(room.case) == 1


def test_pictures_are_of_the_case_only(room: Room):
    assert opened(room.client.get(f"{room.path}/sheets/{room.field}/0")).size == (768, 512)
    elsewhere = upload_field(room.client)["id"]
    for path in (
        f"/sheets/{room.field}/1",
        f"/sheets/{room.image}/0",
        f"/sheets/{elsewhere}/0",
        "/sheets/nothing/0",
        f"/cells/{room.field}.0/thumbnail",
        f"/cells/{room.field}.d00000000/thumbnail",
        f"/cells/{elsewhere}.d00000000/thumbnail",
        "/cells/nothing/thumbnail",
    ):
        assert room.client.get(room.path + path).status_code == 404, path
    nothing = room.client.get(f"{room.path}/cells/nothing/history").json
    assert nothing["reviews"] == nothing["comments"] == nothing["corrections"] == []


def signed_elsewhere(room: Room) -> Room:
    """Another case of the team, signed, in which a monocyte was drawn."""
    other = Room(room.app, room.client, png(drawn_field(500)))
    drawn = {**other.entry(box=[100, 100, 150, 150]), "cell": f"{other.field}.d0a1b2c3d"}
    rest = [cell["id"] for cell in other.cells()["cells"] if not cell["candidate"]]
    named = ({"key": new_id(), "cell": cell, "label": "lymphocyte"} for cell in rest)
    assert other.correct(drawn, *named).status_code == 200
    with room.app.app_context():
        case = db.session.get_one(Case, other.case)
        sign_case(room.app.extensions["leukoscope_sign_off"], case, account_named("ada"))
    return other


def test_cells_that_the_team_signed_are_sent_without_whose_they_are(app: Flask, room: Room):
    other = signed_elsewhere(room)
    address = f"{room.path}/references/monocyte"
    sent = room.client.get(address)
    assert opened(sent).size == (128, 128)
    assert set(sent.headers["Cache-Control"].split(", ")) == {"private", "no-cache"}
    again = room.client.get(address, headers={"If-None-Match": sent.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    # The case that is open shows nothing of itself.
    assert other.client.get(f"{other.path}/references/monocyte").status_code == 204


def test_a_class_without_signed_cells_sends_nothing(room: Room):
    signed_elsewhere(room)
    nothing = room.client.get(f"{room.path}/references/basophil")
    assert (nothing.status_code, nothing.data) == (204, b"")
    for label in ("candidate", "nothing"):
        assert room.client.get(f"{room.path}/references/{label}").status_code == 404


def test_cells_of_a_lost_image_are_left_out(app: Flask, room: Room):
    other = signed_elsewhere(room)
    with app.app_context():
        name = db.session.get_one(Analysis, other.field).image_name
    DiskStore(app.config["LEUKOSCOPE"].images_dir).delete(name)
    assert room.client.get(f"{room.path}/references/monocyte").status_code == 204


def test_reference_cells_are_a_look_at_the_cases_they_are_of(
    app: Flask, room: Room, colleague: FlaskClient
):
    other = signed_elsewhere(room)
    for _ in range(2):
        assert colleague.get(f"{room.path}/references/monocyte").status_code == 200
    with app.app_context():
        looked = [one.object_id for one in noted(Event.VIEW) if one.account_name == "cleo"]
    assert sorted(looked) == sorted([room.case, other.case])


def test_looking_and_correcting_is_noted_with_the_case(app: Flask, room: Room):
    room.client.get(room.path)
    room.cells()
    room.client.get(f"{room.path}/sheets/{room.field}/0")
    room.correct(room.entry())
    with app.app_context():
        of_case = [one for one in noted(Event.VIEW) if one.object_kind == "case"]
        (looked,) = of_case
        assert (looked.object_id, looked.known["page"]) == (room.case, "reading.show")
        (corrected,) = noted(Event.CORRECTION)
        assert corrected.object_id == room.case


def test_cells_alone_are_a_look_too(app: Flask, room: Room):
    room.cells()
    with app.app_context():
        assert [one.object_id for one in noted(Event.VIEW)] == [room.case]


def test_the_thumbnails_of_a_deleted_field_go_with_it(app: Flask, room: Room):
    folder = app.config["LEUKOSCOPE"].thumbnails_dir / room.field
    room.client.get(f"{room.path}/sheets/{room.field}/0")
    assert any(folder.iterdir())
    with app.app_context():
        db.session.get_one(Analysis, room.field).case_id = None
        db.session.commit()
    assert post(room.client, f"/history/{room.field}/delete").status_code == 303
    assert not folder.exists()


def note(room: Room, act: str, **values: Any) -> TestResponse:
    entry = {"key": new_id(), **values}
    body = {"reader": room.id_of("ada"), "entries": [entry]}
    return room.send(f"cells/{room.field}.0/{act}", body)


def test_a_comment_is_kept_and_shown_with_the_cell(room: Room, colleague: FlaskClient):
    answer = note(room, "comments", text="<script>Auer rod?</script>")
    assert answer.status_code == 200
    history = colleague.get(f"{room.path}/cells/{room.field}.0/history", headers=JSON).json
    (comment,) = history["comments"]
    assert (comment["by"], comment["text"]) == ("ada", "<script>Auer rod?</script>")
    assert (room.cell(0)["comments"], room.cell(1)["comments"]) == (1, 0)


@pytest.mark.parametrize("text", ["", "x" * 501, "x" * 5000, None, 7, "a\0b", "a\x85b", "\ud800"])
def test_a_comment_that_cannot_be_is_refused(room: Room, text: object):
    answer = note(room, "comments", text=text)
    assert answer.status_code == 422
    assert answer.json["error"].endswith(".")
    assert room.cell()["comments"] == 0


def test_an_attribute_is_corrected_and_the_finding_stays(room: Room):
    answer = note(room, "attributes", attribute="cell_size", value="big")
    assert answer.status_code == 200
    size, *others = answer.json["form"]
    assert (size["words"], size["value"], size["by"]) == ("Large cell", "big", "ada")
    assert {one["value"] for one in others} == {None}
    (correction,) = answer.json["corrections"]
    assert (correction["heading"], correction["from"], correction["to"]) == (
        "Cell size",
        None,
        "large",
    )
    assert note(room, "attributes", attribute="cell_size", value="huge").status_code == 422


def test_a_signed_case_takes_no_note(room: Room):
    room.sign()
    assert note(room, "comments", text="late").status_code == 409
    assert note(room, "attributes", attribute="cell_size", value="big").status_code == 409


def test_blasts_are_not_confirmed_in_bulk(room: Room):
    answer = room.correct(room.entry(label="blast", bulk=True))
    assert answer.status_code == 422
    assert "one by one" in answer.json["error"]


def changes(room: Room, state: str, client: FlaskClient | None = None) -> TestResponse:
    headers = {**JSON, "If-None-Match": f'"{state}"'}
    return (client or room.client).get(f"{room.path}/changes.json", headers=headers)


def state_in(answer: TestResponse) -> str:
    return answer.headers["ETag"].strip('"')


def test_nothing_is_told_again_while_nothing_changes(room: Room, colleague: FlaskClient):
    first = room.client.get(f"{room.path}/cells.json", headers=JSON)
    same = changes(room, state_in(first))
    assert (same.status_code, same.data, state_in(same)) == (304, b"", state_in(first))

    mine = room.correct(room.entry()).json
    assert mine["was"] == state_in(first)
    assert changes(room, mine["state"]).status_code == 304, "the answer told what it changed"

    room.correct(room.entry(1), name="cleo", client=colleague)
    told = changes(room, mine["state"])
    assert told.status_code == 200
    assert [cell["by"] for cell in told.json["cells"] if cell["seen"]] == ["ada", "cleo"]


@pytest.mark.parametrize("what", ["comment", "signature", "image"])
def test_every_change_of_a_case_is_one_of_its_state(app: Flask, room: Room, what: str):
    before = state_in(room.client.get(f"{room.path}/cells.json", headers=JSON))
    if what == "comment":
        note = {"key": new_id(), "text": "Auer rod."}
        body = {"reader": room.id_of("ada"), "entries": [note]}
        assert room.send(f"cells/{room.field}.0/comments", body).status_code == 200
    elif what == "signature":
        room.sign()
    else:
        another = upload_field(room.client)["id"]
        with app.app_context():
            db.session.get_one(Analysis, another).case_id = room.case
            db.session.commit()
    assert changes(room, before).status_code == 200


def test_asking_for_changes_keeps_nobody_signed_in(app: Flask, room: Room, monkeypatch):
    accounts = app.extensions["leukoscope_accounts"]
    start = utc_now()
    monkeypatch.setattr(accounts, "clock", lambda: start + timedelta(minutes=20))
    assert changes(room, "").status_code == 200
    monkeypatch.setattr(accounts, "clock", lambda: start + timedelta(minutes=40))
    assert changes(room, "").status_code == 401


def test_a_class_that_a_colleague_gave_otherwise_is_asked_about(room: Room, colleague: FlaskClient):
    theirs = room.correct(room.entry(label="monocyte"), name="cleo", client=colleague).json
    mine, other = room.entry(label="lymphocyte"), room.entry(1)
    answer = room.correct(mine, other)
    assert answer.status_code == 409
    assert answer.json["error"] == "Somebody else has named this cell since you saw it."
    [clash] = answer.json["conflicts"]
    wanted = {"sent": mine["key"], "by": "cleo", "to": "monocyte", "cell": mine["cell"]}
    assert {name: clash[name] for name in wanted} == wanted
    assert room.cells()["count"] == 1, "nothing was kept"

    kept = room.correct({**mine, "based_on": theirs["reviews"][0]["id"]})
    assert kept.status_code == 200
    assert kept.json["reviews"][0]["from"] == "monocyte"


@pytest.fixture
def own(app: Flask, room: Room) -> str:
    """A class of the laboratory's own."""
    with app.app_context():
        ada = account_named("ada")
        return own_classes.add(ada, "Plasma <cell>", "plasma", "", white=False).code


def test_an_own_class_is_offered_behind_the_others_and_escaped(room: Room, own: str):
    page = room.client.get(room.path).text
    button = f'data-label="{own}" data-name="Plasma &lt;cell&gt;" data-key="" data-white="no"'
    assert button in page
    assert page.index(button) > page.index('data-label="not_a_cell"')
    assert f'data-count="reviewer-{own}"' in page
    assert "Plasma <cell>" not in page
    assert "data-retired" not in page
    assert room.correct(room.entry(label=own)).status_code == 200
    assert room.cell()["label"] == own


def test_a_retired_class_is_named_and_not_offered(app: Flask, room: Room, own: str):
    room.correct(room.entry(label=own))
    with app.app_context():
        own_classes.retire(account_named("ada"), own)
    page = room.client.get(room.path).text
    (button,) = re.findall(rf'<button[^>]*data-label="{own}"[^>]*>', page)
    assert "data-retired disabled hidden" in button
    assert re.search(rf'data-group="{own}" aria-label', page), "nothing can be dropped there"
    answer = room.correct(room.entry(1, label=own))
    assert answer.status_code == 422
    assert answer.json["error"] == "This cell class is retired. Choose another one."
    assert room.cell()["label"] == own


def test_other_pages_name_it(room: Room, own: str):
    room.correct(room.entry(label=own))
    for path in (f"/detect/{room.field}", f"/cases/{room.case}/sign-off"):
        assert "Plasma &lt;cell&gt;" in room.client.get(path).text
