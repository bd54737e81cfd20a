"""Below a sub-path: every address in any page, answer and redirect begins with it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse, create_environ, run_wsgi_app

from pages.common import addresses
from pages.common.addresses import local_path
from pages.common.site import present_site
from services.accounts.security_keys import Site
from settings import ROOT, Settings
from tests.applications import empty_app
from tests.people import PASSWORD, csrf_token, post, sign_in_as
from tests.proxies import PREFIX, SITE, below
from tests.slide_files import write_slide
from tests.slide_uploads import upload_slide
from tests.uploads import send, upload_cell, upload_field


@pytest.fixture
def behind(settings: Settings) -> Iterator[Flask]:
    """The application below a sub-path, behind one proxy."""
    with empty_app(settings.model_copy(update={"proxies": 1})) as app:
        app.wsgi_app = below(PREFIX, app.wsgi_app)
        yield app


@pytest.fixture
def ada(behind: Flask, tmp_path: Path) -> FlaskClient:
    """The administrator's browser, with a cell, a field, a slide and a case."""
    client = sign_in_as(behind, "ada")
    upload_cell(client)
    case = post(client, "/cases/new", pseudonym="Alder-7", specimen="blood").headers["Location"]
    upload_field(client, case=case.rsplit("/", 1)[-1])
    upload_slide(client, write_slide(tmp_path / "smear.tif"))
    sign_in_as(behind, "cleo")
    return client


class Addresses(HTMLParser):
    """What stands in the attributes of a page, and which of it is an address of this server."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.written: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if value and value.startswith("/"):
                self.written.append(value)
                if name in {"href", "src"} or (name.startswith("data-") and "CELL" not in value):
                    self.links.append(value)
            elif value and value.startswith(("{", "[")):
                self.written += texts_of(parsed(value))


def parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def texts_of(value: Any) -> list[str]:
    """Every text in JSON that begins as an address of a server does."""
    if isinstance(value, str):
        return [value] if re.match(r"/\w", value) else []
    if isinstance(value, dict):
        value = list(value.values())
    return [text for each in value for text in texts_of(each)] if isinstance(value, list) else []


def written_in(answer: TestResponse) -> tuple[list[str], list[str]]:
    """The addresses that an answer has, and those of them to ask for."""
    location = answer.headers.get("Location")
    led = [location.removeprefix(SITE)] if location else []
    if answer.mimetype == "text/html":
        found = Addresses(answer.text)
        return found.written + led, found.links + led
    if answer.mimetype == "application/json":
        texts = texts_of(answer.json)
        return texts + led, texts + led
    return led, led


def walk(client: FlaskClient, *starts: str) -> Iterator[tuple[str, TestResponse]]:
    """Every answer to which addresses lead, from these on."""
    waiting, seen = list(starts), set()
    while waiting:
        path = urlsplit(waiting.pop())._replace(fragment="").geturl()
        kind = re.sub(r"[0-9a-f]{32}", "ID", path.split("?")[0])
        if (kind in seen and "ID" not in kind) or path in seen:
            continue
        seen |= {kind, path}
        answer = client.get(path)
        yield path, answer
        waiting += written_in(answer)[1]
        answer.close()


def test_every_address_that_is_written_begins_with_the_prefix(behind: Flask, ada: FlaskClient):
    urls, reached = behind.url_map.bind("localhost"), set()
    for path, answer in walk(ada, f"{PREFIX}/", f"{PREFIX}/sign-up", f"{PREFIX}/cases/new"):
        for address in written_in(answer)[0]:
            assert address.startswith(f"{PREFIX}/"), (path, address)
        if answer.status_code in {404, 405}:  # To be sent to, completed, or not made yet.
            continue
        assert answer.status_code < 400, path
        reached.add(urls.match(urlsplit(path).path.removeprefix(PREFIX), method="GET")[0])

    assert {
        "cases.show",
        "slides.show",
        "reading.show",
        "sign_off.show",
        "field.result",
        "help.index",
    } <= reached
    assert len(reached) > 50, sorted(reached)


@pytest.mark.parametrize("path", ["/cases", "/history?page=2"])
def test_signing_in_leads_back_to_the_page_below_the_prefix(behind: Flask, path: str):
    sign_in_as(behind, "ada")
    client = behind.test_client()
    asked = client.get(path).headers["Location"]
    wanted = {"name": "ada", "password": PASSWORD}

    assert post(client, asked, **wanted).headers["Location"] == f"{PREFIX}{path}"


def test_the_start_below_the_prefix_is_no_page_to_come_back_to(behind: Flask):
    assert behind.test_client().get("/").headers["Location"] == f"{PREFIX}/sign-in"


def test_another_language_leads_back_to_the_page_below_the_prefix(behind: Flask):
    client, page = behind.test_client(), f"{PREFIX}/help?a=b"
    form = {"csrf_token": csrf_token(client)}
    for referrer, target in ((f"{SITE}{page}", page), (f"{SITE}/other", f"{PREFIX}/")):
        answer = client.post("/language/de", data=form, headers={"Referer": referrer})
        assert answer.headers["Location"] == target


def test_the_bar_marks_the_page_below_the_prefix(ada: FlaskClient):
    assert f'<a href="{PREFIX}/cases" aria-current="page">' in ada.get("/cases").text


def test_refused_images_lead_back_to_the_form_below_the_prefix(ada: FlaskClient):
    page = send(ada, "/classify", ("notes.txt", b"no image")).text

    assert f'href="{PREFIX}/classify">' in page


def test_cookies_are_of_the_whole_host_as_their_names_ask(behind: Flask):
    cookie = behind.test_client().get("/sign-in").headers["Set-Cookie"]

    assert cookie.startswith("__Host-leukoscope=")
    assert "Path=/;" in f"{cookie};"


def test_security_keys_are_bound_to_the_host_that_the_proxy_names(app: Flask):
    environ = {"HTTP_X_FORWARDED_HOST": "clinic.example:8443", "HTTP_X_FORWARDED_PROTO": "https"}
    app.config["TRUSTED_HOSTS"] = None
    sites = []

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        with app.request_context(environ):
            sites.append(present_site())
        start_response("200 OK", [])
        return []

    run_wsgi_app(addresses.behind(serve, 1), create_environ() | environ)
    assert sites == [Site("clinic.example", "https://clinic.example:8443")]


@pytest.mark.parametrize(
    ("sent", "taken"),
    [
        ("/leukoscope", "/leukoscope"),
        ("/lab/leukoscope/", "/lab/leukoscope"),
        ("//evil.example", ""),
        ("/a/../b", ""),
        ("https://evil.example", ""),
        ("/a\\b", ""),
        ("/a b", ""),
        ("/", ""),
    ],
)
def test_only_a_plain_path_is_taken_as_a_prefix(sent: str, taken: str):
    assert prefix_taken(1, HTTP_X_FORWARDED_PREFIX=sent) == taken


def test_each_of_two_proxies_must_have_written_the_header():
    assert prefix_taken(2, HTTP_X_FORWARDED_PREFIX="/leukoscope") == ""
    assert prefix_taken(2, HTTP_X_FORWARDED_PREFIX="/leukoscope, /inner") == "/leukoscope"


def prefix_taken(proxies: int, **environ: str) -> str:
    """The prefix that the application sees."""
    seen = []

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        seen.append(environ["SCRIPT_NAME"])
        start_response("200 OK", [])
        return []

    run_wsgi_app(addresses.behind(serve, proxies), create_environ() | environ)
    return seen[0]


def test_a_proxy_that_is_not_expected_is_not_believed(client: FlaskClient):
    headers = {"X-Forwarded-Prefix": PREFIX, "X-Forwarded-Host": "evil.example"}

    assert client.get("/", headers=headers).headers["Location"] == "/sign-in"


def test_a_forwarded_host_must_be_a_known_one(settings: Settings):
    named = settings.model_copy(update={"proxies": 1, "hostnames": ("clinic.example",)})
    with empty_app(named) as app:
        answers = [
            app.test_client().get("/sign-in", headers={"X-Forwarded-Host": host}).status_code
            for host in ("clinic.example", "evil.example")
        ]

    assert answers == [200, 400]


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "/a\\b",
        "\\\\evil.example",
        "javascript:alert(1)",
        "evil",
        "",
        None,
    ],
)
def test_nobody_is_sent_to_another_server(app: Flask, target: str | None):
    with app.test_request_context():
        assert local_path(target) is None


def test_nobody_is_sent_to_another_program_of_the_host(app: Flask):
    with app.test_request_context(environ_overrides={"SCRIPT_NAME": PREFIX}):
        assert local_path("/other") is None
        assert local_path(f"{PREFIX}er/cases") is None
        assert local_path(f"{PREFIX}/cases") == f"{PREFIX}/cases"


def test_scripts_and_styles_write_no_address_of_their_own():
    files = [*(ROOT / "static").glob("js/**/*.js"), *(ROOT / "static").glob("css/**/*.css")]
    assert len(files) > 50
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"""(?:["'`]|url\()/[\w$]""", text), file
