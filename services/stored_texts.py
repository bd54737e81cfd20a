"""Texts that are kept in English, translated for whoever reads them."""

from __future__ import annotations

import re
from functools import cache

from services.language import ENGLISH, gettext, language, read_catalog

_PLACE = re.compile(r"\{[^}]*\}")


def translated(text: str) -> str:
    """Translate a text of a task, a file or an error; English where nothing is known of it.

    Texts with places for values are found by their form, and the values are translated as well.
    """
    code = language()
    known = gettext(text)
    if code == ENGLISH or known != text:
        return known
    for form, english in _forms(code):
        values = form.fullmatch(text)
        if values:
            return _filled(gettext(english), [translated(value) for value in values.groups()])
    return text


def _filled(text: str, values: list[str]) -> str:
    places = iter(values)
    return _PLACE.sub(lambda _place: next(places), text)


@cache
def _forms(code: str) -> list[tuple[re.Pattern[str], str]]:
    """Return every translated text with places, most letters first, as what matches it."""
    catalog = read_catalog(code, "messages")
    texts = [one.id for one in catalog if isinstance(one.id, str) and _PLACE.search(one.id)]
    texts.sort(key=lambda text: len(_PLACE.sub("", text)), reverse=True)
    return [(_form(text), text) for text in texts]


def _form(text: str) -> re.Pattern[str]:
    parts = (re.escape(part) for part in _PLACE.split(text))
    return re.compile("(.+?)".join(parts), re.DOTALL)
