import pytest

from core.texts import clean


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (None, ""),
        ("  Alder   7 ", "Alder 7"),
        ("Al\u200bder\u00ad-7\x07", "Alder-7"),
        ("one \r\n  two\n", "one\ntwo"),
    ],
)
def test_invisible_characters_and_repeated_spaces_go(typed: str | None, kept: str):
    assert clean(typed) == kept
