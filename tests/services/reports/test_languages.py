"""The report in the language of whoever reads it: nothing in it is English by itself."""

import re
from collections.abc import Iterator

import pypdfium2
import pytest
from flask import Flask

from services.language import in_language
from services.reports.contents import ReportContents
from services.reports.pdf import as_pdf
from tests.marked_language import CODE, OPEN, mark, marked_texts, unmarked_words
from tests.reports import signed
from tests.rich_reports import every_report, rich

KNOWN = {"SHA", "UTC", "März", "Leukoscope"}
"""Words that are the same in every language, and the month of the reports."""

REPORTS = every_report()


@pytest.fixture(autouse=True)
def _in_the_application(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


def text_of(contents: ReportContents) -> str:
    """All text of the PDF, its title included."""
    document = pypdfium2.PdfDocument(as_pdf(contents, {}))
    pages = (page.get_textpage().get_text_range() for page in document)
    return "\n".join([document.get_metadata_dict()["Title"], *pages])


def marked_text(contents: ReportContents) -> str:
    with marked_texts(), in_language(CODE):
        return text_of(contents)


@pytest.mark.parametrize("contents", REPORTS.values(), ids=REPORTS)
def test_every_word_of_the_pdf_is_translated(contents: ReportContents):
    text = marked_text(contents)
    assert OPEN in text
    assert unmarked_words(text, KNOWN) == set()


@pytest.mark.parametrize("contents", REPORTS.values(), ids=REPORTS)
def test_numbers_and_days_are_those_of_the_language(contents: ReportContents):
    names = {cell.name for cell in contents.snapshot.cells} | {"1.1", "1.2"}
    text = re.sub(r"1\.d\w+", "", marked_text(contents))
    assert set(re.findall(r"\d+\.\d+", text)) - names == set()
    assert re.findall(r"\d{4}-\d\d-\d\d", text) == []


def test_an_untranslated_word_would_be_found():
    assert mark("Cell %(name)s of {}") == "‹Cell› %(name)s ‹of› {}"
    assert unmarked_words("‹Cell› 1.2 Blast ‹of› UTC", KNOWN) == {"Blast"}


def test_the_day_of_collection_is_written_out():
    assert "19. März 2026" in marked_text(rich())


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("de", ("Lymphozyt", "Peripheres Blut", "nicht angegeben", "25,0")),
        ("fr", ("Lymphocyte", "Sang périphérique", "25,0")),
        ("es", ("Linfocito", "Sangre periférica", "25,0")),
    ],
)
def test_names_of_tables_are_translated_where_they_are_written(code: str, words: tuple[str, ...]):
    with in_language(code):
        text = text_of(signed()).replace("\r\n", " ")
    assert [word for word in words if word not in text] == []


def test_a_report_in_english_is_as_before():
    with marked_texts():
        text = text_of(signed()).replace("\r\n", " ")
    assert OPEN not in text
    assert "Peripheral blood" in text
