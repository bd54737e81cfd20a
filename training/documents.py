"""Results in documents: text between `<!-- NAME:begin -->` and `<!-- NAME:end -->`."""

from pathlib import Path
from typing import Any

from training.manifest import amend


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


def record(name: str, weights: Path, docs: Path, metrics: dict[str, Any], text: str) -> None:
    """Put metrics into manifest, model card and validation document.

    Args:
        name: Of the markers in both documents.
        weights: Folder of the network, its manifest and its card.
        docs: Folder of `validation.md`.
        metrics: For the manifest.
        text: For the documents, Markdown.
    """
    amend(weights, metrics=metrics)
    for document in (docs / "validation.md", weights / "model_card.md"):
        replace_between(document, name, text)


def table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Return a Markdown table; all columns but the first are aligned to the right."""
    rule = ("---", *("---:" for _ in header[1:]))
    return "\n".join("| " + " | ".join(row) + " |" for row in (header, rule, *rows))
