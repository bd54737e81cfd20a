"""Results in documents: text between `<!-- NAME:begin -->` and `<!-- NAME:end -->`."""

import re
from pathlib import Path


def replace_between(path: Path, name: str, text: str) -> None:
    """Put text between the markers of a name in a Markdown file.

    A file without these markers gets them at its end; a missing file is made.
    """
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    block = f"{begin}\n{text.strip()}\n{end}"
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    if begin in old and end in old:
        before, rest = old.split(begin, 1)
        new = before + block + rest.split(end, 1)[1]
    else:
        new = f"{old.rstrip()}\n\n{block}\n".lstrip()
    path.write_text(new, encoding="utf-8")


def point_links(document: Path, model: str, version: str) -> None:
    """Lead a document's links into a model's weights to a version."""
    text = document.read_text(encoding="utf-8")
    pointed = re.sub(rf"(?<=weights/{model}/)[^/\s)]+(?=/)", version, text)
    if pointed != text:
        document.write_text(pointed, encoding="utf-8")


def table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Return a Markdown table; all columns but the first are aligned to the right."""
    rule = ("---", *("---:" for _ in header[1:]))
    return "\n".join("| " + " | ".join(row) + " |" for row in (header, rule, *rows))
