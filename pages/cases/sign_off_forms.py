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
        [DataRequired("Please write what you conclude."), AtMost(LONGEST_TEXT)],
        filters=[_stripped],
        description="In your own words. It stands in the report, above your signature.",
        render_kw={"rows": 5, "maxlength": LONGEST_TEXT},
    )
    password = PasswordField(
        "Your password",
        [InputRequired("Please fill this in."), AtMost(LONGEST)],
        description="Asked once more, so that nobody signs in your name at an open browser.",
        render_kw={"autocomplete": "current-password", "maxlength": LONGEST},
    )
    submit = SubmitField("Sign this case")


class AmendForm(GuardedForm):
    """Why a signed case is opened again."""

    reason = TextAreaField(
        "Why must it be amended?",
        [DataRequired("Please say why."), AtMost(LONGEST_TEXT)],
        filters=[_stripped],
        description="The reason stands in the report of the new version.",
        render_kw={"rows": 3, "maxlength": LONGEST_TEXT},
    )
    submit = SubmitField("Open for an amendment")
