import unicodedata

import pytest

from core.folding import fold


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("ärztin", "Ärztin"),
        ("ärztin", unicodedata.normalize("NFD", "ÄRZTIN")),
        ("ЕЛЬ", "Ель"),
        ("Straße", "STRASSE"),
        ("ﬁeld １", "FIELD 1"),
        ("two  words", " Two\nWords "),
    ],
)
def test_what_looks_the_same_is_the_same(typed: str, written: str):
    assert fold(typed) == fold(written)


def test_different_letters_stay_different():
    assert fold("arztin") != fold("ärztin")
