"""The form of a new webhook."""

from __future__ import annotations

from wtforms import BooleanField, Field, StringField, SubmitField
from wtforms.validators import DataRequired, ValidationError

from pages.accounts.accounts_forms import present_password
from pages.accounts.tokens_forms import NO_SCOPE
from pages.common.text_fields import AtMost, GuardedForm, one_line, text_of
from records.programs.webhooks import URL_LENGTH, WebhookEvent
from services.language import lazy_gettext
from services.programs.sending import is_usable

NOT_USABLE = lazy_gettext(
    "Enter an address that begins with https:// or http://, without password."
)
EVENT_TEXTS = {
    WebhookEvent.FIELD_READ: lazy_gettext("A field was read"),
    WebhookEvent.CASE_SIGNED: lazy_gettext("A case was signed"),
}


class WebhookForm(GuardedForm):
    """Which address is told of what; and the password."""

    url = StringField(
        lazy_gettext("Address"),
        [DataRequired(NOT_USABLE), AtMost(URL_LENGTH)],
        filters=[one_line],
        description=lazy_gettext("Such as https://lis.clinic.example/leukoscope."),
        render_kw={"autocomplete": "off", "maxlength": URL_LENGTH, "inputmode": "url"},
    )
    field_read = BooleanField(EVENT_TEXTS[WebhookEvent.FIELD_READ])
    case_signed = BooleanField(EVENT_TEXTS[WebhookEvent.CASE_SIGNED])
    password = present_password(lazy_gettext("Your password"))
    submit = SubmitField(lazy_gettext("Create webhook"))

    @property
    def boxes(self) -> dict[WebhookEvent, Field]:
        """The boxes of all events, in their order."""
        return {
            WebhookEvent.FIELD_READ: self.field_read,
            WebhookEvent.CASE_SIGNED: self.case_signed,
        }

    @property
    def events(self) -> list[WebhookEvent]:
        """What was ticked."""
        return [event for event, box in self.boxes.items() if box.data]

    def validate_url(self, field: StringField) -> None:
        """Say beside the address what is wrong with it."""
        if not is_usable(text_of(field)):
            raise ValidationError(NOT_USABLE)

    def validate_case_signed(self, _field: BooleanField) -> None:
        """Say below the boxes that none is ticked."""
        if not self.events:
            raise ValidationError(NO_SCOPE)
