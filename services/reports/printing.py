"""The fonts of the PDF report, and which characters they have.

Source Sans Pro (SIL OFL) has Latin, Greek and Cyrillic, Droid Sans Fallback (Apache 2.0) Chinese,
Japanese and Korean. Scripts whose letters must be joined, reordered or set from right to left are
in neither, so that none is printed wrongly: `unprintable` names their characters.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import cache
from html import escape
from importlib.resources import files
from itertools import groupby
from pathlib import Path

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

from services.cases.signed_contents import SignedContents
from services.cases.snapshot import CaseSnapshot
from services.laboratory.letterhead import Laboratory
from services.reports.contents import SignatureLine

FONT, BOLD = "SourceSansPro", "SourceSansPro-Semibold"
ASIAN = "DroidSansFallback"

NO_GLYPH = "\u25a0"
"""What is printed in place of a character that no font has."""

_ASIAN_FILE = Path(__file__).parent / "fonts" / "DroidSansFallback.ttf"
_SPACES = frozenset("\r\n\t")


@cache
def register_fonts() -> None:
    """Make Source Sans Pro known to reportlab; the Asian font follows when it is needed."""
    folder = files("font_source_sans_pro") / "files"
    for name, file in ((FONT, "SourceSansPro-Regular"), (BOLD, "SourceSansPro-Semibold")):
        pdfmetrics.registerFont(TTFont(name, str(folder / f"{file}.ttf")))


def unprintable(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the characters that no font has, each once, in their order."""
    characters = (one for text in texts for one in _composed(text))
    return tuple(dict.fromkeys(one for one in characters if _font_of(one) is None))


def texts_of(snapshot: CaseSnapshot, laboratory: Laboratory | None) -> list[str]:
    """Return what people wrote of a case and of the laboratory."""
    of, head = snapshot.specimen, laboratory or Laboratory()
    written = [of.pseudonym, of.accession, of.stain, of.magnification, of.notes]
    written += [snapshot.amended_because or "", head.name, head.contact, head.ranges_source]
    return [*written, *(one.name for one in snapshot.own_classes)]


def texts_of_signature(signature: SignatureLine | SignedContents) -> list[str]:
    """Return what somebody wrote who signed, with their names."""
    reasons = [check.reason or "" for check in signature.checks or ()]
    return [signature.reader, signature.full_name, signature.conclusion, *reasons]


def runs(text: str, font: str = FONT) -> list[tuple[str, str]]:
    """Split a text by the font of its characters; `NO_GLYPH` stands for those that none has.

    Returns:
        Font and text of each run; the first font is `font`, unless a run is Asian.
    """
    shown = ((_font_of(one), one) for one in _composed(text))
    named = ((ASIAN if has == ASIAN else font, one if has else NO_GLYPH) for has, one in shown)
    return [
        (name, "".join(one for _, one in group))
        for name, group in groupby(named, key=lambda pair: pair[0])
    ]


def markup(text: str) -> str:
    """Write a plain text as reportlab's paragraphs take it, Asian characters in their font."""
    return "".join(
        f'<font name="{ASIAN}">{escape(run)}</font>' if font == ASIAN else escape(run)
        for font, run in runs(text)
    )


def has_asian(text: str) -> bool:
    """Say whether a line of the text may be broken between any two characters."""
    return any(font == ASIAN for font, _ in runs(text))


def _composed(text: str) -> str:
    # Marks that are typed on their own cannot be placed; whole letters are in the fonts.
    return unicodedata.normalize("NFC", text)


def _font_of(character: str) -> str | None:
    if character in _SPACES or ord(character) in _latin():
        return FONT
    return ASIAN if ord(character) in _asian() else None


@cache
def _latin() -> frozenset[int]:
    register_fonts()
    return _characters_of(FONT)


@cache
def _asian() -> frozenset[int]:
    # Some tenths of a second, so only for who writes in these scripts.
    pdfmetrics.registerFont(TTFont(ASIAN, str(_ASIAN_FILE)))
    return _characters_of(ASIAN)


def _characters_of(font: str) -> frozenset[int]:
    face = pdfmetrics.getFont(font).face  # pyright: ignore[reportAttributeAccessIssue]  no stubs
    return frozenset(face.charToGlyph)
