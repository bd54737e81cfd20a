"""The server's log, as text and as JSON: what each line has, and what gets into none."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import Flask
from flask.testing import FlaskClient

from pages.common import logs
from pages.common.requires import requires
from records.accounts.accounts import Role
from settings import Settings
from tests.pages.cases.test_reading_room import Room
from tests.pages.cases.test_sign_off import look, sign
from tests.people import PASSWORD, account_named, post
from tests.uploads import send, upload_field

PSEUDONYM, NOTES, FILE, CONCLUSION, QUERY = TYPED = (
    "Zirbelkiefer-77",
    "Quittengelee",
    "hauptbahnhof.png",
    "Blaubeere",
    "Okapi",
)
HEX = re.compile(r"[0-9a-f]{32}")


@contextmanager
def written(formatter: logging.Formatter) -> Iterator[io.StringIO]:
    """All that is logged meanwhile, as this formatter writes it."""
    root, text = logging.getLogger(), io.StringIO()
    handler, level = logging.StreamHandler(text), root.level
    handler.setFormatter(formatter)
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield text
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


def lines_of(text: io.StringIO) -> list[dict]:
    return [json.loads(line) for line in text.getvalue().splitlines()]


def whole_case(app: Flask, client: FlaskClient) -> None:
    """Upload, look, review, comment, sign, report, search; and what goes wrong on the way."""
    form = {"pseudonym": PSEUDONYM, "specimen": "blood", "notes": NOTES, "stain": NOTES}
    case = post(client, "/cases/new", **form).headers["Location"]
    field = upload_field(client, FILE, case=case.rsplit("/", 1)[-1])["id"]
    send(client, "/classify", (FILE, b"no image"))
    for path in (case, f"{case}/room", f"{case}/room/cells.json", f"/detect/{field}"):
        assert client.get(path).status_code == 200, path
    client.get("/cases", query_string={"text": QUERY})
    client.get(f"/{PSEUDONYM}/{FILE}")
    client.get(f"/static/{FILE}")
    look(app, case)
    assert sign(client, case, conclusion=CONCLUSION, password=CONCLUSION).status_code == 422
    assert sign(client, case, conclusion=CONCLUSION).status_code in {302, 303}
    client.get(f"{case}/report/1.pdf").close()
    post(client, f"{case}/sign-off/amend", reason=NOTES)


@pytest.mark.parametrize("formatter", [logs.JsonLines(), logging.Formatter()])
def test_nothing_of_a_patient_and_nothing_typed_is_logged(
    app: Flask, signed_in: FlaskClient, formatter: logging.Formatter
):
    with written(formatter) as text:
        whole_case(app, signed_in)
    told = text.getvalue()

    assert told.count("\n") > 15
    for word in (*TYPED, PASSWORD):
        assert word not in told


def test_a_fault_names_neither_address_nor_query(
    app: Flask, signed_in: FlaskClient, monkeypatch: pytest.MonkeyPatch
):
    app.config["PROPAGATE_EXCEPTIONS"] = False
    fails = requires(Role.VIEWER)(lambda case_id: 1 / 0)
    monkeypatch.setitem(app.view_functions, "cases.show", fails)
    with written(logs.JsonLines()) as text:
        signed_in.get(f"/cases/{'a' * 32}?text={QUERY}")
    error, request = lines_of(text)

    assert (error["level"], error["message"]) == ("error", "Error in GET cases.show")
    assert "ZeroDivisionError" in error["exception"]
    assert (request["endpoint"], request["status"]) == ("cases.show", 500)
    assert QUERY not in text.getvalue()
    assert "a" * 32 not in text.getvalue()


def test_a_line_of_a_request_has_all_that_is_asked_of_it(app: Flask, signed_in: FlaskClient):
    with written(logs.JsonLines()) as text:
        answer = signed_in.get("/help", headers={"X-Request-ID": "7d3f-proxy.1"})
    (line,) = lines_of(text)

    assert answer.headers["X-Request-ID"] == "7d3f-proxy.1"
    with app.app_context():
        assert line.pop("account") not in {account_named("ada").id, "ada", None}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", line.pop("time"))
    assert 0 < line.pop("milliseconds") < 60_000
    assert line == {
        "level": "info",
        "logger": "leukoscope.requests",
        "message": "GET help.index 200",
        "request_id": "7d3f-proxy.1",
        "endpoint": "help.index",
        "method": "GET",
        "status": 200,
    }


def test_lines_of_one_account_can_be_told_from_anothers(signed_in, colleague, client: FlaskClient):
    with written(logs.JsonLines()) as text:
        for browser in (signed_in, signed_in, colleague, client):
            browser.get("/account/password")
    accounts = [line["account"] for line in lines_of(text)]

    assert accounts[0] == accounts[1] != accounts[2]
    assert accounts[3] is None


@pytest.mark.parametrize(
    "sent", ["short", "a" * 65, "a b c d e f", "-abcdefgh", 'x"}{"a":"bcd', ""]
)
def test_an_id_that_is_not_sane_is_replaced(client: FlaskClient, sent: str):
    ids = [
        client.get("/healthz", headers={"X-Request-ID": sent}).headers["X-Request-ID"]
        for _ in range(2)
    ]

    assert all(HEX.fullmatch(each) for each in ids)
    assert ids[0] != ids[1]


def test_breaks_and_quotes_stay_within_a_line():
    with written(logs.JsonLines()) as text:
        logging.getLogger("somewhere").warning("one\ntwo “%s”", '"')
    (line,) = lines_of(text)

    assert line["message"] == 'one\ntwo “"”'
    assert "request_id" not in line


def test_the_start_is_told_as_all_else_is(capsys: pytest.CaptureFixture[str]):
    settings = Settings()
    logs.tell(settings, "Ready.")
    logs.tell(settings, "Beware.", logging.WARNING)
    assert capsys.readouterr() == ("Ready.\n", "Beware.\n")

    with written(logs.JsonLines()) as text:
        logs.tell(settings.model_copy(update={"log_format": "json"}), "Ready.")
    assert lines_of(text)[0]["message"] == "Ready."


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger, as it was before afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    migrations = logging.getLogger("alembic.runtime.migration")
    root.handlers = []
    yield root
    root.handlers, root.level = handlers, level
    migrations.setLevel(logging.NOTSET)


@pytest.mark.parametrize(("log_format", "handlers"), [("text", 0), ("json", 1)])
def test_text_is_left_to_python(root: logging.Logger, log_format: str, handlers: int):
    logs.configure(Settings().model_copy(update={"log_format": log_format}))

    own = [each for each in root.handlers if isinstance(each.formatter, logs.JsonLines)]
    assert len(own) == handlers


def test_a_room_logs_no_cell(app: Flask, signed_in: FlaskClient):
    room = Room(app, signed_in)
    with written(logs.JsonLines()) as text:
        room.correct(room.entry())
        signed_in.get(f"{room.path}/cells/{room.field}.0/history")

    assert room.field not in text.getvalue()
    assert room.case not in text.getvalue()
