from datetime import UTC, date, datetime

import pytest
from flask import Flask

from services.language import (
    LazyText,
    format_date,
    format_datetime,
    format_number,
    format_percent,
    gettext,
    in_language,
    lazy_gettext,
    lower_first,
    midnight,
)

MOMENT = datetime(2026, 3, 31, 22, 30, tzinfo=UTC)


@pytest.fixture
def _in_the_application(app: Flask):
    with app.app_context():
        yield


def test_without_an_application_all_is_english():
    assert format_percent(0.5) == "50%"
    assert format_datetime(MOMENT) == "31 Mar 2026, 22:30 UTC"
    assert gettext("Blasts") == "Blasts"


@pytest.mark.usefixtures("_in_the_application")
@pytest.mark.parametrize(
    ("code", "number", "percent", "day"),
    [
        ("en", "2.5", "42%", "31 Mar 2026"),
        ("de", "2,5", "42\u00a0%", "31. März 2026"),
        ("fr", "2,5", "42\u00a0%", "31 mars 2026"),
        ("es", "2,5", "42\u00a0%", "31 mar 2026"),
    ],
)
def test_numbers_and_days_are_those_of_the_language(code: str, number: str, percent: str, day: str):
    with in_language(code):
        assert format_number(2.5, 1) == number
        assert format_percent(0.42) == percent
        assert format_date(date(2026, 3, 31)) == day


@pytest.mark.usefixtures("_in_the_application")
def test_a_lazy_text_is_english_where_it_is_kept_and_translated_where_it_is_shown():
    text = lazy_gettext("Blasts")
    with in_language("de"):
        assert (text, str(text), f"{text}") == ("Blasts", "Blasten", "Blasten")
        assert text.__html__() == "Blasten"
        assert (
            lazy_gettext("“{}” can now sign in.").format("ada") == "„ada“ kann sich jetzt anmelden."
        )


def test_a_lazy_text_is_escaped_where_it_is_shown():
    assert LazyText(lambda: "<b>").__html__() == "&lt;b&gt;"


@pytest.mark.usefixtures("_in_the_application")
def test_of_names_within_a_sentence_german_nouns_alone_keep_their_capital():
    with in_language("de"):
        assert lower_first("Blast") == "Blast"
        assert lower_first("Peripheres Blut") == "peripheres Blut"
        assert lower_first("Unscharf") == "unscharf"
    with in_language("fr"):
        assert lower_first("Blaste") == "blaste"


def test_days_begin_at_the_clinics_midnight(app: Flask):
    app.extensions["babel"].default_timezone = "Europe/Berlin"
    with app.app_context():
        assert midnight(date(2026, 7, 1)) == datetime(2026, 6, 30, 22, tzinfo=UTC)
        assert format_datetime(MOMENT) == "01 Apr 2026, 00:30 CEST"
