import pytest

from services.reports.printing import (
    ASIAN,
    BOLD,
    FONT,
    NO_GLYPH,
    markup,
    runs,
    texts_of,
    texts_of_signature,
    unprintable,
)
from tests.reports import LABORATORY, snapshot, with_letterhead


@pytest.mark.parametrize(
    "text",
    ["Żółć, Ærø", "Οὐδέν", "Кровь", "骨髄", "血液", "골수", "e\u0301", "a\n\tb", "≥ 20–40 ·"],
)
def test_what_is_printed(text: str):
    assert unprintable([text]) == ()


@pytest.mark.parametrize("text", ["דם", "دم", "เลือด", "रक्त", "😀", "\u202e", "\u200d"])
def test_what_is_not_printed(text: str):
    assert unprintable([f"ok {text}", text]) == tuple(dict.fromkeys(text))


def test_each_run_has_its_font():
    assert runs("Case 骨髓 דok", BOLD) == [
        (BOLD, "Case "),
        (ASIAN, "骨髓"),
        (BOLD, f" {NO_GLYPH}ok"),
    ]
    assert runs("") == []
    assert runs("ok") == [(FONT, "ok")]


def test_markup_is_escaped():
    assert markup("a <b> & 血<") == f'a &lt;b&gt; &amp; <font name="{ASIAN}">血</font>&lt;'


def test_all_that_people_wrote_is_looked_at():
    (signature,) = with_letterhead().signatures
    texts = [*texts_of(snapshot(), LABORATORY), *texts_of_signature(signature)]
    for written in (
        *("Alder-7", "Wright", "Second smear.", LABORATORY.name, LABORATORY.contact),
        *("ada", "Dr Ada Byron", "Blasts are present.", "No further field."),
    ):
        assert written in texts
