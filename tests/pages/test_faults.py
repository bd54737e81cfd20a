"""Faults of disk and database, and rows that vanish: what people read, and what the log keeps."""

import errno
import io
import logging
import shutil
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from threading import Barrier

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from werkzeug.routing import PathConverter, UnicodeConverter

from pages.common.errors import BUSY, BUSY_SECONDS
from records import db
from records.accounts import accounts
from records.analyses import analyses, field_tasks
from records.storage.image_store import DiskStore
from services.analyses.field_queue import NO_ROOM
from tests.addresses import rules_of_pages
from tests.cases import open_case, put_field
from tests.pages.common.test_access import ARGUMENTS
from tests.people import PASSWORD, account_named, add_account, csrf_token, sign_in_as
from tests.uploads import png, send, upload_cell, upload_field
from tests.waiting import HANGS

JSON = {"Accept": "application/json"}
TYPED = ("Zirbelkiefer-77", "Quittengelee", "Blaubeere", "hauptbahnhof.png", "Zeppelin", "Okapi")
PSEUDONYM, NOTES, STAIN, FILE, REASON, NAME = TYPED
CASE = {
    "pseudonym": PSEUDONYM,
    "specimen": "blood",
    "stain": STAIN,
    "notes": NOTES + " x" * 1500,
}


@pytest.fixture(autouse=True)
def _as_served(app: Flask) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False


@pytest.fixture
def case_id(app: Flask, signed_in: FlaskClient) -> str:
    with app.app_context():
        case = open_case(account_named("ada").id)
        put_field(case)
        return case.id


def connect(app: Flask) -> sqlite3.Connection:
    """Another connection to the database of the application."""
    path = app.config["LEUKOSCOPE"].instance_dir / "leukoscope.sqlite3"
    return sqlite3.connect(path, isolation_level=None)


@contextmanager
def pragma(app: Flask, statement: str) -> Iterator[None]:
    """Every connection of the application begins with this."""

    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "connect", prepare)
    engine.dispose()
    try:
        yield
    finally:
        event.remove(engine, "connect", prepare)
        engine.dispose()


@contextmanager
def busy(app: Flask) -> Iterator[None]:
    """Somebody else holds the database; nobody waits long for it."""
    with pragma(app, "PRAGMA busy_timeout = 20"), closing(connect(app)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@contextmanager
def full(app: Flask) -> Iterator[None]:
    """The database cannot grow: SQLite says what it says of a full disk."""
    with closing(connect(app)) as other:
        pages = other.execute("PRAGMA page_count").fetchone()[0]
    with pragma(app, f"PRAGMA max_page_count = {pages}"):
        yield


@contextmanager
def read_only(app: Flask) -> Iterator[None]:
    with pragma(app, "PRAGMA query_only = ON"):
        yield


@contextmanager
def refused(app: Flask) -> Iterator[None]:
    """A rule of the tables is broken by whatever is written."""
    with closing(connect(app)) as other:
        for table in ("cases", "analyses", "field_tasks", "accounts", "amendments"):
            for act in ("INSERT", "UPDATE"):
                other.execute(
                    f"CREATE TRIGGER refuse_{act}_{table} BEFORE {act} ON {table} "
                    "BEGIN SELECT RAISE(ABORT, 'refused'); END"
                )
        yield


@contextmanager
def without_table(app: Flask) -> Iterator[None]:
    with closing(connect(app)) as other:
        for table in ("analyses", "field_tasks", "signatures", "reviews"):
            other.execute(f"ALTER TABLE {table} RENAME TO gone_{table}")
        other.execute("ALTER TABLE cases DROP COLUMN stain")
        yield


FAILURES = {each.__name__: each for each in (busy, full, read_only, refused, without_table)}


def acts(client: FlaskClient, case_id: str) -> dict:
    """What people do that writes what they typed."""
    token = csrf_token(client)

    def post(path: str, **form: str):
        return lambda: client.post(path, data={"csrf_token": token, **form})

    def upload(path: str):
        data = {"csrf_token": token, "images": (io.BytesIO(png()), FILE)}
        return lambda: client.post(path, data=data)

    return {
        "open a case": post("/cases/new", **CASE),
        "describe it": post(f"/cases/{case_id}/edit", **CASE),
        "amend it": post(f"/cases/{case_id}/sign-off/amend", reason=REASON * 400),
        "classify": upload("/classify"),
        "detect": upload("/detect"),
        "make a team": post("/admin/teams", name=NAME),
        "look for a case": lambda: client.get("/cases", query_string={"text": PSEUDONYM}),
    }


@pytest.mark.parametrize("failure", FAILURES)
def test_nothing_that_was_typed_reaches_the_log(
    app: Flask, signed_in: FlaskClient, case_id: str, failure: str, caplog
):
    caplog.set_level(logging.INFO)
    todo = acts(signed_in, case_id)
    codes = {}
    with FAILURES[failure](app):
        for name, act in todo.items():
            answer = act()
            codes[name] = answer.status_code
            answer.request.environ["wsgi.input"].close()

    assert any(code >= 500 for code in codes.values()), codes
    assert caplog.text
    for word in TYPED:
        assert word not in caplog.text


def test_a_busy_database_is_told_to_be_tried_again(
    app: Flask, signed_in: FlaskClient, case_id: str
):
    todo = acts(signed_in, case_id)
    with busy(app):
        for name in ("open a case", "describe it", "make a team"):
            answer = todo[name]()
            assert answer.status_code == 503, name
            assert answer.headers["Retry-After"] == str(BUSY_SECONDS)
            assert BUSY in answer.text
    assert todo["open a case"]().status_code == 303


def test_a_busy_database_keeps_a_sign_in_back_without_an_error(app: Flask):
    add_account(app, "ada")
    client = app.test_client()
    form = {"csrf_token": csrf_token(client), "name": "ada", "password": PASSWORD}
    with busy(app):
        answer = client.post("/sign-in", data=form, headers=JSON)
    assert (answer.status_code, answer.json) == (503, {"error": BUSY})


def test_a_full_disk_is_told_as_detect_tells_it(app: Flask, signed_in: FlaskClient, case_id: str):
    todo = acts(signed_in, case_id)
    with full(app):
        for _ in range(20):  # Pages of the database may have some room left.
            answer = todo["open a case"]()
            if answer.status_code != 303:
                break
    assert answer.status_code == 503
    assert NO_ROOM in answer.text


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("path", ["/classify", "/detect"])
def test_an_image_that_finds_no_room_is_told_alike(
    app: Flask, signed_in: FlaskClient, monkeypatch, path: str, number: int
):
    def write(*_: object) -> None:
        raise OSError(number, "No room")

    monkeypatch.setattr("records.storage.image_store._write", write)
    answer = send(signed_in, path, (FILE, png()), as_json=True)

    assert (answer.status_code, answer.json) == (503, {"error": NO_ROOM})


def test_no_room_after_the_view_is_told_alike(app: Flask, signed_in: FlaskClient, monkeypatch):
    """The access is noted when the answer is ready: Flask asks no handler there."""
    cell = upload_cell(signed_in)

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No room")

    monkeypatch.setattr("records.audit.audit.append", fail)
    answer = signed_in.get(f"/classify/{cell}", headers=JSON)

    assert (answer.status_code, answer.json) == (503, {"error": NO_ROOM})


def test_a_missing_file_of_the_program_is_no_missing_row(
    app: Flask, signed_in: FlaskClient, monkeypatch
):
    def missing(*_: object) -> None:
        raise FileNotFoundError(errno.ENOENT, "No such file", "/somewhere/else")

    monkeypatch.setattr("records.accounts.accounts.page_of", missing)

    assert signed_in.get("/admin/people").status_code == 500


def addresses(app: Flask, **ids: str) -> list[tuple[str, str, str]]:
    """Every endpoint, method and address with one of these ids in it."""
    values = {**ARGUMENTS, "index": 0, "cell_number": 0, **ids}
    with app.test_request_context():
        urls = app.create_url_adapter(None) or app.url_map.bind("localhost")
        return [
            (
                rule.endpoint,
                method,
                urls.build(rule.endpoint, {name: values[name] for name in rule.arguments}),
            )
            for rule in rules_of_pages(app)
            if rule.arguments & set(ids)
            for method in sorted(rule.methods - {"HEAD", "OPTIONS"})
        ]


def vanishing(app: Flask, monkeypatch, module: object, name: str, table: str, wanted: str) -> list:
    """Let a row and all images be deleted by somebody else as soon as this function read it."""
    read, gone = getattr(module, name), []

    def found(*args: object, **options: object):
        result = read(*args, **options)
        if result is not None and wanted in args and not gone:
            gone.append(wanted)
            with closing(connect(app)) as other:
                other.execute(f"DELETE FROM {table} WHERE id = ?", [wanted])
            shutil.rmtree(app.config["LEUKOSCOPE"].images_dir, ignore_errors=True)
        return result

    monkeypatch.setattr(module, name, found)
    return gone


KINDS = {"cell": "/classify/", "field": "/detect/"}


@pytest.mark.parametrize("kind", KINDS)
def test_an_analysis_that_is_deleted_meanwhile_is_no_error(
    app: Flask, signed_in: FlaskClient, monkeypatch, kind: str
):
    token = csrf_token(signed_in)
    for _, method, path in addresses(app, analysis_id="{}"):
        path = path.replace("%7B%7D", "{}")
        if "/cases/" in path or not path.startswith((KINDS[kind], "/history/")):
            continue
        made = upload_cell(signed_in) if kind == "cell" else upload_field(signed_in)["id"]
        with monkeypatch.context() as patched:
            gone = vanishing(app, patched, analyses, "find_in_team", "analyses", made)
            answer = signed_in.open(
                path.format(made), method=method, data={"csrf_token": token}, headers=JSON
            )
        assert gone, path
        assert answer.status_code in {200, 202, 302, 303, 404, 409}, (method, path, answer.text)
        answer.close()


def test_an_account_that_is_refused_meanwhile_is_no_error(
    app: Flask, signed_in: FlaskClient, monkeypatch
):
    token = csrf_token(signed_in)
    form = {"csrf_token": token, "role": "viewer"}
    with app.app_context():
        form["team"] = account_named("ada").team_id
    names = iter(range(100))
    for endpoint, method, path in addresses(app, account_id="{}"):
        made = add_account(app, f"person {next(names)}")
        with monkeypatch.context() as patched:
            gone = vanishing(app, patched, accounts, "get_account", "accounts", made)
            answer = signed_in.open(
                path.replace("%7B%7D", made), method=method, data=form, headers=JSON
            )
        assert gone, endpoint
        assert answer.status_code in {302, 404, 409}, (endpoint, answer.text)


def test_a_waiting_field_that_is_gone_meanwhile_is_no_error(
    app: Flask, signed_in: FlaskClient, monkeypatch
):
    token = csrf_token(signed_in)
    for endpoint, method, path in addresses(app, task_id="{}"):
        if endpoint.startswith("slides."):
            continue  # An area is found by its slide.
        field = upload_field(signed_in)
        batch_id = field["batch"].rsplit("/", 1)[-1]
        path = path.replace("0" * 32, batch_id).replace("%7B%7D", field["id"])
        with monkeypatch.context() as patched:
            gone = vanishing(app, patched, field_tasks, "find", "field_tasks", field["id"])
            answer = signed_in.open(path, method=method, data={"csrf_token": token}, headers=JSON)
        assert gone, endpoint
        assert answer.status_code in {200, 303, 404, 409}, (endpoint, answer.text)


def test_many_who_delete_and_look_at_once_get_no_error(app: Flask, signed_in: FlaskClient):
    browsers = [sign_in_as(app, f"reader {number}") for number in range(4)]
    tokens = [csrf_token(browser) for browser in browsers]
    with app.app_context():
        for number in range(4):
            account_named(f"reader {number}").role = "reviewer"
        db.session.commit()
    for _ in range(6):
        cell, start, codes = upload_cell(signed_in), Barrier(8), []

        def act(number: int, cell: str = cell, start: Barrier = start) -> int:
            browser = app.test_client()
            browser.set_cookie("leukoscope", browsers[number % 4].get_cookie("leukoscope").value)
            start.wait(timeout=HANGS)
            if number < 4:
                form = {"csrf_token": tokens[number % 4]}
                return browser.post(f"/history/{cell}/delete", data=form).status_code
            return browser.get(f"/classify/{cell}/image").status_code

        with ThreadPoolExecutor(8) as pool:
            codes = list(pool.map(act, range(8), timeout=HANGS))
        assert codes[:4].count(303) == 1, codes
        assert set(codes) <= {200, 303, 404}, codes


def test_the_files_of_a_deleted_analysis_are_gone(app: Flask, signed_in: FlaskClient):
    cell = upload_cell(signed_in)
    signed_in.post(f"/history/{cell}/delete", data={"csrf_token": csrf_token(signed_in)})

    assert not DiskStore(app.config["LEUKOSCOPE"].images_dir).names()


@pytest.mark.parametrize("break_", ["\n", "\r", "\x1b", "\x85", "\u2028"])
def test_no_address_writes_a_line_of_its_own_into_the_log(
    app: Flask, signed_in: FlaskClient, caplog: pytest.LogCaptureFixture, break_: str
):
    def fails(**_arguments: object) -> None:
        raise RuntimeError

    urls = app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        texts = {
            name
            for name, converter in rule._converters.items()
            if isinstance(converter, UnicodeConverter | PathConverter)
        }
        if not texts:
            continue
        app.view_functions[rule.endpoint] = fails
        crafted = {name: f"x{break_}forged" for name in texts}
        arguments = {name: ARGUMENTS.get(name) for name in rule.arguments} | crafted
        method = "GET" if "GET" in rule.methods else "POST"
        signed_in.open(urls.build(rule.endpoint, arguments), method=method)

    assert f"{break_}forged" not in caplog.text
