"""The forms of one's own second factor."""

from __future__ import annotations

from wtforms import HiddenField, StringField, SubmitField
from wtforms.validators import InputRequired

from pages.accounts.accounts_forms import EITHER_CODE, code_field, present_password
from pages.common.text_fields import AtMost, GuardedForm
from records.accounts.security_keys import NAME_LENGTH
from services.accounts.security_keys import LONGEST_ANSWER
from services.language import lazy_gettext


class EnrolForm(GuardedForm):
    """The first code of the app, and the password."""

    code = code_field(
        lazy_gettext("Code"), lazy_gettext("Six digits from the app."), inputmode="numeric"
    )
    password = present_password(lazy_gettext("Your password"))
    submit = SubmitField(lazy_gettext("Turn on"))


class ConfirmForm(GuardedForm):
    """Password and code once more, before something grave."""

    password = present_password(lazy_gettext("Your password"))
    code = code_field(lazy_gettext("Code"), EITHER_CODE)


class NewKeyForm(ConfirmForm):
    """The name of a new security key, after password and code once more."""

    name = StringField(
        lazy_gettext("Name of the key"),
        [InputRequired(lazy_gettext("Fill in this field.")), AtMost(NAME_LENGTH)],
        filters=[lambda name: name and " ".join(name.split())],
        description=lazy_gettext("For example “Key on my ring”."),
        render_kw={"autofocus": True, "maxlength": NAME_LENGTH},
    )
    submit = SubmitField(lazy_gettext("Continue"))


class AnswerForm(GuardedForm):
    """What a security key answered, filled in by the script."""

    answer = HiddenField(validators=[InputRequired(), AtMost(LONGEST_ANSWER)])


class KeyForm(AnswerForm):
    """The answer of a new security key, and its name."""

    name = HiddenField(validators=[InputRequired(), AtMost(NAME_LENGTH)])
