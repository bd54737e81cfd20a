"""Every address against everybody: a new one without a declared need fails here."""

import re
from datetime import timedelta
from functools import wraps

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from pages.common.requires import Audience, Need, requirement_of, requires
from records import db, utc_now
from records.accounts.accounts import Role
from tests.addresses import rules_of_pages
from tests.people import account_named, add_account, csrf_token, post, sign_in_as
from tests.uploads import upload_cell

JSON = {"Accept": "application/json"}
# One value of each argument, so that every address can be asked for.
ARGUMENTS = {
    "analysis_id": "0" * 32,
    "account_id": "0" * 32,
    "code": "de",
    "archive_id": "0" * 32,
    "kind": "detection",
    "batch_id": "0" * 32,
    "task_id": "0" * 32,
    "decision": "approve",
    "act": "assign",
    "table": "weeks",
    "suffix": "csv",
    "team_id": "0" * 32,
    "case_id": "0" * 32,
    "slide_id": "0" * 32,
    "at": 0,
    "level": 8,
    "column": 0,
    "row": 0,
    "key_id": "0" * 32,
    "token_id": "0" * 32,
    "webhook_id": "0" * 32,
    "cell": f"{'0' * 32}.0",
    "field": "0" * 32,
    "number": 0,
    "rank": 0,
    "use": "active",
    "label": "blast",
    "name": "classifier",
    "chart": "none.svg",
    "filename": "none.css",
}
# Who gets in where, apart from the program itself.
ALLOWED: dict[Need, set[str]] = {
    Audience.ANYBODY: {Role.NONE, Role.VIEWER, Role.READER, Role.REVIEWER, "administrator"},
    Audience.SIGNED_IN: {Role.NONE, Role.VIEWER, Role.READER, Role.REVIEWER, "administrator"},
    Role.VIEWER: {Role.VIEWER, Role.READER, Role.REVIEWER},
    Role.READER: {Role.READER, Role.REVIEWER},
    Role.REVIEWER: {Role.REVIEWER},
    Audience.ADMINISTRATORS: {"administrator"},
    Audience.REVIEWERS_AND_ADMINISTRATORS: {Role.REVIEWER, "administrator"},
}


def need(app: Flask, endpoint: str) -> Need | None:
    """What the view of this endpoint declares that it needs."""
    declared = requirement_of(endpoint, app)
    return declared and declared.need


def guarded(app: Flask) -> list[Rule]:
    """What browsers ask for and not everybody may; `tests/api` has the same of programs."""
    return [
        rule for rule in rules_of_pages(app) if need(app, rule.endpoint) is not Audience.ANYBODY
    ]


def requests(app: Flask, rules: list[Rule]) -> list[tuple[Rule, str, str]]:
    """Every method of every address."""
    with app.test_request_context():
        urls = app.url_map.bind("localhost")
        return [
            (rule, method, urls.build(rule.endpoint, {n: ARGUMENTS[n] for n in rule.arguments}))
            for rule in rules
            for method in sorted(rule.methods - {"HEAD", "OPTIONS"})
        ]


def become(app: Flask, role: str) -> None:
    """Give ada this role, or administration and no role."""
    with app.app_context():
        ada = account_named("ada")
        ada.is_administrator = role == "administrator"
        ada.role = role if role in list(Role) else Role.NONE
        db.session.commit()


def test_every_view_declares_what_it_requires(app: Flask):
    for rule in app.url_map.iter_rules():
        assert need(app, rule.endpoint) is not None, f"{rule.endpoint} lacks @requires"


def test_only_these_need_nothing(app: Flask):
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules()}
    assert {one for one in endpoints if need(app, one) is Audience.ANYBODY} == {
        "static",
        "bootstrap.static",
        "health.alive",
        "health.ready",
        "metrics.show",
        "accounts.sign_up",
        "accounts.sign_in",
        "accounts.code",
        "accounts.key",
        "accounts.sign_out",
        "provider.begin",
        "provider.answer",
        "provider.signed_out",
        "help.index",
        "language.scripts",
        "language.switch",
        "api_description.document",
    }


def test_what_changes_something_of_an_analysis_needs_a_reader(app: Flask):
    for rule in app.url_map.iter_rules():
        if "POST" in rule.methods and {"analysis_id", "batch_id", "slide_id"} & rule.arguments:
            assert need(app, rule.endpoint) is Role.READER, rule


def ask_for_all(app: Flask, client: FlaskClient) -> list[tuple[str, int, int]]:
    """Each guarded address, and its answers to a page and to a script."""
    client.get("/")  # Ends the session where its time is over, and the tokens with it.
    token = csrf_token(client)
    answers = []
    for _, method, path in requests(app, guarded(app)):
        form = {"csrf_token": token}
        with client.open(path, method=method, data=form) as page:
            assert page.status_code == 302, (method, path)
            assert page.headers["Location"].startswith("/sign-in"), (method, path)
        with client.open(path, method=method, data=form, headers=JSON) as script:
            assert script.status_code == 401, (method, path)
            assert list(script.json) == ["error"], (method, path)
        answers.append((path, page.status_code, script.status_code))
    return answers


def test_anonymous_visitors_are_sent_to_the_sign_in(app: Flask, client: FlaskClient):
    assert len(ask_for_all(app, client)) > 20


def test_so_are_those_whose_session_has_ended(app: Flask, signed_in: FlaskClient):
    app.extensions["leukoscope_accounts"].clock = lambda: utc_now() + timedelta(minutes=31)

    assert len(ask_for_all(app, signed_in)) > 20


@pytest.mark.parametrize("role", [*Role, "administrator"])
def test_each_role_gets_in_where_it_may_and_is_told_elsewhere(
    app: Flask, signed_in: FlaskClient, role: str
):
    become(app, role)
    add_account(app, "eve")
    with app.app_context():
        account_named("eve").is_administrator = True
        db.session.commit()
    form = {"csrf_token": csrf_token(signed_in)}
    for rule, method, path in requests(app, guarded(app)):
        with signed_in.open(path, method=method, data=form) as answer:
            may = role in ALLOWED[need(app, rule.endpoint)]
            assert (answer.status_code != 403) == may, (role, method, path)
            assert answer.status_code != 401, (role, method, path)
            if not may:
                assert re.search(r"Ask an administrator \([^)]*eve\)", answer.text)
    for rule, method, path in requests(app, guarded(app)):
        if role not in ALLOWED[need(app, rule.endpoint)]:
            shown = signed_in.open(path, method=method, data=form, headers=JSON)
            assert shown.status_code == 403
            assert "Ask an administrator (" in shown.json["error"]


def test_an_inner_decorator_keeps_the_declaration(app: Flask):
    @requires(Role.REVIEWER)
    def view() -> str:
        return "a secret"

    @wraps(view)
    def outer() -> str:
        return view()

    app.add_url_rule("/wrapped", "wrapped", outer)
    assert need(app, "wrapped") is Role.REVIEWER


def test_a_view_that_declares_nothing_is_refused_to_everybody(app: Flask):
    app.add_url_rule("/forgotten", "forgotten", lambda: "a secret")
    client = sign_in_as(app, "ada")

    answer = client.get("/forgotten")
    assert answer.status_code == 403
    assert "a secret" not in answer.text


@pytest.mark.parametrize(
    ("role", "words", "first"),
    [
        (Role.NONE, ["Models"], "/models"),
        (Role.VIEWER, ["Cases", "History", "Models"], "/cases"),
        (Role.READER, ["Cases", "Classify", "Detect", "History", "Models"], "/cases"),
        ("administrator", ["Models", "People", "Statistics", "Audit"], "/models"),
    ],
)
def test_the_bar_shows_what_may_be_used_and_the_start_leads_there(
    app: Flask, signed_in: FlaskClient, role: str, words: list[str], first: str
):
    become(app, role)
    bar = signed_in.get("/account/password").text.split("<nav")[1].split("</nav>")[0]

    offered = ["Cases", "Classify", "Detect", "History", "Models", "People", "Statistics", "Audit"]
    assert [word for word in offered if f">{word}<" in bar] == words
    assert signed_in.get("/").headers["Location"] == first


def test_without_a_role_one_is_told_whom_to_ask(app: Flask, signed_in, other_client: FlaskClient):
    with app.app_context():
        account_named("ben").role = Role.NONE
        db.session.commit()

    page = other_client.get("/", follow_redirects=True).text
    assert "You don’t have access to analyses yet." in page
    assert "Ask an administrator (ada)" in page


def test_a_viewer_sees_a_result_and_no_buttons_that_change_it(app: Flask, signed_in: FlaskClient):
    cell = upload_cell(signed_in)
    assert "Compute SHAP values" in signed_in.get(f"/classify/{cell}").text
    become(app, Role.VIEWER)

    for path in (f"/classify/{cell}", "/history"):
        page = signed_in.get(path)
        assert page.status_code == 200
        for forbidden in ("Compute SHAP values", f"/history/{cell}/delete"):
            assert forbidden not in page.text, (path, forbidden)


def test_a_lost_role_counts_at_once(app: Flask, signed_in, other_client: FlaskClient):
    assert other_client.get("/classify").status_code == 200
    with app.app_context():
        ben = account_named("ben")
    post(signed_in, f"/admin/people/{ben.id}/place", role="viewer", team=ben.team_id)

    assert other_client.get("/classify").status_code == 403
