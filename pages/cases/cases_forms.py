"""The forms of cases: describing one, and looking for some."""

from __future__ import annotations

from collections.abc import Iterable

from werkzeug.datastructures import MultiDict
from wtforms import (
    BooleanField,
    HiddenField,
    SelectField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import DataRequired, Optional

from core.ids import is_id
from core.texts import clean
from pages.common.choices import SelectChoice
from pages.common.date_range_form import DateRangeForm, DayField
from pages.common.formatting import STATE_TEXTS
from pages.common.text_fields import AtMost, GuardedForm, text_of
from records.accounts.accounts import Account, new_id
from records.cases.assignments import NOTE_LENGTH
from records.cases.cases import (
    ACCESSION_LENGTH,
    MAGNIFICATION_LENGTH,
    NOTES_LENGTH,
    PSEUDONYM_LENGTH,
    STAIN_LENGTH,
    Case,
    Priority,
)
from records.worklist.worklist import Filters, Order, View
from services.cases.cases import Details
from services.cases.pseudonyms import doubts, objection, refusal
from services.formatting import PRIORITY_NAMES, SPECIMEN_NAMES
from services.language import lazy_gettext

PSEUDONYM_HELP = lazy_gettext(
    "A code that does not identify the patient, such as “Alder-7”. No names, birth dates or record "
    "numbers."
)
SPECIMENS = [SelectChoice(specimen, word) for specimen, word in SPECIMEN_NAMES.items()]
STATES = [SelectChoice(state, words.word) for state, words in STATE_TEXTS.items()]
PRIORITIES = [SelectChoice(priority, word) for priority, word in PRIORITY_NAMES.items()]
ORDERS = [
    SelectChoice(Order.URGENT, lazy_gettext("Most urgent first")),
    SelectChoice(Order.NEWEST, lazy_gettext("Newest first")),
    SelectChoice(Order.OLDEST, lazy_gettext("Oldest first")),
    SelectChoice(Order.PSEUDONYM, lazy_gettext("By pseudonym")),
    SelectChoice(Order.ASSIGNEE, lazy_gettext("By assignee")),
]
VIEW_NAMES = {
    View.ALL: lazy_gettext("All"),
    View.MINE: lazy_gettext("Mine"),
    View.TO_REVIEW: lazy_gettext("To review"),
    View.TO_CO_SIGN: lazy_gettext("To co-sign"),
    View.AMENDED: lazy_gettext("Amended"),
    View.ARCHIVED: lazy_gettext("Archived"),
}
WORKING_VIEWS = (View.MINE, View.TO_REVIEW, View.TO_CO_SIGN)
"""Views of work to do, which show the most urgent first."""

LONGEST_SEARCH = 120
NOBODY = SelectChoice("", lazy_gettext("Nobody"))


class CaseForm(GuardedForm):
    """What people say of a specimen. A pseudonym that looks like a name must be confirmed."""

    pseudonym = StringField(
        lazy_gettext("Pseudonym"),
        [DataRequired(lazy_gettext("Enter a pseudonym.")), AtMost(PSEUDONYM_LENGTH)],
        filters=[clean],
        description=PSEUDONYM_HELP,
        render_kw={"autocomplete": "off", "maxlength": PSEUDONYM_LENGTH},
    )
    checked = BooleanField(lazy_gettext("I have checked that it identifies nobody."))
    accession = StringField(
        lazy_gettext("Accession number"),
        [AtMost(ACCESSION_LENGTH)],
        filters=[clean],
        description=lazy_gettext("The laboratory’s number of the specimen, not of the patient."),
        render_kw={"autocomplete": "off", "maxlength": ACCESSION_LENGTH},
    )
    priority = SelectField(lazy_gettext("Priority"), choices=PRIORITIES, default=Priority.ROUTINE)
    specimen = SelectField(lazy_gettext("Specimen"), choices=SPECIMENS)
    stain = StringField(
        lazy_gettext("Stain"),
        [AtMost(STAIN_LENGTH)],
        filters=[clean],
        description=lazy_gettext("For example Giemsa, Wright or May-Grünwald-Giemsa."),
        render_kw={"maxlength": STAIN_LENGTH},
    )
    magnification = StringField(
        lazy_gettext("Magnification"),
        [AtMost(MAGNIFICATION_LENGTH)],
        filters=[clean],
        description=lazy_gettext("For example 100x oil."),
        render_kw={"maxlength": MAGNIFICATION_LENGTH},
    )
    collected_on = DayField(lazy_gettext("Collected on"), [Optional()])
    notes = TextAreaField(
        lazy_gettext("Notes"),
        [AtMost(NOTES_LENGTH)],
        filters=[clean],
        description=lazy_gettext("Visible to your team. No names or record numbers."),
        render_kw={"rows": 4, "maxlength": NOTES_LENGTH},
    )

    leukopenia = BooleanField(
        lazy_gettext("The patient has leukopenia"),
        description=lazy_gettext("Sign-off then asks for fewer white cells."),
    )
    leave_out_edge = BooleanField(
        lazy_gettext("Leave out cells that the edge of a picture cuts"),
        description=lazy_gettext(
            "They are marked and reviewed, but not counted. For fields that overlap."
        ),
    )
    # Names this very form: sent twice, it makes one case.
    form_key = HiddenField(validators=[AtMost(32)], default=new_id)

    def __init__(self, case: Case | None = None) -> None:
        super().__init__(obj=case)
        self.doubts: list[str] = []
        self._confirmed = case.pseudonym if case else None

    def validate_pseudonym(self, field: StringField) -> None:
        """Refuse what certainly identifies a patient, and ask where it only looks so."""
        pseudonym, confirmed = text_of(field), field.data == self._confirmed
        if not confirmed and not refusal(pseudonym):
            self.doubts = doubts(pseudonym)
        if refused := objection(pseudonym, checked=confirmed or self.checked.data):
            raise ValidationError(refused)

    @property
    def key(self) -> str | None:
        """The name of this form, if it has one."""
        key = text_of(self.form_key)
        return key if is_id(key) else None

    @property
    def details(self) -> Details:
        """What was written."""
        return Details(
            accession=text_of(self.accession),
            priority=Priority(self.priority.data),
            pseudonym=text_of(self.pseudonym),
            specimen=self.specimen.data,
            stain=text_of(self.stain),
            magnification=text_of(self.magnification),
            collected_on=self.collected_on.data,
            notes=text_of(self.notes),
            leukopenia=self.leukopenia.data,
            leave_out_edge=self.leave_out_edge.data,
        )


class CasesForm(DateRangeForm):
    """What to show of the cases, and in which order. Sent by GET, so without token."""

    view = SelectField(
        lazy_gettext("View"),
        choices=[SelectChoice(*one) for one in VIEW_NAMES.items()],
        default=View.ALL,
    )
    since = DayField(lazy_gettext("Opened from"), [Optional()])
    until = DayField(lazy_gettext("Opened to"), [Optional()])
    text = StringField(
        lazy_gettext("Search"),
        [AtMost(LONGEST_SEARCH)],
        filters=[clean],
        render_kw={
            "type": "search",
            "placeholder": lazy_gettext("Pseudonym, accession, file name or notes"),
            "maxlength": LONGEST_SEARCH,
        },
    )
    state = SelectField(
        lazy_gettext("State"),
        choices=[SelectChoice("", lazy_gettext("Any state")), *STATES],
        default="",
    )
    specimen = SelectField(
        lazy_gettext("Specimen"),
        choices=[SelectChoice("", lazy_gettext("Any specimen")), *SPECIMENS],
        default="",
    )
    order = SelectField(lazy_gettext("Order"), choices=ORDERS)

    def __init__(self, given: MultiDict[str, str]) -> None:
        super().__init__(given)
        if self.order.data is None:
            self.order.data = Order.URGENT if self.view.data in WORKING_VIEWS else Order.NEWEST

    @property
    def narrowed(self) -> bool:
        """Whether more is asked for than one of the views in some order."""
        narrowing = self.text, self.state, self.specimen, self.since, self.until
        return any(field.data or field.errors for field in narrowing)

    @property
    def more_open(self) -> bool:
        """Whether a filter beside the search is in use."""
        more = self.state, self.specimen, self.since, self.until
        return any(field.data or field.errors for field in more)

    def filters(self, account_id: str) -> Filters:
        """Return the filters as the records take them; `account_id` is who looks."""
        return Filters(
            view=View(self.view.data),
            account_id=account_id,
            text=self.text.data or None,
            state=self.state.data or None,
            specimen=self.specimen.data or None,
            since=self.start,
            before=self.end,
            order=Order(self.order.data),
        )


class AssignForm(GuardedForm):
    """To whom a case is given, or several."""

    assignee = SelectField(lazy_gettext("Assign to"), choices=[])
    note = TextAreaField(
        lazy_gettext("Note"),
        [AtMost(NOTE_LENGTH)],
        filters=[clean],
        description=lazy_gettext("Visible to your team. No names or record numbers."),
        render_kw={"rows": 2, "maxlength": NOTE_LENGTH},
    )

    def __init__(self, colleagues: Iterable[Account] = (), assignee_id: str | None = None) -> None:
        super().__init__(assignee=assignee_id or "")
        self.assignee.choices = [NOBODY, *(SelectChoice(one.id, one.name) for one in colleagues)]


class CloseForm(GuardedForm):
    """Why a case is closed without a signature."""

    reason = StringField(
        lazy_gettext("Reason"),
        [DataRequired(lazy_gettext("Enter a reason.")), AtMost(NOTE_LENGTH)],
        filters=[clean],
        description=lazy_gettext("For example: clotted specimen, or opened twice."),
        render_kw={"maxlength": NOTE_LENGTH},
    )
