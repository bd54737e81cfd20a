"""What people are told of text that the PDF report cannot print."""

from __future__ import annotations

from collections.abc import Sequence

from wtforms import Form, StringField
from wtforms.validators import ValidationError

from pages.common.text_fields import text_of
from services.language import gettext
from services.reports.printing import NO_GLYPH, unprintable

MOST_NAMED = 12


def printable(_form: Form, field: StringField) -> None:
    """Refuse characters that the PDF cannot print; raises `ValidationError`."""
    if lacking := unprintable([text_of(field)]):
        raise ValidationError(
            gettext(
                "The PDF report cannot print these characters: %(listed)s.", listed=listed(lacking)
            )
        )


def listed(characters: Sequence[str]) -> str:
    """Name characters, the first few of many."""
    more = len(characters) - MOST_NAMED
    named = " ".join(characters[:MOST_NAMED])
    if more > 0:
        return gettext("%(named)s and %(more)s more", named=named, more=more)
    return named


def print_warning(texts: Sequence[str]) -> str:
    """Say which characters of texts the PDF will replace; empty where it prints all."""
    lacking = unprintable(texts)
    if not lacking:
        return ""
    return gettext(
        "The PDF shows %(no_glyph)s in place of these characters: %(listed)s.",
        no_glyph=NO_GLYPH,
        listed=listed(lacking),
    )
