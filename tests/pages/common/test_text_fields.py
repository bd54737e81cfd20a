"""Long text and control characters in every text field of every form and JSON body."""

import json
from collections.abc import Callable
from importlib import import_module
from itertools import product
from pathlib import Path
from pkgutil import walk_packages

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse
from wtforms import DateField, Form, StringField
from wtforms.csrf.core import CSRFTokenField

import pages
from pages.common.limits import limiter
from pages.common.requires import FORM_BYTES, requirement_of
from pages.common.text_fields import CONTROL_CHARACTERS, limit_of
from records import db
from records.accounts.accounts import AccountStatus
from records.cases.cases import Case
from services.accounts.room_keys import USUAL
from services.cases.checks import CheckCode
from services.laboratory.classes import add as add_class
from services.laboratory.ranges import CLASSES
from tests.cases import open_case, put_field
from tests.people import PASSWORD, account_named, add_account, csrf_token
from tests.waiting import timed

COSTLY = 10
"""Seconds of processor time; each of these requests takes well below one."""

LONG = 500_000
# Werkzeug refuses fields from 500,000 bytes on; these reach the form.
REACHES = 490_000
SHAPES = {
    "no at": "a@" + "b" * LONG,
    "ats": "@" * LONG,
    "letters": "a" * LONG,
    "names": "A'" * (LONG // 2),
    "digits": "1" * LONG,
    "dates": "1/1/" * (LONG // 4),
    "spaces": "mr" + " " * LONG,
    "marks": "a" + "\u0301\u0316" * (LONG // 2),
    "l33t": "4@8({[<369&#!1/|0$5+7%2" * (LONG // 23),
}
"""Text on which careless patterns, normalization and scoring take quadratic time or more."""


def forms() -> list[type[Form]]:
    """Every form of the pages that has fields of its own."""
    modules = [import_module(each.name) for each in walk_packages(pages.__path__, "pages.")]
    found = {
        each
        for module in modules
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, Form) and each.__module__ == module.__name__
    }
    return sorted(found, key=lambda each: each.__name__)


def text_fields(form: Form) -> list[str]:
    return [
        field.name
        for field in form
        if isinstance(field, StringField | DateField) and not isinstance(field, CSRFTokenField)
    ]


@pytest.fixture
def ids(app: Flask, signed_in: FlaskClient) -> dict[str, str]:
    """What the addresses of forms need: a case with a field, a team, a person who waits."""
    other = add_account(app, "cleo")
    with app.app_context():
        ada = account_named("ada")
        case = open_case(ada.id)
        field = put_field(case)
        account_named("cleo").status = AccountStatus.WAITING
        return {
            "case_id": case.id,
            "analysis_id": field.id,
            "cell": f"{field.id}.0",
            "team_id": ada.team_id,
            "account_id": other,
            "reader": ada.id,
            "own_class": add_class(ada, "Plasma cell", "plasma", "", white=True).code,
        }


CASE_TEXTS = {"pseudonym", "accession", "stain", "magnification", "notes", "collected_on"}
# Address, the fields that are text, and what makes the rest of the form right.
POSTED = {
    "/sign-up": ({"name", "password", "again"}, {"name": "dora", "password": PASSWORD}),
    "/sign-in": ({"name", "password"}, {"name": "ada", "password": PASSWORD}),
    "/account/password": ({"present", "new", "again"}, {"present": PASSWORD, "new": PASSWORD}),
    "/account/sessions": ({"password", "session"}, {"password": PASSWORD}),
    "/account/tokens": (
        {"name", "password"},
        {"name": "Camera", "read": "y", "days": "30", "password": PASSWORD},
    ),
    "/account/webhooks": (
        {"url", "password"},
        {"url": "https://lis.example/", "case_signed": "y", "password": PASSWORD},
    ),
    "/account/second-factor": ({"code", "password"}, {"code": "1", "password": PASSWORD}),
    "/account/second-factor/keys/new": (
        {"name", "code", "password"},
        {"name": "Ring", "code": "1", "password": PASSWORD},
    ),
    "/account/second-factor/keys": ({"answer", "name"}, {"answer": "{}", "name": "Ring"}),
    "/reading-room/keys": (set(USUAL), USUAL),
    "/account/name": ({"full_name"}, {}),
    "/admin/laboratory": (
        {"name", "contact", "ranges_source", "phrases"}
        | {f"{end}_{code}" for end in ("low", "high") for code in CLASSES},
        {},
    ),
    "/admin/laboratory/classes": (
        {"name", "code", "loinc"},
        {"name": "Hairy cell", "code": "hairy"},
    ),
    "/admin/laboratory/classes/{own_class}": ({"name", "loinc"}, {"name": "Plasma cell"}),
    "/admin/teams": ({"name"}, {}),
    "/admin/teams/{team_id}": ({"name"}, {}),
    "/statistics/quality/{team_id}": (
        {"baseline_from", "baseline_until", "pseudonym", "low", "high", "least_white"},
        {},
    ),
    "/cases/new": (
        {*CASE_TEXTS, "form_key"},
        {"pseudonym": "Alder-7", "specimen": "blood", "priority": "routine"},
    ),
    "/cases/{case_id}/edit": (
        CASE_TEXTS,
        {"pseudonym": "Alder-7", "specimen": "blood", "priority": "routine"},
    ),
    "/cases/{case_id}/assign": ({"note"}, {"assignee": ""}),
    "/cases/{case_id}/close": ({"reason"}, {}),
    "/cases/{case_id}/sign-off": (
        {"seen", "identity", "conclusion", "password", *(f"reason_{code}" for code in CheckCode)},
        {"conclusion": "None.", "password": PASSWORD},
    ),
    "/cases/{case_id}/sign-off/keep": (
        {"key", "cell", "label", "based_on"},
        {"key": "ab" * 16, "cell": f"{'a' * 32}.0", "label": "wbc"},
    ),
    "/cases/{case_id}/sign-off/amend": ({"reason"}, {}),
}
FILTERS = {
    "/cases": {"text", "since", "until"},
    "/history": {"since", "until"},
    "/admin/audit": {"object", "since", "until"},
    "/admin/statistics": {"since", "until"},
    "/statistics/quality": {"since", "until"},
}
OPEN = {"/sign-up", "/sign-in"}
DAYS = {"collected_on", "baseline_from", "baseline_until"}


def in_time(act: Callable[[], TestResponse]) -> TestResponse:
    """The answer, which must not cost much."""
    answer, seconds = timed(act)
    assert seconds < COSTLY
    return answer


def test_every_text_field_has_a_limit_of_its_length(app: Flask, signed_in: FlaskClient):
    with app.test_request_context():
        for form in forms():
            made = form(MultiDict()) if "Filters" in str(form.__mro__) else form()
            for field in made:
                if isinstance(field, StringField) and not isinstance(field, CSRFTokenField):
                    assert limit_of(field), f"{form.__name__}.{field.name}"


def test_every_form_with_text_is_tried_here(app: Flask, signed_in: FlaskClient):
    tried = {field for fields, _ in POSTED.values() for field in fields}
    tried |= {field for fields in FILTERS.values() for field in fields}
    with app.test_request_context():
        for form in forms():
            made = form(MultiDict()) if "Filters" in str(form.__mro__) else form()
            assert set(text_fields(made)) <= tried, form.__name__


@pytest.mark.parametrize("path", POSTED)
def test_long_text_in_any_form_is_refused_at_once(
    app: Flask, signed_in: FlaskClient, ids: dict[str, str], path: str
):
    fields, right = POSTED[path]
    client = app.test_client() if path in OPEN else signed_in
    token, where = csrf_token(client), path.format(**ids)
    for shape, name, length in product(SHAPES, fields, (20_000, REACHES, LONG)):
        limiter.reset()
        encoded = SHAPES[shape].encode()[:length].decode(errors="ignore")
        form = {"csrf_token": token, **right, name: encoded}
        answer = in_time(lambda form=form: client.post(where, data=form, **MULTIPART))
        if shape == "spaces":  # What is left of it may be short enough.
            assert answer.status_code < 500, (name, length)
        else:
            assert is_refused(answer), (shape, name, length, answer.status_code)


MULTIPART = {"content_type": "multipart/form-data"}


def is_refused(answer: TestResponse) -> bool:
    """Whether the form came again, or the people's page, with nothing done."""
    assert answer.status_code != 429, "the limits of attempts hide what is asked here"
    return 400 <= answer.status_code < 500 or answer.headers.get("Location") == "/admin/people"


@pytest.mark.parametrize("path", FILTERS)
def test_long_text_in_any_filter_is_refused_at_once(
    signed_in: FlaskClient, ids: dict[str, str], path: str
):
    for shape, name in product(SHAPES, FILTERS[path]):
        query = {name: SHAPES[shape]}
        answer = in_time(lambda query=query: signed_in.get(path, query_string=query))
        right = 200 if shape == "spaces" and name == "text" else 422
        assert answer.status_code == right, (shape, name)


@pytest.mark.parametrize("query", [{"batch": "a" * LONG}, {"page": "9" * LONG}, {"page": "9" * 80}])
def test_long_text_in_the_rest_of_an_address_does_no_harm(signed_in: FlaskClient, query: dict):
    assert in_time(lambda: signed_in.get("/history", query_string=query)).status_code == 200


def json_post(client: FlaskClient, path: str, body: bytes) -> TestResponse:
    headers = {"X-CSRFToken": csrf_token(client), "Accept": "application/json"}
    return in_time(
        lambda: client.post(path, data=body, headers=headers, content_type="application/json")
    )


ENTRIES = {
    "reviews": {"key": "ab" * 16, "cell": "{cell}", "label": "monocyte", "box": [1, 1, 9, 9]},
    "undo": {"key": "ab" * 16, "undoes": "cd" * 16},
}


@pytest.mark.parametrize("length", [200_000, LONG])
@pytest.mark.parametrize("act", ENTRIES)
def test_long_text_in_any_json_body_is_refused_at_once(
    signed_in: FlaskClient, ids: dict[str, str], act: str, length: int
):
    for shape, name in product(SHAPES, ("reader", *ENTRIES[act])):
        text = SHAPES[shape].encode()[:length].decode(errors="ignore")
        entry = ENTRIES[act] | ({} if name == "reader" else {name: text})
        reader = text if name == "reader" else ids["reader"]
        body = json.dumps({"reader": reader, "entries": [entry]}, ensure_ascii=False).encode()
        answer = json_post(signed_in, f"/cases/{ids['case_id']}/room/{act}", body)
        assert answer.status_code in {403, 413, 422}, (shape, name, answer.status_code)
        assert answer.json["error"].endswith(".") or answer.status_code == 413, (shape, name)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 200_000,
        b'{"reader":' * 20_000,
        b'{"reader": "x", "entries": [' + b"1" * 200_000 + b"]}",
    ],
)
def test_hostile_json_is_no_error_of_the_server(
    signed_in: FlaskClient, ids: dict[str, str], body: bytes
):
    answer = json_post(signed_in, f"/cases/{ids['case_id']}/room/reviews", body)

    assert answer.status_code in {403, 422}


def test_every_view_with_json_has_a_limit_of_its_own(app: Flask):
    declared = {name: requirement_of(name, app) for name in app.view_functions}
    own = {
        name for name, one in declared.items() if one and one.max_bytes not in (FORM_BYTES, None)
    }
    of_room = {f"reading.{act}" for act in ("review", "undo", "comment", "attribute")}
    assert own == {"arrival.append", "api_dicomweb.store", *of_room}
    modules = Path(pages.__file__).parent.rglob("*.py")
    readers = {each.stem for each in modules if "validate_json" in each.read_text(encoding="utf-8")}
    assert readers == {"reading_room"}


@pytest.mark.parametrize("act", ENTRIES)
def test_a_json_body_is_bounded_far_below_an_upload(
    signed_in: FlaskClient, ids: dict[str, str], act: str
):
    answer = json_post(signed_in, f"/cases/{ids['case_id']}/room/{act}", b" " * 300_000)

    assert answer.status_code == 413
    assert "(256 kB)" in answer.json["error"]


def test_the_largest_batch_of_corrections_fits(signed_in: FlaskClient, ids: dict[str, str]):
    box = [12345.123456789012] * 4
    entry = {"key": "ab" * 16, "cell": f"{'a' * 32}.d0000000f", "label": "x" * 24, "box": box}
    body = json.dumps({"reader": ids["reader"], "entries": [entry] * 500}, indent=1).encode()

    assert len(body) < 256 * 1024


CONTROL = ["\x00", "\x07", "\x1b", "\x7f", "\x85", "\x0b"]


@pytest.mark.parametrize("path", POSTED)
def test_control_characters_are_refused_with_a_sentence(
    app: Flask, signed_in: FlaskClient, ids: dict[str, str], path: str
):
    fields, right = POSTED[path]
    for name, character in product(sorted(fields - DAYS), CONTROL):
        client = app.test_client() if path in OPEN else signed_in
        # Short, since the rule of a field's length comes first.
        form = {"csrf_token": csrf_token(client), **right, name: f"Al{character}-7"}
        answer = client.post(path.format(**ids), data=form, follow_redirects=True)
        # The case is not ready to be signed, its form not shown; a key is one character at most,
        # and nobody types what names a form.
        if "sign-off" in path or path == "/reading-room/keys" or name == "form_key":
            assert answer.status_code == 422, (name, character)
        else:
            assert CONTROL_CHARACTERS in answer.text, (name, character)


@pytest.mark.parametrize(("path", "name"), [("/cases", "text"), ("/admin/audit", "object")])
def test_control_characters_are_refused_in_filters(signed_in: FlaskClient, path: str, name: str):
    for character in CONTROL:
        answer = signed_in.get(path, query_string={name: f"a{character}b"})

        assert answer.status_code == 422, character
        assert CONTROL_CHARACTERS in answer.text, character


@pytest.mark.parametrize("name", ["key", "cell", "label"])
def test_control_characters_are_refused_in_json(
    signed_in: FlaskClient, ids: dict[str, str], name: str
):
    for character in CONTROL:
        entry = ENTRIES["reviews"] | {"cell": ids["cell"]}
        entry[name] = entry[name] + character
        body = json.dumps({"reader": ids["reader"], "entries": [entry]}).encode()
        answer = json_post(signed_in, f"/cases/{ids['case_id']}/room/reviews", body)

        assert answer.status_code == 422, character
        assert answer.json["error"].endswith("."), character


def test_lines_and_tabs_stay_welcome_in_notes(
    app: Flask, signed_in: FlaskClient, ids: dict[str, str]
):
    form = {"pseudonym": "Alder-8", "specimen": "blood", "notes": "one\r\ntwo\tthree"}
    token = csrf_token(signed_in)
    answer = signed_in.post("/cases/new", data={"csrf_token": token, **form})

    assert answer.status_code == 303
    with app.app_context():
        assert db.session.get_one(Case, answer.headers["Location"].split("/")[-1]).notes == (
            "one\ntwo three"
        )
