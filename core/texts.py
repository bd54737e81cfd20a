"""Text as people type it."""

from __future__ import annotations

import unicodedata


def clean(text: str | None) -> str:
    """Remove invisible characters and repeated spaces; line ends stay."""
    text = text or ""
    # Looked up once for each character that occurs: texts of megabytes come before their limit.
    hidden = [one for one in set(text) if unicodedata.category(one)[0] == "C" and not one.isspace()]
    shown = text.translate(dict.fromkeys(map(ord, hidden))) if hidden else text
    return "\n".join(" ".join(line.split()) for line in shown.splitlines()).strip()
