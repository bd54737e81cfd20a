"""The forms of signing a case and of opening a signed one again."""

from __future__ import annotations

from wtforms import HiddenField, PasswordField, SubmitField, TextAreaField
from wtforms.validators import DataRequired, InputRequired

from pages.common.text_fields import AtMost, GuardedForm
from services.accounts.passwords import LONGEST

LONGEST_TEXT = 4000

SEEN_LENGTH = 64  # characters of a SHA-256


def _stripped(text: str | None) -> str:
    return (text or "").replace("\r\n", "\n").strip()


class SignForm(GuardedForm):
    """The conclusion and the password; `seen` names the state of the case that was looked at."""

    seen = HiddenField(validators=[AtMost(SEEN_LENGTH)])
    conclusion = TextAreaField(
        "Conclusion",
        [DataRequired("Enter a conclusion."), AtMost(LONGEST_TEXT)],
        filters=[_stripped],
        description="Printed in the report above your signature.",
        render_kw={"rows": 5, "maxlength": LONGEST_TEXT},
    )
    password = PasswordField(
        "Your password",
        [InputRequired("Fill in this field."), AtMost(LONGEST)],
        description="Confirms your identity.",
        render_kw={"autocomplete": "current-password", "maxlength": LONGEST},
    )
    submit = SubmitField("Sign this case")


class AmendForm(GuardedForm):
    """Why a signed case is opened again."""

    reason = TextAreaField(
        "Reason for amendment",
        [DataRequired("Enter a reason."), AtMost(LONGEST_TEXT)],
        filters=[_stripped],
        description="Printed in the report of the new version.",
        render_kw={"rows": 3, "maxlength": LONGEST_TEXT},
    )
    submit = SubmitField("Reopen for amendment")
