"""The filters of the audit trail."""

from __future__ import annotations

from wtforms import IntegerField, SelectField, StringField
from wtforms.validators import NumberRange, Optional

from pages.common.choices import SelectChoice
from pages.common.date_range_form import DateRangeForm
from pages.common.text_fields import AtMost
from records.audit.audit import Event, Search
from services.language import gettext, lazy_gettext

HIGHEST = 2**31 - 1
"""The highest number that an entry can have."""

EVENTS = [
    SelectChoice("", lazy_gettext("Any event")),
    *(SelectChoice(event.value, lazy_gettext(event.label)) for event in Event),
]


class AuditForm(DateRangeForm):
    """Filters of the audit trail. Sent by GET, so without token."""

    person = SelectField(lazy_gettext("Who"), default="")
    event = SelectField(lazy_gettext("What"), choices=EVENTS, default="")
    object = StringField(
        lazy_gettext("Object ID"), [AtMost(64, lazy_gettext("An ID is shorter than this."))]
    )

    # Of links alone: the number of the entry behind which a long list goes on.
    behind = IntegerField(validators=[Optional(), NumberRange(1, HIGHEST)])

    def offer(self, names: list[str]) -> None:
        """Offer these names as choices."""
        people = [SelectChoice(name, name or gettext("Not signed in")) for name in names if name]
        self.person.choices = [SelectChoice("", gettext("Anybody")), *people]

    @property
    def search(self) -> Search:
        """The filters as the records take them."""
        return Search(
            name=self.person.data or None,
            event=self.event.data or None,
            object_id=(self.object.data or "").strip() or None,
            since=self.start,
            before=self.end,
            behind=self.behind.data,
        )
