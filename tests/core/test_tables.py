"""Tables, read back by another library."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal

import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.tables import BOM, COMMA, SEMICOLON, as_text, write_csv


@pytest.mark.parametrize(
    "text",
    [
        *("1-2", "3/4", "1.2", "1.2.3", "12:30", "12:30:05 pm", "2026-11-29", "29.11.2026 12:30"),
        *("007", "0", "1e5", "12E-3", "1,000", "1.234.567", "1'000", "10%", "$5", "5 €", "(5)"),
        *("1 1/2", " 7 ", "MAR1", "Mar-7", "7 mai", "SEPT2", "3. Dez 2026", "Déc-4", "٣-٤"),
    ],
)
def test_what_a_spreadsheet_would_take_for_a_value_stays_text(text: str):
    assert as_text(text) == f"'{text}"


@pytest.mark.parametrize(
    "text",
    [
        *("", "Alder-7", "field 7.png", "1-2.png", "2026.11.22-1", "c-1", "127.0.0.1", "ada"),
        *("2026-11-23T07:05:06.007000+00:00", "Cell 1.1: blast / lymphocyte", "e5", "ab" * 32),
    ],
)
def test_other_text_stays_as_it_is(text: str):
    assert as_text(text) == text


@pytest.mark.parametrize("start", [*"=+-@\t\r\n", "＝", "＋", "－", "＠"])
def test_no_text_is_a_formula(start: str):
    assert as_text(f"{start}1+1") == f"'{start}1+1"


def read(text: str, separator: str) -> list[list[str]]:
    table = pandas.read_csv(
        io.BytesIO(text.encode()),
        sep=separator,
        encoding="utf-8-sig",
        dtype=str,
        header=None,
        keep_default_na=False,
    )
    return table.values.tolist()


ROWS = [
    ["file", "number", "share", "on", "nothing"],
    ['a;"b",\nc', 3, Decimal("0.5000"), date(2026, 11, 29), None],
    ["Οὐδέν", -3, Decimal("-1E+3"), date(2026, 1, 2), None],
]


@pytest.mark.parametrize(
    ("separator", "shares"), [(COMMA, ["0.5000", "-1000"]), (SEMICOLON, ["0,5000", "-1000"])]
)
def test_a_table_is_read_back(separator: str, shares: list[str]):
    text = "".join(write_csv(ROWS, separator))

    assert text.startswith(BOM)
    assert text.count(BOM) == 1
    heading, first, second = read(text, separator)
    assert heading == ROWS[0]
    assert first == ['a;"b",\nc', "3", shares[0], "2026-11-29", ""]
    assert second == ["Οὐδέν", "-3", shares[1], "2026-01-02", ""]


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\r\n\x00")))
def test_any_text_comes_back_behind_at_most_an_apostrophe(text: str):
    for separator in (COMMA, SEMICOLON):
        rows = read("".join(write_csv([["x", "y"], [text, 1]], separator)), separator)
        assert rows[1][0].removeprefix("'") == text.removeprefix("'")
