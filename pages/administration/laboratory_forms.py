"""The form of the laboratory's settings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from wtforms import StringField, TextAreaField
from wtforms.validators import ValidationError

from core.taxonomy import CLASS_NAMES
from pages.common.printing import printable
from pages.common.text_fields import AtMost, GuardedForm, add_error, one_line, text_of
from records.laboratory.laboratory import NAME_LENGTH
from services.laboratory.letterhead import ReferenceRange
from services.laboratory.ranges import ADULTS, ADULTS_SOURCE, CLASSES
from services.laboratory.settings import (
    LONGEST_CONTACT,
    LONGEST_PHRASE,
    LONGEST_SOURCE,
    MOST_LINES,
    MOST_PHRASES,
    Values,
)
from services.language import gettext, lazy_gettext
from services.reports.formatting import format_bound

LONGEST_PHRASES = 12_000
LONGEST_BOUND, USUAL_BOUND = 16, 5
_PERCENT = re.compile(r"(?:100(?:[.,]0)?|\d{1,2}(?:[.,]\d)?)")


def _lines(text: str | None) -> str:
    kept = (one_line(line) for line in (text or "").splitlines())
    return "\n".join(line for line in kept if line)


def _percentage(_form: GuardedForm, field: StringField) -> None:
    if text_of(field) and not _PERCENT.fullmatch(text_of(field)):
        raise ValidationError(gettext("Use 0 to 100, as 40 or 0.5."))


class LaboratoryForm(GuardedForm):
    """Letterhead, reference ranges and phrases.

    Each class has a field for the lowest and one for the highest percentage: see `bounds`.
    """

    name = StringField(
        lazy_gettext("Name of the laboratory"),
        [AtMost(NAME_LENGTH), printable],
        filters=[one_line],
        render_kw={"autocomplete": "off", "maxlength": NAME_LENGTH},
    )
    contact = TextAreaField(
        lazy_gettext("Address and telephone"),
        [AtMost(LONGEST_CONTACT), printable],
        filters=[_lines],
        description=lazy_gettext(
            "Printed below the name, at most %(most_lines)s lines.", most_lines=MOST_LINES
        ),
        render_kw={"rows": 4, "maxlength": LONGEST_CONTACT},
    )
    ranges_source = StringField(
        lazy_gettext("Whom the ranges are for, and their source"),
        [AtMost(LONGEST_SOURCE), printable],
        filters=[one_line],
        description=lazy_gettext("Printed below the differential."),
        render_kw={"autocomplete": "off", "maxlength": LONGEST_SOURCE},
    )
    phrases = TextAreaField(
        lazy_gettext("Phrases"),
        [AtMost(LONGEST_PHRASES), printable],
        filters=[_lines],
        description=lazy_gettext(
            "One phrase a line, at most %(most_phrases)s.", most_phrases=MOST_PHRASES
        ),
        render_kw={"rows": 8, "maxlength": LONGEST_PHRASES},
    )

    @classmethod
    def of(cls, values: Values | None) -> LaboratoryForm:
        """Show settings; the ranges of adults are proposed while nobody has saved any."""
        values = values or Values()
        if values.ranges is None:
            values = replace(values, ranges=ADULTS, ranges_source=ADULTS_SOURCE)
        bounds = {
            f"{end}_{code}": format_bound(getattr(usual, end))
            for code, usual in (values.ranges or {}).items()
            for end in ("low", "high")
        }
        return cls(
            formdata=None,
            data={
                "name": values.name,
                "contact": values.contact,
                "ranges_source": values.ranges_source,
                "phrases": "\n".join(values.phrases),
                **bounds,
            },
        )

    @property
    def bounds(self) -> Iterator[tuple[str, StringField, StringField]]:
        """Yield name, lowest and highest percentage of each class."""
        for code in CLASSES:
            low, high = (getattr(self, f"{end}_{code}") for end in ("low", "high"))
            yield CLASS_NAMES[code], low, high

    @property
    def values(self) -> Values:
        """The values entered, without the logo."""
        return Values(
            name=text_of(self.name),
            contact=text_of(self.contact),
            ranges=dict(self._ranges()),
            ranges_source=text_of(self.ranges_source),
            phrases=tuple(text_of(self.phrases).splitlines()),
        )

    def _ranges(self) -> Iterator[tuple[str, ReferenceRange]]:
        for code, (_, low, high) in zip(CLASSES, self.bounds, strict=True):
            if text_of(low) or text_of(high):
                yield code, ReferenceRange(low=_number(low), high=_number(high))

    def validate_contact(self, field: TextAreaField) -> None:
        """Say that there are too many lines."""
        if len(text_of(field).splitlines()) > MOST_LINES:
            raise ValidationError(
                gettext("Use at most %(most_lines)s lines.", most_lines=MOST_LINES)
            )

    def validate_phrases(self, field: TextAreaField) -> None:
        """Say that there are too many phrases, or a long one."""
        phrases = text_of(field).splitlines()
        if len(phrases) > MOST_PHRASES:
            raise ValidationError(
                gettext("Use at most %(most_phrases)s phrases.", most_phrases=MOST_PHRASES)
            )
        if any(len(phrase) > LONGEST_PHRASE for phrase in phrases):
            raise ValidationError(
                gettext(
                    "A phrase has at most %(longest_phrase)s characters.",
                    longest_phrase=LONGEST_PHRASE,
                )
            )

    def validate(self, extra_validators: object = None) -> bool:
        """Check every field, then that no range is upside down."""
        if not super().validate():
            return False
        wrong = [high for _, low, high in self.bounds if _upside_down(low, high)]
        for field in wrong:
            add_error(field, gettext("Must not be below the lowest."))
        return not wrong


def _number(field: StringField) -> float | int | None:
    text = text_of(field).replace(",", ".")
    if not text:
        return None
    return float(text) if float(text) % 1 else int(float(text))


def _upside_down(low: StringField, high: StringField) -> bool:
    bounds = _number(low), _number(high)
    return bounds[0] is not None and bounds[1] is not None and bounds[0] > bounds[1]


def _bound_field(label: str) -> StringField:
    attributes = {"inputmode": "decimal", "maxlength": USUAL_BOUND, "autocomplete": "off"}
    rules = [AtMost(LONGEST_BOUND), _percentage]
    return StringField(label, rules, filters=[one_line], render_kw=attributes)


for _code in CLASSES:
    for _end, _word in (("low", "lowest"), ("high", "highest")):
        setattr(LaboratoryForm, f"{_end}_{_code}", _bound_field(f"{CLASS_NAMES[_code]}, {_word}"))
