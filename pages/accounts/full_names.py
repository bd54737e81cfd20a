"""The name that reports print above a person's signatures."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response as AnyResponse
from wtforms import StringField, SubmitField

from pages.common.current_account import current_account
from pages.common.printing import printable
from pages.common.requires import Audience, requires
from pages.common.text_fields import AtMost, GuardedForm, text_of
from records.accounts.accounts import FULL_NAME_LENGTH
from services.accounts import full_names
from services.language import gettext, lazy_gettext

blueprint = Blueprint("full_names", __name__, url_prefix="/account/name")


class FullNameForm(GuardedForm):
    """A person's full name."""

    full_name = StringField(
        lazy_gettext("Full name"),
        [AtMost(FULL_NAME_LENGTH), printable],
        description=lazy_gettext(
            "With title and position, as “Dr Ada Byron, Consultant Haematologist”. "
            "Empty: your user name."
        ),
        render_kw={"autocomplete": "name", "maxlength": FULL_NAME_LENGTH},
    )
    submit = SubmitField(lazy_gettext("Save"))


@blueprint.route("", methods=["GET", "POST"])
@requires(Audience.SIGNED_IN)
def show() -> str | AnyResponse | tuple[str, int]:
    """Show and change one's own full name."""
    account, form = current_account(), FullNameForm(obj=current_account())
    if form.validate_on_submit():
        full_names.choose(account, text_of(form.full_name))
        flash(gettext("Name saved. Versions already signed keep the earlier one."), "success")
        return redirect(url_for("full_names.show"))
    page = render_template("accounts/full_name.html", form=form)
    return (page, 422) if form.errors else page
