"""The forms of one's own second factor."""

from __future__ import annotations

from wtforms import SubmitField

from pages.accounts.accounts_forms import EITHER_CODE, code_field, present_password
from pages.common.text_fields import GuardedForm


class EnrolForm(GuardedForm):
    """The first code of the app, and the password."""

    code = code_field("Code", "The six digits that the app shows.", inputmode="numeric")
    password = present_password("Your password")
    submit = SubmitField("Turn on")


class ConfirmForm(GuardedForm):
    """Password and code once more, before something grave."""

    password = present_password("Your password")
    code = code_field("Code", EITHER_CODE)
