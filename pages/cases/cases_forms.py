"""The forms of cases: describing one, and looking for some."""

from __future__ import annotations

import unicodedata

from wtforms import BooleanField, SelectField, StringField, TextAreaField, ValidationError
from wtforms.validators import DataRequired, Optional

from pages.common.choices import SelectChoice
from pages.common.date_range_form import DateRangeForm, DayField
from pages.common.formatting import STATE_TEXTS
from pages.common.text_fields import AtMost, GuardedForm, text_of
from records.cases import cases
from records.cases.cases import (
    MAGNIFICATION_LENGTH,
    NOTES_LENGTH,
    PSEUDONYM_LENGTH,
    STAIN_LENGTH,
    Case,
    Filters,
)
from services.cases.cases import Details
from services.cases.pseudonyms import doubts, refusal
from services.formatting import SPECIMEN_NAMES

PSEUDONYM_HELP = (
    "A code that does not identify the patient, such as “Alder-7”. No names, birth dates or record "
    "numbers."
)
LOOK_AGAIN = "Could this identify the patient?"
SPECIMENS = [SelectChoice(specimen, word) for specimen, word in SPECIMEN_NAMES.items()]
STATES = [SelectChoice(state, words.word) for state, words in STATE_TEXTS.items()]
ORDERS = [
    SelectChoice(cases.NEWEST, "Newest first"),
    SelectChoice(cases.OLDEST, "Oldest first"),
    SelectChoice(cases.PSEUDONYM, "By pseudonym"),
]


def _clean(text: str | None) -> str:
    """Remove invisible characters and repeated spaces."""
    text = text or ""
    # Looked up once for each character that occurs: texts of megabytes come before their limit.
    hidden = [one for one in set(text) if unicodedata.category(one)[0] == "C" and not one.isspace()]
    shown = text.translate(dict.fromkeys(map(ord, hidden))) if hidden else text
    return "\n".join(" ".join(line.split()) for line in shown.splitlines()).strip()


class CaseForm(GuardedForm):
    """What people say of a specimen. A pseudonym that looks like a name must be confirmed."""

    pseudonym = StringField(
        "Pseudonym",
        [DataRequired("Enter a pseudonym."), AtMost(PSEUDONYM_LENGTH)],
        filters=[_clean],
        description=PSEUDONYM_HELP,
        render_kw={"autocomplete": "off", "maxlength": PSEUDONYM_LENGTH},
    )
    checked = BooleanField("I have checked that it identifies nobody.")
    specimen = SelectField("Specimen", choices=SPECIMENS)
    stain = StringField(
        "Stain",
        [AtMost(STAIN_LENGTH)],
        filters=[_clean],
        description="For example Giemsa, Wright or May-Grünwald-Giemsa.",
        render_kw={"maxlength": STAIN_LENGTH},
    )
    magnification = StringField(
        "Magnification",
        [AtMost(MAGNIFICATION_LENGTH)],
        filters=[_clean],
        description="For example 100x oil.",
        render_kw={"maxlength": MAGNIFICATION_LENGTH},
    )
    collected_on = DayField("Collected on", [Optional()])
    notes = TextAreaField(
        "Notes",
        [AtMost(NOTES_LENGTH)],
        filters=[_clean],
        description="Visible to your team. No names or record numbers.",
        render_kw={"rows": 4, "maxlength": NOTES_LENGTH},
    )

    def __init__(self, case: Case | None = None) -> None:
        super().__init__(obj=case)
        self.doubts: list[str] = []
        self._confirmed = case.pseudonym if case else None

    def validate_pseudonym(self, field: StringField) -> None:
        """Refuse what certainly identifies a patient, and ask where it only looks so."""
        refused = refusal(text_of(field))
        if refused:
            raise ValidationError(refused)
        if field.data != self._confirmed:
            self.doubts = doubts(text_of(field))
        if self.doubts and not self.checked.data:
            raise ValidationError(" ".join((LOOK_AGAIN, *self.doubts)))

    @property
    def details(self) -> Details:
        """What was written."""
        return Details(
            pseudonym=text_of(self.pseudonym),
            specimen=self.specimen.data,
            stain=text_of(self.stain),
            magnification=text_of(self.magnification),
            collected_on=self.collected_on.data,
            notes=text_of(self.notes),
        )


class CasesForm(DateRangeForm):
    """What to show of the cases, and in which order. Sent by GET, so without token."""

    since = DayField("Opened from", [Optional()])
    until = DayField("Opened to", [Optional()])
    text = StringField("Pseudonym or notes", [AtMost(PSEUDONYM_LENGTH)], filters=[_clean])
    state = SelectField("State", choices=[SelectChoice("", "Any state"), *STATES], default="")
    specimen = SelectField(
        "Specimen", choices=[SelectChoice("", "Any specimen"), *SPECIMENS], default=""
    )
    order = SelectField("Order", choices=ORDERS, default=cases.NEWEST)

    @property
    def filters(self) -> Filters:
        """The filters as the records take them."""
        return Filters(
            text=self.text.data or None,
            state=self.state.data or None,
            specimen=self.specimen.data or None,
            since=self.start,
            before=self.end,
            order=self.order.data,
        )
