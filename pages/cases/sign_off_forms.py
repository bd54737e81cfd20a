"""The forms of signing a case and of opening a signed one again."""

from __future__ import annotations

from collections.abc import Iterable

from wtforms import BooleanField, HiddenField, PasswordField, SubmitField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Optional, Regexp

from pages.common.text_fields import AtMost, GuardedForm, add_error, text_of
from services.accounts.passwords import LONGEST
from services.cases.checks import CheckCode
from services.cases.sign_off import LONGEST_REASON
from services.language import LazyText, gettext, lazy_gettext, lower_first
from services.reports.check_sentences import CHECK_NAMES

LONGEST_TEXT = 4000

SEEN_LENGTH = 64  # characters of a SHA-256
KEY_LENGTH, CELL_LENGTH = 32, 64

SIGN_FORM = "sign-form"
"""Id of the form that signs: reasons stand beside their checks, outside of it."""


def _stripped(text: str | None) -> str:
    return (text or "").replace("\r\n", "\n").strip()


class SignForm(GuardedForm):
    """The conclusion and the password; `seen` names the state of the case that was looked at.

    Each check has a field for the reason that it takes if it warns: see `reason`. `with_boxes`
    takes a PDF that lacks characters. Who signs in at the identity provider has no password:
    `identity` names what they confirmed there instead.
    """

    seen = HiddenField(validators=[AtMost(SEEN_LENGTH)])
    identity = HiddenField(validators=[AtMost(KEY_LENGTH)])
    conclusion = TextAreaField(
        lazy_gettext("Conclusion"),
        [DataRequired(lazy_gettext("Enter a conclusion.")), AtMost(LONGEST_TEXT)],
        filters=[_stripped],
        description=lazy_gettext("Printed in the report above your signature."),
        render_kw={"rows": 5, "maxlength": LONGEST_TEXT},
    )
    with_boxes = BooleanField(
        lazy_gettext("Sign all the same. CSV, JSON and FHIR have the characters.")
    )
    password = PasswordField(
        lazy_gettext("Your password"),
        [InputRequired(lazy_gettext("Fill in this field.")), AtMost(LONGEST)],
        description=lazy_gettext("Confirms your identity."),
        render_kw={"autocomplete": "current-password", "maxlength": LONGEST},
    )
    submit = SubmitField(lazy_gettext("Sign this case"))

    def reason(self, code: CheckCode) -> TextAreaField:
        """Return the field of the reason for a check."""
        return getattr(self, _reason_name(code))

    @property
    def reasons(self) -> dict[CheckCode, str]:
        """What was written, by check."""
        return {code: text_of(self.reason(code)) for code in CheckCode}

    @property
    def typed(self) -> dict[str, str]:
        """What is signed with this form, the state of the case included."""
        fields = (self.seen, self.conclusion, *map(self.reason, CheckCode))
        boxes = {self.with_boxes.name: "y" if self.with_boxes.data else ""}
        return {field.name: text_of(field) for field in fields} | boxes

    @property
    def texts(self) -> list[str]:
        """What was written and will be printed, but for what is too long or lacking."""
        fields = (self.conclusion, *map(self.reason, CheckCode))
        return [text_of(field) for field in fields if not field.errors]

    def ask_reasons(self, codes: Iterable[CheckCode]) -> None:
        """Say at each of these checks that its reason is lacking."""
        for code in codes:
            if not self.reasons[code]:
                add_error(self.reason(code), gettext("Enter a reason."))


def _reason_name(code: CheckCode) -> str:
    return f"reason_{code}"


def _reason_field(code: CheckCode) -> TextAreaField:
    return TextAreaField(
        LazyText(lambda: gettext("Reason: %(name)s", name=lower_first(CHECK_NAMES[code]))),
        [AtMost(LONGEST_REASON)],
        filters=[_stripped],
        render_kw={"rows": 2, "maxlength": LONGEST_REASON, "form": SIGN_FORM},
    )


for _code in CheckCode:
    setattr(SignForm, _reason_name(_code), _reason_field(_code))


class KeepForm(GuardedForm):
    """What a cell is to be called; `key` makes sure that it is kept once.

    `based_on` is the id of the review that was shown, empty where there was none.
    """

    key = HiddenField(validators=[InputRequired(), AtMost(KEY_LENGTH)])
    cell = HiddenField(validators=[InputRequired(), AtMost(CELL_LENGTH)])
    label = HiddenField(validators=[InputRequired(), AtMost(CELL_LENGTH)])
    based_on = HiddenField(validators=[Optional(), AtMost(18), Regexp(r"[0-9]+\Z")])


class AmendForm(GuardedForm):
    """Why a signed case is opened again."""

    reason = TextAreaField(
        lazy_gettext("Reason for amendment"),
        [DataRequired(lazy_gettext("Enter a reason.")), AtMost(LONGEST_TEXT)],
        filters=[_stripped],
        description=lazy_gettext("Printed in the report of the new version."),
        render_kw={"rows": 3, "maxlength": LONGEST_TEXT},
    )
    submit = SubmitField(lazy_gettext("Reopen for amendment"))
