"""The form of a new token."""

from __future__ import annotations

from wtforms import BooleanField, Field, SelectField, StringField, SubmitField
from wtforms.validators import DataRequired, ValidationError

from pages.accounts.accounts_forms import present_password
from pages.common.choices import SelectChoice
from pages.common.text_fields import AtMost, GuardedForm, one_line
from records.accounts.api_tokens import NAME_LENGTH, Scope
from services.language import lazy_gettext

NO_SCOPE = lazy_gettext("Tick at least one.")
DAYS = {
    30: lazy_gettext("30 days"),
    90: lazy_gettext("90 days"),
    180: lazy_gettext("180 days"),
    365: lazy_gettext("One year"),
}
"""How long a token may be valid."""

SCOPE_TEXTS = {
    Scope.READ: lazy_gettext("Read: cases, analyses and findings"),
    Scope.UPLOAD: lazy_gettext("Upload: open cases and send images"),
    Scope.REVIEW: lazy_gettext("Review: name cells"),
    Scope.REPORT: lazy_gettext("Report: download reports and exports"),
}


class TokenForm(GuardedForm):
    """What a token is called, what it is for and how long it is valid; and the password."""

    name = StringField(
        lazy_gettext("Name"),
        [DataRequired(lazy_gettext("Enter a name.")), AtMost(NAME_LENGTH)],
        filters=[one_line],
        description=lazy_gettext("The program that will use it, such as “Microscope camera 2”."),
        render_kw={"autocomplete": "off", "maxlength": NAME_LENGTH},
    )
    read = BooleanField(SCOPE_TEXTS[Scope.READ], default=True)
    upload = BooleanField(SCOPE_TEXTS[Scope.UPLOAD])
    review = BooleanField(SCOPE_TEXTS[Scope.REVIEW])
    report = BooleanField(SCOPE_TEXTS[Scope.REPORT])
    days = SelectField(
        lazy_gettext("Valid for"),
        choices=[SelectChoice(str(days), text) for days, text in DAYS.items()],
        default="90",
    )
    password = present_password(lazy_gettext("Your password"))
    submit = SubmitField(lazy_gettext("Create token"))

    @property
    def scope_fields(self) -> list[Field]:
        """The boxes of all scopes, in their order."""
        return [self[scope.value] for scope in Scope]

    @property
    def scopes(self) -> list[Scope]:
        """What was ticked."""
        return [scope for scope in Scope if self[scope.value].data]

    def validate_report(self, _field: BooleanField) -> None:
        """Say below the boxes that none is ticked."""
        if not self.scopes:
            raise ValidationError(NO_SCOPE)
