"""The forms of the administrator's pages."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import BooleanField, SelectField
from wtforms.fields.choices import SelectChoice

from pages.access import ROLE_WORDS
from records.accounts import READER

ROLE_CHOICES = [SelectChoice(role, word) for role, word in ROLE_WORDS.items()]


class ApprovalForm(FlaskForm):
    """What a new account may do."""

    role = SelectField("Role", choices=ROLE_CHOICES, default=READER)


class PersonForm(ApprovalForm):
    """What an account may do."""

    is_administrator = BooleanField("Administrator")
