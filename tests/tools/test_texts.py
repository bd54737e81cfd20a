"""The translations: every text of the code in every language, and nothing else."""

import re
from collections import Counter

import pytest
from babel.messages.catalog import Catalog, Message

from tools.texts import ROOT, SOURCES, TRANSLATED, TRANSLATIONS, compiled, extract, plain, po_of
from tools.texts import read as read_catalog

PLACES = re.compile(r"%\(\w+\)s|%%|\{[^}]*\}|<[^>]+>")
IN_SCRIPTS = re.compile(r'\bn?gettext\(\s*"((?:[^"]|"\s*\+\s*")*)"')
PLURALS = re.compile(
    r"\{% trans ([^%]+?)%\}(?:(?!\{% endtrans %\}).)*?\{% pluralize([^%]*)%\}", re.DOTALL
)
EVERY = [(code, domain) for code in TRANSLATED for domain in SOURCES]


@pytest.fixture(scope="module")
def templates() -> dict[str, Catalog]:
    return {domain: extract(domain) for domain in SOURCES}


def strings(message: Message) -> list[str]:
    found = message.string if isinstance(message.string, (list, tuple)) else [message.string]
    return [str(one or "") for one in found]


def ids(catalog: Catalog) -> set[object]:
    return {message.id for message in plain(catalog)}


def places(text: str) -> Counter[str]:
    return Counter(PLACES.findall(text))


@pytest.mark.parametrize("domain", list(SOURCES))
def test_the_list_of_texts_is_that_of_the_code(templates: dict[str, Catalog], domain: str):
    path = ROOT / TRANSLATIONS / f"{domain}.pot"
    assert ids(read_catalog(path)) == ids(templates[domain]), "texts have changed: make texts"


def test_the_list_has_what_stands_in_other_calls_and_template_strings(
    templates: dict[str, Catalog],
):
    listed = {one if isinstance(one, str) else one[0] for one in ids(templates["scripts"])}
    written = {
        re.sub(r'"\s*\+\s*"', "", text)
        for script in (ROOT / "static" / "js").rglob("*.js")
        for text in IN_SCRIPTS.findall(script.read_text())
    }
    assert len(written) > 100
    assert written <= listed, "take it out of the call around it"


@pytest.mark.parametrize(("code", "domain"), EVERY)
def test_every_text_is_translated(templates: dict[str, Catalog], code: str, domain: str):
    catalog = read_catalog(po_of(code, domain))
    assert ids(catalog) == ids(templates[domain]), "texts have changed: make texts"
    missing = [one.id for one in plain(catalog) if one.fuzzy or not all(strings(one))]
    assert missing == []


@pytest.mark.parametrize(("code", "domain"), EVERY)
def test_translations_have_the_values_and_marks_of_the_text(code: str, domain: str):
    for message in plain(read_catalog(po_of(code, domain))):
        english = [message.id] if isinstance(message.id, str) else list(message.id)
        for text in strings(message):
            assert any(places(text) == places(one) for one in english), text


@pytest.mark.parametrize(("code", "domain"), EVERY)
def test_no_translation_closes_the_attribute_it_stands_in(code: str, domain: str):
    for message in plain(read_catalog(po_of(code, domain))):
        english = message.id if isinstance(message.id, str) else message.id[0]
        for text in strings(message):
            assert ('"' in text) <= ('"' in english), text


@pytest.mark.parametrize(("code", "domain"), EVERY)
def test_what_is_served_is_compiled_of_the_translations(code: str, domain: str):
    path = po_of(code, domain)
    assert path.with_suffix(".mo").read_bytes() == compiled(read_catalog(path))


def test_a_plural_is_that_of_the_count():
    """Jinja takes the first variable for it, unless another one is named."""
    wrong = [
        variables
        for path in (ROOT / "templates").rglob("*.html")
        for variables, plural in PLURALS.findall(path.read_text(encoding="utf-8"))
        if not variables.startswith("count=") and not plural.strip()
    ]
    assert wrong == []
