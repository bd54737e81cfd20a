"""The forms of the administrator's pages."""

from __future__ import annotations

from wtforms import BooleanField, Form, SelectField, StringField

from pages.common.access import ROLE_NAMES
from pages.common.choices import SelectChoice
from pages.common.text_fields import AtMost, GuardedForm
from records.accounts import teams
from records.accounts.accounts import Role
from services.accounts.accounts import LONGEST_TYPED_NAME
from services.language import lazy_gettext

ROLE_CHOICES = [SelectChoice(role, word) for role, word in ROLE_NAMES.items()]


class ApprovalForm(GuardedForm):
    """What a new account may do, and with whom."""

    role = SelectField(lazy_gettext("Role"), choices=ROLE_CHOICES, default=Role.READER)
    team = SelectField(lazy_gettext("Team"), choices=[])

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.team.choices = [SelectChoice(team.id, team.name) for team in teams.all_teams()]


class PersonForm(ApprovalForm):
    """What an account may do, and with whom."""

    is_administrator = BooleanField(lazy_gettext("Administrator"))


class PeopleForm(Form):
    """Whom to show. Sent by GET, so without token."""

    text = StringField(
        lazy_gettext("Search"),
        [AtMost(LONGEST_TYPED_NAME)],
        render_kw={
            "type": "search",
            "placeholder": lazy_gettext("Name or team"),
            "maxlength": LONGEST_TYPED_NAME,
        },
    )


class TeamForm(GuardedForm):
    """The name of a team."""

    name = StringField(lazy_gettext("Name"), [AtMost(LONGEST_TYPED_NAME)])
