import pytest

from services.cases import pseudonyms
from services.cases.pseudonyms import doubts, refusal


@pytest.mark.parametrize(
    ("pseudonym", "sentence"),
    [
        ("anna.miller@example.org", pseudonyms.EMAIL),
        ("AM 12.03.1985", pseudonyms.DATE),
        ("AM-1985-03-12", pseudonyms.DATE),
        ("3/25/2019", pseudonyms.DATE),
        ("Mrs Miller", pseudonyms.ADDRESSED),
        ("frau Müller", pseudonyms.ADDRESSED),
        ("Dr. K", pseudonyms.ADDRESSED),
        ("MRN 88", pseudonyms.NUMBERED),
        ("nhs: 943", pseudonyms.NUMBERED),
        ("078-05-1120", pseudonyms.NUMBERED),
    ],
)
def test_what_certainly_identifies_somebody_is_refused(pseudonym: str, sentence: str):
    assert refusal(pseudonym) == sentence


@pytest.mark.parametrize(
    ("pseudonym", "sentences"),
    [
        ("Anna Miller", [pseudonyms.TWO_NAMES]),
        ("MILLER, ANNA", [pseudonyms.TWO_NAMES]),
        ("Zoë O’Neil-Šimić 7", [pseudonyms.TWO_NAMES]),
        ("Miller", [pseudonyms.ONE_NAME]),
        ("4711002", [pseudonyms.LONG_NUMBER]),
        ("943 476 5919", [pseudonyms.LONG_NUMBER]),
        ("Anna Miller 19850312", [pseudonyms.LONG_NUMBER, pseudonyms.TWO_NAMES]),
    ],
)
def test_what_looks_like_a_name_or_a_number_is_doubted(pseudonym: str, sentences: list[str]):
    assert refusal(pseudonym) is None
    assert doubts(pseudonym) == sentences


@pytest.mark.parametrize(
    "pseudonym", ["Alder-7", "AL-2026-014", "case 12", "Blue heron 3", "A 1", "B-ALL 4", "x9q2"]
)
def test_what_tells_nothing_is_taken(pseudonym: str):
    assert (refusal(pseudonym), doubts(pseudonym)) == (None, [])
