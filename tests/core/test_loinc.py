import pytest

from core.loinc import is_loinc
from core.taxonomy import CELL_CLASSES


@pytest.mark.parametrize(
    "code",
    ["718-7", "19048-8", "24318-8", *(one.loinc[0] for one in CELL_CLASSES if one.loinc)],
)
def test_codes_of_loinc_are_known_by_their_check_digit(code: str):
    assert is_loinc(code)
    wrong = (int(code[-1]) + 1) % 10
    assert not is_loinc(f"{code[:-1]}{wrong}")


@pytest.mark.parametrize(
    "text", ["", "26446", "26446-", "-5", "26446-5 ", "264460-1", "٢٦٤٤٦-٥", "26446–5", "LP7-1"]
)
def test_anything_else_is_none(text: str):
    assert not is_loinc(text)
