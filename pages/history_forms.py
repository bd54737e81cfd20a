"""The filters of the history."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from wtforms import DateField, Form, SelectField, ValidationError
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Optional

from pages.wording import RESULT_WORDS
from records.analyses import CLASSIFICATION, DETECTION, RESULTS, Filters

KINDS = [
    SelectChoice("", "Any kind"),
    SelectChoice(CLASSIFICATION, "Cells"),
    SelectChoice(DETECTION, "Fields"),
]
EARLIEST, LATEST = date(2000, 1, 1), date(2999, 12, 31)
NOT_A_DATE = "This is not a date. Please choose it again, or write it like 2026-03-31."


def _results() -> list[SelectChoice]:
    offered = [SelectChoice("", "Any result")]
    for kind in KINDS[1:]:
        for result in RESULTS[kind.value]:
            word = RESULT_WORDS[result].word
            offered.append(SelectChoice(result, word, optgroup=kind.label))
    return offered


class _Day(DateField):
    """A day of the calendar, with a sentence of our own when it is none."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read the day; raises ValueError with the sentence."""
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError(NOT_A_DATE) from None
        if self.data and not EARLIEST <= self.data <= LATEST:
            raise ValueError(NOT_A_DATE)


class HistoryForm(Form):
    """What to show of the history; days are UTC, both included. Sent by GET, so without token."""

    kind = SelectField("Kind", choices=KINDS, default="")
    result = SelectField("Result", choices=_results(), default="")
    since = _Day("From", [Optional()])
    until = _Day("To", [Optional()])

    def validate_until(self, field: DateField) -> None:
        """Say when no day can lie between the two."""
        if self.since.data and field.data and self.since.data > field.data:
            raise ValidationError("This day is before the first one.")

    def filters(self, batch_id: str | None) -> Filters:
        """The filters as the records take them."""
        return Filters(
            kind=self.kind.data or None,
            result=self.result.data or None,
            since=_midnight(self.since.data),
            before=_midnight(self.until.data and self.until.data + timedelta(days=1)),
            batch_id=batch_id,
        )


def _midnight(day: date | None) -> datetime | None:
    return datetime.combine(day, time.min, UTC) if day else None
