"""The language and time zone of whoever reads: texts, numbers, days and times.

Flask-Babel keeps both with the request. Without a request (tasks, commands) all is English.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, time
from functools import cache
from pathlib import Path

import flask_babel
import pytz
from babel import Locale
from babel.dates import format_date as babel_date
from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo
from flask_babel import force_locale, gettext, ngettext
from markupsafe import escape

__all__ = [
    "ENGLISH",
    "LANGUAGES",
    "TRANSLATIONS",
    "LazyText",
    "format_date",
    "format_datetime",
    "format_day",
    "format_day_month",
    "format_number",
    "format_percent",
    "format_utc",
    "gettext",
    "in_language",
    "join",
    "language",
    "lazy_gettext",
    "local",
    "localize",
    "lower_first",
    "midnight",
    "ngettext",
    "per_cent",
    "read_catalog",
    "upper_first",
]

TRANSLATIONS = Path(__file__).parents[1] / "pages" / "translations"
ENGLISH = "en"
LANGUAGES = {ENGLISH: "English", "de": "Deutsch", "fr": "Français", "es": "Español"}
"""Every language of the pages, by its code, as its readers write it."""

DAYS = {ENGLISH: "dd MMM yyyy", "de": "dd. MMM yyyy", "fr": "dd MMM yyyy", "es": "dd MMM yyyy"}
"""How a day is written: the month in letters, so that none takes it for the day."""


class LazyText(str):
    """A text for a table: English where it is kept or compared, translated where it is shown."""

    def __new__(cls, write: Callable[[], str]) -> LazyText:
        """Make a text that `write` writes in the language of whoever reads."""
        text = super().__new__(cls, write())
        text._write = write
        return text

    _write: Callable[[], str]

    def __str__(self) -> str:
        return self._write()

    def __html__(self) -> str:
        return str(escape(self._write()))

    def __format__(self, spec: str) -> str:
        return format(self._write(), spec)

    def __mod__(self, values: object) -> str:
        return self._write() % values

    def format(self, *values: object, **named: object) -> str:
        """Fill the places of the translated text."""
        return self._write().format(*values, **named)


def lazy_gettext(text: str, **values: object) -> str:
    """Return a text that is translated wherever it is shown, for tables of texts."""
    return LazyText(lambda: gettext(text, **values))


def language() -> str:
    """Return the code of the language of whoever reads."""
    locale = flask_babel.get_locale()
    return locale.language if locale else ENGLISH


def read_catalog(code: str, domain: str) -> Catalog:
    """Read the compiled translations of a language: "messages" of the server, or "scripts"."""
    path = TRANSLATIONS / code / "LC_MESSAGES" / f"{domain}.mo"
    with path.open("rb") as file:
        return read_mo(file)


def in_language(code: str) -> AbstractContextManager[None]:
    """Write in a language, whoever reads."""
    return force_locale(code)


def format_number(value: float, decimals: int = 0) -> str:
    """Write a number with the decimal sign of the language."""
    return localize(f"{value:.{decimals}f}")


def format_percent(share: float, decimals: int = 0) -> str:
    """Write a share (0..1) in per cent, as “42%” or “42 %”."""
    return per_cent(f"{share:.{decimals}%}".removesuffix("%"))


def per_cent(number: str) -> str:
    """Write a formatted number of per cent, as “42%” or “42 %”."""
    return localize(number) + _percent_sign()


def local(moment: datetime) -> datetime:
    """Return a point in time (aware) in the clinic's time zone; in UTC outside the application."""
    return moment.astimezone(_zone())


def midnight(day: date) -> datetime:
    """Return the point in time (aware) with which a day begins at the clinic."""
    return _zone().localize(datetime.combine(day, time.min))


def format_datetime(moment: datetime) -> str:
    """Write a point in time (aware) for a reader, in the clinic's time zone."""
    return _with_zone(local(moment))


def format_utc(moment: datetime) -> str:
    """Write a point in time (aware) for a reader, in UTC."""
    return _with_zone(moment.astimezone(UTC))


def format_day(moment: datetime) -> str:
    """Write the day of a point in time (aware), in the clinic's time zone."""
    return format_date(local(moment).date())


def format_date(day: date) -> str:
    """Write a day for a reader."""
    return babel_date(day, DAYS[language()], locale=_locale())


def format_day_month(day: date) -> str:
    """Write a day without its year, below a chart."""
    return babel_date(day, DAYS[language()].removesuffix(" yyyy"), locale=_locale())


def join(texts: Iterable[object]) -> str:
    """List texts, as "out of focus, pale stain"."""
    return ", ".join(str(text) for text in texts)


_GERMAN_BEFORE_NOUNS = frozenset(
    {
        "anderer",
        "basophiler",
        "blasse",
        "einzelne",
        "eosinophiler",
        "geringe",
        "kein",
        "keine",
        "leeres",
        "mehrere",
        "neutrophiler",
        "nicht",
        "peripheres",
        "starke",
        "unreifer",
        "unscharf",
        "zu",
        "überbelichtet",
    }
)
"""First words of German names that are no noun, or whose noun comes later."""


def lower_first(text: str) -> str:
    """Write a name within a sentence: lower case, but for the nouns of German."""
    text = str(text)
    if language() != "de":
        return text.lower()
    first = text.partition(" ")[0].lower()
    return text[:1].lower() + text[1:] if first in _GERMAN_BEFORE_NOUNS else text


def localize(number: str) -> str:
    """Write a formatted number with the decimal sign of the language."""
    return number.replace(".", _locale().number_symbols["latn"]["decimal"])


def upper_first(text: str) -> str:
    """Begin a text with a capital letter."""
    return str(text)[:1].upper() + str(text)[1:]


def _with_zone(moment: datetime) -> str:
    return f"{format_date(moment.date())}, {moment:%H:%M} {moment.tzname()}"


def _zone() -> pytz.BaseTzInfo:
    zone = flask_babel.get_timezone() if flask_babel.get_locale() else None
    return zone or pytz.utc


def _percent_sign() -> str:
    return _locale().percent_formats[None].suffix[0]


def _locale() -> Locale:
    return _locale_of(language())


@cache
def _locale_of(code: str) -> Locale:
    return Locale(code)
