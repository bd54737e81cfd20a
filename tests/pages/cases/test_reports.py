"""Reports in the language of whoever reads them; what is signed and sent in none but English."""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from flask import Flask
from flask.testing import FlaskClient

from pages.cases import reports
from pages.cases.reports import FORMATS
from records.cases import signatures
from services.reports import formats
from services.reports.contents import ReportContents
from tests.marked_language import CODE, OPEN, marked_texts, unmarked_words
from tests.pages.cases.test_sign_off import look, path, sign
from tests.rich_reports import every_report
from tests.trail import entries

__all__ = ["path"]

GERMAN = {"Accept-Language": CODE}
KNOWN = {"SHA", "UTC", "März", "Leukoscope", "ada"}
"""Words that are the same in every language, the month of the reports, and the account."""

READ = {"alt", "aria-label", "title"}
REPORTS = every_report()


class Report(HTMLParser):
    """Collects what people read of the report in its page, and the title of the page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.inside = 0
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside += tag in {"article", "title"}
        if self.inside:
            self.texts += [value for name, value in attrs if name in READ and value]

    def handle_endtag(self, tag: str) -> None:
        self.inside -= tag in {"article", "title"}

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.texts.append(data)


@pytest.fixture
def _marked() -> Iterator[None]:
    with marked_texts():
        yield


@pytest.mark.usefixtures("_marked")
@pytest.mark.parametrize("contents", REPORTS.values(), ids=REPORTS)
def test_every_word_of_the_printed_page_is_translated(
    path: str, signed_in: FlaskClient, monkeypatch: pytest.MonkeyPatch, contents: ReportContents
):
    monkeypatch.setattr(formats, "collect_report", lambda *_: contents)
    monkeypatch.setattr(reports, "pictures_of", lambda *_: {contents.snapshot.cells[0].id: b""})
    text = "\n".join(Report(signed_in.get(f"{path}/report", headers=GERMAN).text).texts)

    assert OPEN in text
    assert unmarked_words(text, KNOWN) == set()
    names = {cell.name for cell in contents.snapshot.cells} | {"1.1", "1.2"}
    decimals = re.findall(r"\d+\.\d+", re.sub(r"1\.d\w+", "", text))
    assert set(decimals) - names == set()


@pytest.mark.usefixtures("_marked")
def test_what_is_signed_and_noted_is_in_no_language(app: Flask, path: str, signed_in: FlaskClient):
    signed_in.environ_base["HTTP_ACCEPT_LANGUAGE"] = CODE
    look(app, path)
    assert sign(signed_in, path).status_code == 303
    assert OPEN in signed_in.get(f"{path}/sign-off").text
    with app.app_context():
        (signature,) = signatures.of_case(path.rsplit("/", 1)[1])
        kept = json.dumps(signature.contents, ensure_ascii=False)
        noted = [json.loads(one.details) for one in entries()]
    assert "No further field." in kept
    assert OPEN not in kept
    assert OPEN not in json.dumps(noted, ensure_ascii=False)


@pytest.mark.usefixtures("_marked")
@pytest.mark.parametrize("suffix", sorted(set(FORMATS) - {"pdf"}))
def test_what_programs_read_is_in_english_for_everybody(
    path: str, signed_in: FlaskClient, monkeypatch: pytest.MonkeyPatch, suffix: str
):
    monkeypatch.setattr(formats, "collect_report", lambda *_: REPORTS["marrow"])
    german = signed_in.get(f"{path}/report.{suffix}", headers=GERMAN).data
    assert german == signed_in.get(f"{path}/report.{suffix}").data
    assert OPEN not in german.decode()
    assert b"Peripheral" in german or b"not a cell" in german or b"reviewed" in german
