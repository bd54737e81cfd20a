"""The forms of the quality page: what it shows, and what is set for a team."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

from wtforms import SelectField, StringField
from wtforms.validators import Optional, ValidationError

from pages.common.choices import SelectChoice
from pages.common.date_range_form import DateRangeForm, DayField
from pages.common.text_fields import AtMost, GuardedForm, add_error, one_line, text_of
from records.cases import cases
from records.cases.cases import PSEUDONYM_LENGTH
from services.language import gettext, lazy_gettext
from services.reports.formatting import format_bound
from services.statistics.watch import Baseline
from services.statistics.watch_settings import ControlSlide, Values, pseudonym_of

DAILY, WEEKLY = "day", "week"
LONGEST_NUMBER = 16
_PERCENT = re.compile(r"(?:100(?:[.,]0)?|\d{1,2}(?:[.,]\d)?)")
_WHOLE = re.compile(r"\d{1,5}")


class QualityForm(DateRangeForm):
    """Which series is shown, by day or by week, and of which period."""

    series = SelectField(lazy_gettext("Team and picture size"))
    by = SelectField(
        lazy_gettext("Points"),
        choices=[
            SelectChoice(DAILY, lazy_gettext("One a day")),
            SelectChoice(WEEKLY, lazy_gettext("One a week")),
        ],
        default=DAILY,
    )

    @property
    def weekly(self) -> bool:
        """Whether points are of weeks."""
        return self.by.data == WEEKLY

    def shows(self, day: date) -> bool:
        """Return whether a day lies in the period."""
        since, until = self.since.data, self.until.data
        return (since is None or day >= since) and (until is None or day <= until)


def _percentage(_form: GuardedForm, field: StringField) -> None:
    if text_of(field) and not _PERCENT.fullmatch(text_of(field)):
        raise ValidationError(gettext("Use 0 to 100, as 40 or 0.5."))


def _number_field(label: str, *rules: object) -> StringField:
    attributes = {"inputmode": "decimal", "maxlength": 5, "autocomplete": "off"}
    return StringField(
        label, [AtMost(LONGEST_NUMBER), *rules], filters=[one_line], render_kw=attributes
    )


class WatchForm(GuardedForm):
    """Baseline of the charts and QC slide of a team."""

    baseline_from = DayField(
        lazy_gettext("Baseline from"),
        [Optional()],
        description=lazy_gettext(
            "After a change that you wanted, such as a new stain, enter its day. Leave empty for "
            "the first day."
        ),
    )
    baseline_until = DayField(
        lazy_gettext("Baseline to"),
        [Optional()],
        description=lazy_gettext("Leave empty for the first 20 days with fields."),
    )
    pseudonym = StringField(
        lazy_gettext("Pseudonym of the QC slide"),
        [AtMost(PSEUDONYM_LENGTH)],
        filters=[one_line],
        description=lazy_gettext(
            "Fields of all the team’s cases of this pseudonym are compared. Leave empty for no QC "
            "slide."
        ),
        render_kw={"autocomplete": "off", "maxlength": PSEUDONYM_LENGTH},
    )
    low = _number_field(lazy_gettext("Blasts at least (%)"), _percentage)
    high = _number_field(lazy_gettext("Blasts at most (%)"), _percentage)
    least_white = _number_field(lazy_gettext("White cells at least"))

    def __init__(self, team_id: str = "", shown: Values | None = None) -> None:
        """Read what was posted, or show settings."""
        if shown is None:
            super().__init__()
        else:
            super().__init__(formdata=None, data=_data(shown))
        self._team_id = team_id
        self._slide_id = ""

    @property
    def values(self) -> Values:
        """The values entered."""
        baseline = Baseline(self.baseline_from.data, self.baseline_until.data)
        if not self._slide_id:
            return Values(baseline)
        low, high = (_number(field) for field in (self.low, self.high))
        white = int(text_of(self.least_white) or 0)
        return Values(baseline, ControlSlide(self._slide_id, low, high, white))

    def validate_baseline_until(self, field: DayField) -> None:
        """Say when no day can lie between the two."""
        if self.baseline_from.data and field.data and self.baseline_from.data > field.data:
            raise ValidationError(gettext("The end date is before the start date."))

    def validate_pseudonym(self, field: StringField) -> None:
        """Find the case; say that the team has none."""
        if not text_of(field):
            return
        case = cases.newest_named(self._team_id, text_of(field))
        if case is None:
            raise ValidationError(gettext("The team has no case of this pseudonym."))
        self._slide_id = case.id

    def validate_least_white(self, field: StringField) -> None:
        """Say that it is no number of cells."""
        if text_of(field) and not _WHOLE.fullmatch(text_of(field)):
            raise ValidationError(gettext("Use a whole number, as 100."))

    def validate(self, extra_validators: object = None) -> bool:
        """Check every field, then that a slide has both its percentages."""
        if not super().validate():
            return False
        if not self._slide_id:
            return True
        empty = [field for field in (self.low, self.high) if not text_of(field)]
        for field in empty:
            add_error(field, gettext("Enter a percentage."))
        if not empty and _number(self.low) > _number(self.high):
            add_error(self.high, gettext("Must not be below the lowest."))
            return False
        return not empty


def _data(values: Values) -> Mapping[str, object]:
    baseline = {"baseline_from": values.baseline.first, "baseline_until": values.baseline.last}
    if values.slide is None:
        return baseline
    return {
        **baseline,
        "pseudonym": pseudonym_of(values.slide),
        "low": format_bound(values.slide.low),
        "high": format_bound(values.slide.high),
        "least_white": str(values.slide.least_white),
    }


def _number(field: StringField) -> float:
    return float(text_of(field).replace(",", "."))
