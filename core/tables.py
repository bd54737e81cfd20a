"""Tables as CSV that a spreadsheet of any country opens as they are."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from typing import TypeAlias

COMMA, SEMICOLON = ",", ";"
"""Separators of a CSV file. Excel expects semicolons where the decimal separator is a comma."""

BOM = "\ufeff"
"""Tells Excel that a file is UTF-8."""

Cell: TypeAlias = str | int | Decimal | date | None
"""Text is kept as text, numbers are numbers, None is an empty cell."""

# The last four are full-width letters.
_FORMULA_STARTS = (*"=+-@\t\r\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_DATE = r"\d{1,4}(?:[-/. ] ?\d{1,4}){1,2}\.?"
_TIME = r"\d{1,4}(?::\d{1,2}){1,2}(?:[.,]\d+)? ?(?:[ap]m?)?"
_GROUPS = r"\d{1,3}(?:[.,'’ \u00a0\u202f]\d{3})+"
_CURRENCY = r"[€$£¥₹]?"
_NUMBER = rf"\(?{_CURRENCY} ?(?=[.,]?\d)(?:{_GROUPS}|\d*)(?:[.,]\d*)?(?:e[+-]?\d+)? ?[%€$£¥₹]?\)?"
# How the names of months begin in European languages of Latin script.
_MONTH = (
    "jan|ene|gen|feb|fev|fév|mar|mär|mrz|mrt|apr|abr|avr|kwi|mai|may|maj|mei|mag|jun|jui|giu|jul|"
    "lug|aug|ago|aou|aoû|avg|sep|set|okt|oct|ott|out|nov|dec|dez|dic|déc"
)
_NAMED = rf"(?:{_MONTH})[^\W\d_]*\.?"
_NAMED_DATE = rf"(?:{_NAMED}[-/. ]*\d{{1,4}}|\d{{1,4}}[-/. ]*{_NAMED})(?:[-/., ]+\d{{1,4}})?"
_TAKEN_FOR_A_VALUE = re.compile(
    rf"\s*(?=.*\d)(?:{_NUMBER}|{_DATE}|{_TIME}|{_DATE} {_TIME}|{_NAMED_DATE}|\d+ \d+/\d+)\s*",
    re.IGNORECASE,
)


def as_text(text: str) -> str:
    """Mark text with an apostrophe where a spreadsheet would not keep it.

    It would compute a formula, and take "1-2" for a date, "007" for 7 and "1e5" for 100,000.
    """
    changed = text.startswith(_FORMULA_STARTS) or _TAKEN_FOR_A_VALUE.fullmatch(text)
    return f"'{text}" if changed else text


def write_csv(rows: Iterable[Iterable[Cell]], separator: str = COMMA) -> Iterator[str]:
    """Write a table, a line at a time.

    Args:
        rows: The heading, then the lines.
        separator: `COMMA` or `SEMICOLON`; with the latter, numbers have a decimal comma.

    Yields:
        The lines; the first begins with a byte order mark.
    """
    start = BOM
    for row in rows:
        buffer = io.StringIO(newline="")
        csv.writer(buffer, delimiter=separator).writerow(_shown(cell, separator) for cell in row)
        yield start + buffer.getvalue()
        start = ""


def _shown(cell: Cell, separator: str) -> str | int | None:
    if isinstance(cell, str):
        return as_text(cell)
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, Decimal):
        return f"{cell:f}".replace(".", "," if separator == SEMICOLON else ".")
    return cell
