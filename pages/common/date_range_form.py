"""A form of a first and a last day."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from wtforms import DateField, ValidationError
from wtforms.validators import Optional

from pages.common.text_fields import GuardedFilters
from services.language import gettext, lazy_gettext, midnight

LONGEST_DAY = 32  # characters; a day has 10
EARLIEST, LATEST = date(2000, 1, 1), date(2999, 12, 31)
NOT_A_DATE = lazy_gettext("Enter a date such as 2026-03-31.")


class DayField(DateField):
    """A day of the calendar, with a sentence of our own when it is none."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read the day; raises ValueError with the sentence."""
        if any(len(value) > LONGEST_DAY for value in valuelist):
            raise ValueError(NOT_A_DATE)
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError(NOT_A_DATE) from None
        if self.data and not EARLIEST <= self.data <= LATEST:
            raise ValueError(NOT_A_DATE)


class DateRangeForm(GuardedFilters):
    """A first and a last day of the clinic, both included; either may be left out."""

    since = DayField(lazy_gettext("From"), [Optional()])
    until = DayField(lazy_gettext("To"), [Optional()])

    def validate_until(self, field: DateField) -> None:
        """Say when no day can lie between the two."""
        if self.since.data and field.data and self.since.data > field.data:
            raise ValidationError(gettext("The end date is before the start date."))

    @property
    def start(self) -> datetime | None:
        """The midnight with which the first day begins."""
        return _midnight(self.since.data)

    @property
    def end(self) -> datetime | None:
        """The midnight with which the day after the last one begins."""
        return _midnight(self.until.data and self.until.data + timedelta(days=1))


def _midnight(day: date | None) -> datetime | None:
    return midnight(day) if day else None
