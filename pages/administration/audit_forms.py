"""The filters of the audit trail."""

from __future__ import annotations

from wtforms import SelectField, StringField

from pages.common.choices import SelectChoice
from pages.common.date_range_form import DateRangeForm
from pages.common.text_fields import AtMost
from records.audit.audit import Event, Search

EVENTS = [
    SelectChoice("", "Any event"),
    *(SelectChoice(event.value, event.label) for event in Event),
]


class AuditForm(DateRangeForm):
    """Filters of the audit trail. Sent by GET, so without token."""

    person = SelectField("Who", default="")
    event = SelectField("What", choices=EVENTS, default="")
    object = StringField("Object ID", [AtMost(64, "An ID is shorter than this.")])

    def offer(self, names: list[str]) -> None:
        """Offer these names as choices."""
        people = [SelectChoice(name, name or "Not signed in") for name in names if name]
        self.person.choices = [SelectChoice("", "Anybody"), *people]

    @property
    def search(self) -> Search:
        """The filters as the records take them."""
        return Search(
            name=self.person.data or None,
            event=self.event.data or None,
            object_id=(self.object.data or "").strip() or None,
            since=self.start,
            before=self.end,
        )
