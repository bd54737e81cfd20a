import pytest
from flask import Flask

from services.language import in_language
from services.stored_texts import translated


@pytest.fixture(autouse=True)
def _in_the_application(app: Flask):
    with app.app_context():
        yield


def test_a_kept_text_is_translated_for_whoever_reads_it():
    kept = "The image is no longer there."
    with in_language("de"):
        assert translated(kept) == "Das Bild ist nicht mehr vorhanden."
    assert translated(kept) == kept


def test_the_values_of_a_kept_text_stay():
    kept = "This slide is there already, as “smear.svs”. Its cells would count twice."
    with in_language("fr"):
        assert "smear.svs" in translated(kept)
        assert translated(kept).startswith("Cette lame")


def test_a_text_that_nobody_translated_stays_as_it_is():
    with in_language("es"):
        assert translated("Nothing like it.") == "Nothing like it."
