"""The language of the pages: who reads which, and that nothing is left untranslated."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import jinja2
import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import nodes

from records import db
from records.analyses import analyses
from settings import ROOT, Settings
from tests.applications import empty_app
from tests.cases import open_case, put_cell, put_field
from tests.people import PASSWORD, account_named, csrf_token, post, sign_in_as

TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
WORD = re.compile(r"[^\W\d_]{2,}")
READ_BY_PEOPLE = {"alt", "aria-label", "data-label", "placeholder", "title"}
NAMES = {"Leukoscope", "CSV", "JSON", "DICOM", "SHA", "PDF", "µm"}
"""Words that are the same in every language."""


class Texts(HTMLParser):
    """Collects what people read of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._attributes: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in READ_BY_PEOPLE and value]

    def handle_data(self, data: str) -> None:
        self.found.append(data)


ENVIRONMENT = jinja2.Environment(extensions=["jinja2.ext.i18n"], autoescape=True)


def without_expressions(source: str) -> str:
    """The markup of a template: what stands in `trans` is translated, the rest is code."""
    translated = re.sub(r"\{%-?\s*trans\b.*?endtrans\s*-?%\}", "", source, flags=re.DOTALL)
    return re.sub(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", "", translated, flags=re.DOTALL)


def untranslated_texts(source: str) -> list[str]:
    texts = Texts()
    # The sides of a rectangle stand in a macro, outside of any element.
    texts.feed(re.sub(r'\b(x|y|width|height)=""', "", without_expressions(source)))
    return [text.strip() for text in texts.found if set(WORD.findall(text)) - NAMES]


def constants(node: nodes.Node, translated: bool = False) -> Iterator[str]:
    """Every text in the expressions of a template that is not translated."""
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name):
        translated = translated or node.node.name in {"_", "gettext", "ngettext"}
    if isinstance(node, nodes.Const) and isinstance(node.value, str) and not translated:
        yield node.value
    for child in node.iter_child_nodes():
        yield from constants(child, translated)


def reads_as_text(value: str) -> bool:
    """Whether a constant is a sentence or a word of a page, not a code, class or file."""
    if re.search(r"btn|^[a-z]+(-[a-z]+)+|form-|card-|%", value):
        return False
    return bool(re.match(r"[A-Z“][a-z]+", value)) or bool(re.search(r"[a-z]{2,} [a-z]{2,}", value))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_template_holds_an_untranslated_text(path: Path):
    source = path.read_text()
    assert untranslated_texts(source) == []
    found = [value for value in constants(ENVIRONMENT.parse(source)) if reads_as_text(value)]
    assert found == []


def test_an_untranslated_text_would_be_found():
    assert untranslated_texts("<p>Cells of {{ name }}</p>") == ["Cells of"]
    assert untranslated_texts('<a title="Open it">{{ _("Open") }}</a>') == ["Open it"]
    parsed = ENVIRONMENT.parse('{{ icon("trash") }}{{ "Delete it" if deletable }}')
    assert [one for one in constants(parsed) if reads_as_text(one)] == ["Delete it"]


PAGES = (
    *("/cases", "/cases/new", "/classify", "/detect", "/history", "/slides", "/models"),
    *("/admin/people", "/admin/statistics", "/admin/audit", "/reading-room/keys"),
    *("/account/password", "/account/sessions", "/account/second-factor", "/account/language"),
    *("/nowhere", "/history?since=no-day", "/cases?text=no+such+case"),
)
NAMED = re.compile(r"\.png|\d|^[a-z ]+: [a-z.]|FHIR|YOLO")
ENGLISH_PARTS = re.compile(r'<article[^>]*lang="en".*?</article>|<svg.*?</svg>', re.DOTALL)
"""What is English in every language, and pictures."""


def read(html: str) -> set[str]:
    """What people read of a page."""
    page = Texts()
    page.feed(ENGLISH_PARTS.sub("", html))
    texts = (" ".join(text.split()) for text in page.found)
    return {text for text in texts if WORD.search(text)}


def is_sentence(text: str) -> bool:
    """Whether a text is more than a word, a file, a secret or an entry of the audit trail."""
    words = WORD.findall(text.removesuffix(" · Leukoscope"))
    return len(words) > 1 and not NAMED.search(text)


def in_language(browser: FlaskClient, path: str, code: str) -> str:
    return browser.get(path, headers={"Accept-Language": code}).text


@pytest.fixture
def case_path(app: Flask, signed_in: FlaskClient) -> str:
    """The address of a case with a field and a cell."""
    with app.app_context():
        case = open_case(account_named("ada").id)
        put_field(case)
        put_cell(case)
        db.session.commit()
        return f"/cases/{case.id}"


@pytest.mark.parametrize("code", ["de", "fr", "es"])
def test_every_page_is_in_the_language_of_the_reader(
    app: Flask, signed_in: FlaskClient, case_path: str, code: str
):
    untranslated: dict[str, set[str]] = {}
    with app.app_context():
        field, cell = (one.id for one in analyses.of_case(case_path.split("/")[-1]))
    of_case = (f"{case_path}{part}" for part in ("", "/edit", "/add", "/reading-room", "/sign-off"))
    for path in (*PAGES, *of_case, f"/detect/{field}", f"/classify/{cell}"):
        html = in_language(signed_in, path, code)
        assert f'<html lang="{code}"' in html, path
        alike = read(html) & read(in_language(signed_in, path, "en"))
        untranslated[path] = {text for text in alike if is_sentence(text)}
    assert {path: texts for path, texts in untranslated.items() if texts} == {}


def test_the_browser_says_the_language_until_somebody_chooses(client: FlaskClient):
    assert '<html lang="de"' in in_language(client, "/sign-in", "de-AT,en;q=0.5")
    assert '<html lang="en"' in in_language(client, "/sign-in", "pt")

    post(client, "/language/fr")
    assert '<html lang="fr"' in in_language(client, "/sign-in", "de")


def test_an_unknown_language_is_no_page(client: FlaskClient):
    assert post(client, "/language/xx").status_code == 404
    assert client.get("/language/xx.js").status_code == 404


def test_choosing_before_signing_in_leads_back_to_the_page(client: FlaskClient):
    headers = {"Referer": "http://localhost/sign-up?next=/cases"}
    token = csrf_token(client)
    answer = client.post("/language/es", data={"csrf_token": token}, headers=headers)
    assert answer.location == "/sign-up?next=/cases"

    elsewhere = {"Referer": "http://evil.example/sign-up"}
    answer = client.post("/language/es", data={"csrf_token": token}, headers=elsewhere)
    assert answer.location == "/"


def test_the_language_of_an_account_wins_on_every_device(app: Flask, signed_in: FlaskClient):
    saved = post(signed_in, "/account/language", language="de")
    assert "Sprache gespeichert." in signed_in.get(saved.location).text
    other_device = app.test_client()
    post(other_device, "/sign-in", name="ada", password=PASSWORD)
    assert '<html lang="de"' in in_language(other_device, "/cases", "fr")

    post(signed_in, "/account/language", language="")
    assert '<html lang="fr"' in in_language(signed_in, "/cases", "fr")


def test_a_language_that_is_not_offered_is_refused(signed_in: FlaskClient):
    assert post(signed_in, "/account/language", language="xx").status_code == 422


def test_errors_are_in_the_language_of_whoever_asked(signed_in: FlaskClient):
    asked = {"Accept": "application/json", "Accept-Language": "de"}
    assert signed_in.get("/nowhere", headers=asked).json["error"].startswith("Unter dieser")


def test_the_scripts_have_their_texts_from_the_server(client: FlaskClient):
    page = in_language(client, "/sign-in", "de")
    address = re.search(r'src="(/language/de\.js\?version=\w+)"', page)[1]
    script = client.get(address)
    assert script.mimetype == "text/javascript"
    assert "Wartet auf die Verbindung" in script.text
    assert "immutable" in script.headers["Cache-Control"]
    assert ".js?version=" not in in_language(client, "/sign-in", "en")


def test_times_are_those_of_the_clinic_with_utc_beside(settings: Settings):
    berlin = settings.model_copy(update={"time_zone": "Europe/Berlin"})
    with empty_app(berlin) as app:
        page = sign_in_as(app, "ada").get("/account/sessions", headers={"Accept-Language": "de"})
        assert re.search(
            r'title="\d\d\. \w+\.? \d{4}, \d\d:\d\d UTC">.*(CET|CEST)</time>', page.text
        )
