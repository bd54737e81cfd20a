"""Keep the translations: list every text of the code, carry it into each language, compile."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from services.language import ENGLISH, LANGUAGES

ROOT = Path(__file__).resolve().parents[1]
TRANSLATIONS = Path("pages/translations")

KEYWORDS = {
    "_": None,
    "gettext": None,
    "lazy_gettext": None,
    "translatable": None,
    "ngettext": (1, 2),
}
SOURCES = {
    "messages": {
        "core": "python",
        "imaging": "python",
        "jobs": "python",
        "pages": "python",
        "records": "python",
        "services": "python",
        "templates": "jinja2",
    },
    "scripts": {"static/js": "javascript"},
}
"""The catalogs: which folders each is taken from, and in which language those are written."""

OPTIONS = {"newstyle_gettext": "true", "silent": "false", "parse_template_string": "true"}

ANY_DAY = datetime(2026, 1, 1, tzinfo=UTC)
HEADER = "# Texts of Leukoscope, in the order of the files."
LEFT_OUT = tuple(
    f'"{name}'.encode()
    for name in (
        "Project-Id-Version",
        "Report-Msgid-Bugs-To",
        "POT-Creation-Date",
        "PO-Revision-Date",
        "Last-Translator",
        "Language-Team",
        "Generated-By",
    )
)
"""Headers that would change with every run, or name nobody."""

PATTERNS = {"python": "**.py", "jinja2": "**.html", "javascript": "**.js"}
TRANSLATED = sorted(set(LANGUAGES) - {ENGLISH})


def extract(domain: str, root: Path = ROOT) -> Catalog:
    """List the texts of the code, in the order of the files."""
    catalog = Catalog(fuzzy=False)
    for folder, method in SOURCES[domain].items():
        pattern = PATTERNS[method]
        found = extract_from_dir(
            root / folder,
            [(pattern, method)],
            keywords=KEYWORDS,
            options_map={pattern: OPTIONS},
        )
        for name, line, texts, _comments, context in sorted(found, key=lambda one: one[:2]):
            catalog.add(texts, None, [(f"{folder}/{name}", line)], context=context)
    return catalog


def po_of(code: str, domain: str, root: Path = ROOT) -> Path:
    """Name the file with a language's translations of a catalog."""
    return root / TRANSLATIONS / code / "LC_MESSAGES" / f"{domain}.po"


def read(path: Path) -> Catalog:
    """Read a file of translations."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parts[-3])


def text_of(catalog: Catalog) -> bytes:
    """Write a catalog as its file has it: places without lines, no dates, no names."""
    catalog.header_comment = HEADER
    buffer = io.BytesIO()
    write_po(buffer, catalog, width=100, include_lineno=False)
    lines = buffer.getvalue().splitlines()
    return b"\n".join(line for line in lines if not line.startswith(LEFT_OUT)).rstrip() + b"\n"


def compiled(catalog: Catalog) -> bytes:
    """Compile a catalog to what the server reads: the same bytes on any day."""
    catalog.creation_date = catalog.revision_date = ANY_DAY
    buffer = io.BytesIO()
    write_mo(buffer, catalog)
    return buffer.getvalue()


def plain(catalog: Catalog) -> list[Message]:
    """Return the messages of a catalog without its header."""
    return [message for message in catalog if message.id]


def update() -> None:
    """Bring every catalog up to date and say what is missing."""
    for domain in SOURCES:
        template = extract(domain)
        (ROOT / TRANSLATIONS / f"{domain}.pot").write_bytes(text_of(template))
        for code in TRANSLATED:
            path = po_of(code, domain)
            path.parent.mkdir(parents=True, exist_ok=True)
            catalog = read(path) if path.exists() else Catalog(locale=code, fuzzy=False)
            catalog.update(template, no_fuzzy_matching=True)
            catalog.obsolete.clear()
            path.write_bytes(text_of(catalog))
            # Read again: what is compiled is what the file says.
            path.with_suffix(".mo").write_bytes(compiled(read(path)))
            missing = sum(not _translated(message) for message in plain(catalog))
            print(f"{code} {domain}: {len(plain(catalog))} texts, {missing} not translated")


def _translated(message: Message) -> bool:
    strings = message.string if isinstance(message.string, (list, tuple)) else [message.string]
    return all(strings)


if __name__ == "__main__":
    update()
