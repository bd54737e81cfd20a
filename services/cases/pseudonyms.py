"""Checks whether a pseudonym identifies its patient: refused, or only doubted."""

from __future__ import annotations

import re
from itertools import pairwise

from services.language import lazy_gettext

EMAIL = lazy_gettext("This is an e-mail address. Choose a code that does not identify the patient.")
DATE = lazy_gettext(
    "This contains a date, and a date of birth identifies a patient. Leave it out. The collection "
    "date has its own field."
)
ADDRESSED = lazy_gettext(
    "This contains a title and a name. Choose a code that does not identify the patient."
)
NUMBERED = lazy_gettext(
    "This looks like a record or insurance number of the patient. Choose another code."
)

LOOK_AGAIN = lazy_gettext("Could this identify the patient?")
LONG_NUMBER = lazy_gettext(
    "It has six or more digits in a row, like a record number or date of birth."
)
TWO_NAMES = lazy_gettext("It looks like a first name and a surname.")
ONE_NAME = lazy_gettext("It is a single word without a digit, like a surname.")

_DAY, _MONTH, _YEAR = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])", r"(?:19|20)\d\d"
_SEPARATE = r"(?<!\d){}(?!\d)"

_REFUSED = (
    (re.compile(r"\S@\S[^\s.@]*\.\S"), EMAIL),
    (re.compile(_SEPARATE.format(rf"{_DAY}[./ -]{_MONTH}[./ -]{_YEAR}")), DATE),
    (re.compile(_SEPARATE.format(rf"{_MONTH}[./ -]{_DAY}[./ -]{_YEAR}")), DATE),
    (re.compile(_SEPARATE.format(rf"{_YEAR}[./ -]{_MONTH}[./ -]{_DAY}")), DATE),
    (re.compile(r"\b(?:mrs?|ms|miss|dr|prof|herr|frau|mme|sra?)\b\.?\s+[^\W\d_]", re.I), ADDRESSED),
    (re.compile(r"\b(?:mrn|dob|nhs|ssn|ahv|svnr)\b\W*\d", re.I), NUMBERED),
    (re.compile(_SEPARATE.format(r"\d{3}-\d{2}-\d{4}")), NUMBERED),
)
_LONG_NUMBER = re.compile(r"\d{6}|(?<!\d)\d{3} \d{3} \d{2,4}(?!\d)")
_NAME = re.compile(r"[^\W\d_](?:['’-]?[^\W\d_])+")


def refusal(pseudonym: str) -> str | None:
    """Say why a pseudonym certainly identifies its patient; None where it does not."""
    return next((sentence for pattern, sentence in _REFUSED if pattern.search(pseudonym)), None)


def doubts(pseudonym: str) -> list[str]:
    """Say what makes a pseudonym look like a patient's name or number."""
    names = [_is_name(word) for word in re.split(r"[\s,;]+", pseudonym.strip())]
    doubts = (
        (LONG_NUMBER, _LONG_NUMBER.search(pseudonym)),
        (TWO_NAMES, any(map(all, pairwise(names)))),
        (ONE_NAME, names == [True]),
    )
    return [sentence for sentence, applies in doubts if applies]


def objection(pseudonym: str, checked: bool) -> str | None:
    """Say why a pseudonym is not taken, also where it is only doubted and nobody `checked` it."""
    if refused := refusal(pseudonym):
        return refused
    found = [] if checked else doubts(pseudonym)
    return " ".join(map(str, (LOOK_AGAIN, *found))) if found else None


def _is_name(word: str) -> bool:
    return word[:1].isupper() and _NAME.fullmatch(word) is not None
