"""Text as a search compares it."""

from __future__ import annotations

import unicodedata


def fold(text: str) -> str:
    """Return a text without differences of case, width, composition and spaces.

    Example:
        >>> fold("STRASSE") == fold("Straße"), fold("ЕЛЬ 7") == fold(" Ель  7 ")
        (True, True)
    """
    composed = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(unicodedata.normalize("NFKC", composed).split())
