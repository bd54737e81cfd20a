"""The forms of signing up, signing in and changing the password."""

from __future__ import annotations

from collections.abc import Callable

from flask_login import current_user
from wtforms import BooleanField, PasswordField, StringField, SubmitField
from wtforms.validators import EqualTo, InputRequired, ValidationError

from pages.common.text_fields import AtMost, GuardedForm, text_of
from services.accounts.accounts import LONGEST_NAME, LONGEST_TYPED_NAME, SHORTEST_NAME, clean_name
from services.accounts.passwords import LONGEST, SHORTEST, check_password
from services.accounts.second_factors import LONGEST_CODE
from services.language import gettext, lazy_gettext

_GIVEN = InputRequired(lazy_gettext("Fill in this field."))
_BOUNDED = AtMost(LONGEST)
# Spaces around a name, and letters typed as several characters, do not count in the end.
_NAME_BOUNDED = AtMost(LONGEST_TYPED_NAME)
_NAME_HELP = lazy_gettext(
    "%(shortest_name)s to %(longest_name)s characters. Visible to colleagues.",
    shortest_name=SHORTEST_NAME,
    longest_name=LONGEST_NAME,
)
NOT_CONFIRMED = lazy_gettext("This is not your password.")
EITHER_CODE = lazy_gettext("Six digits from your authenticator app, or one of your recovery codes.")
_PASSWORD_HELP = lazy_gettext(
    "%(shortest)s characters or more. Three or four unrelated words work well.", shortest=SHORTEST
)


def present_password(label: str) -> PasswordField:
    """Make a field for the current password of the account."""
    return PasswordField(label, [_GIVEN, _BOUNDED], render_kw={"autocomplete": "current-password"})


def _new_password(label: str) -> PasswordField:
    return PasswordField(
        label,
        [_GIVEN, _BOUNDED],
        description=_PASSWORD_HELP,
        render_kw={"autocomplete": "new-password", "minlength": SHORTEST, "maxlength": LONGEST},
    )


def _repeated(field: str) -> PasswordField:
    return PasswordField(
        lazy_gettext("Confirm password"),
        [_GIVEN, _BOUNDED, EqualTo(field, lazy_gettext("The passwords do not match."))],
        render_kw={"autocomplete": "new-password", "maxlength": LONGEST},
    )


def _check(check: Callable[..., object], *values: str) -> None:
    """Check a value by a rule of the accounts; show its message beside the field."""
    try:
        check(*values)
    except ValueError as error:
        raise ValidationError(str(error)) from error


class SignInForm(GuardedForm):
    """User name and password."""

    name = StringField(
        lazy_gettext("User name"),
        [_GIVEN, _NAME_BOUNDED],
        render_kw={"autocomplete": "username", "autofocus": True},
    )
    password = present_password(lazy_gettext("Password"))
    submit = SubmitField(lazy_gettext("Sign in"))


def code_field(label: str, description: str, **attributes: object) -> StringField:
    """Make a field for a code of the second factor."""
    kept = {"autocomplete": "one-time-code", "maxlength": LONGEST_CODE, "spellcheck": "false"}
    return StringField(
        label, [_GIVEN, AtMost(LONGEST_CODE)], description=description, render_kw=kept | attributes
    )


class CodeForm(GuardedForm):
    """A code of the second factor."""

    code = code_field(lazy_gettext("Code"), EITHER_CODE, autofocus=True)
    submit = SubmitField(lazy_gettext("Sign in"))


class SignUpForm(GuardedForm):
    """A new user name, and its password twice."""

    name = StringField(
        lazy_gettext("User name"),
        [_GIVEN, _NAME_BOUNDED],
        description=_NAME_HELP,
        render_kw={"autocomplete": "username", "autofocus": True, "maxlength": LONGEST_NAME},
    )
    password = _new_password(lazy_gettext("Password"))
    again = _repeated("password")
    reads_cases = BooleanField(lazy_gettext("I also review cases"), default=True)
    submit = SubmitField(lazy_gettext("Sign up"))

    def validate_name(self, field: StringField) -> None:
        """Say beside the name what is wrong with it."""
        _check(clean_name, text_of(field))

    def validate_password(self, field: PasswordField) -> None:
        """Say beside the password what is wrong with it."""
        _check(check_password, text_of(field), text_of(self.name)[:LONGEST_TYPED_NAME])


class PasswordForm(GuardedForm):
    """The present password, and the new one twice."""

    present = present_password(lazy_gettext("Current password"))
    new = _new_password(lazy_gettext("New password"))
    again = _repeated("new")
    submit = SubmitField(lazy_gettext("Change password"))

    def validate_new(self, field: PasswordField) -> None:
        """Say beside the new password what is wrong with it."""
        if field.data == self.present.data:
            raise ValidationError(gettext("This is your current password. Choose a new one."))
        _check(check_password, text_of(field), current_user.name)
