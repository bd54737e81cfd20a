"""A language in which every translated word is marked, so that whatever is not stands out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import flask_babel
import pytest
from babel.support import NullTranslations

from services.language import ENGLISH, language

CODE = "de"
"""The language whose texts are marked; numbers and days are written as in it."""

OPEN, CLOSE = "‹", "›"
"""Around each word, for a text may go on over a page; no text of ours has either."""

_PLACES = re.compile(r"(%\(\w+\)[sd]|\{\w*\}|<[^<>]*>)")
_WORD = re.compile(r"[A-Za-zÀ-ɏ]+")
_MARKED = re.compile(f"{OPEN}{_WORD.pattern}{CLOSE}")


def mark(text: str) -> str:
    """Mark the words of a message but its places: what is filled in is translated by itself."""
    return "".join(
        part if number % 2 else _WORD.sub(rf"{OPEN}\g<0>{CLOSE}", part)
        for number, part in enumerate(_PLACES.split(text))
    )


def unmarked_words(text: str, known: set[str]) -> set[str]:
    """Words in Latin letters outside of all marks, but those that are known."""
    return {word for word in _WORD.findall(_MARKED.sub(" ", text)) if len(word) > 1} - known


class _Marked(NullTranslations):
    def ugettext(self, message: str) -> str:
        return mark(message)

    def ungettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return mark(msgid1 if n == 1 else msgid2)


@contextmanager
def marked_texts() -> Iterator[None]:
    """Let every text of `CODE` be marked English, instead of translated."""
    kinds = {ENGLISH: NullTranslations(), CODE: _Marked()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flask_babel.Domain, "get_translations", lambda _domain: kinds[language()])
        yield
