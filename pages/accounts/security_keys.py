"""One's own security keys and passkeys: added and removed. `accounts.py` signs in with them."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, session, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from pages.accounts.accounts import begin_session, the_accounts
from pages.accounts.second_factor import refused, why
from pages.accounts.second_factor_forms import ConfirmForm, KeyForm, NewKeyForm
from pages.common import limits
from pages.common.site import NEEDS_A_NAME, present_site
from records.accounts import second_factors, security_keys
from records.accounts.security_keys import SecurityKey
from services.accounts.accounts import Wrong
from services.accounts.security_keys import MOST_KEYS

blueprint = Blueprint("security_keys", __name__, url_prefix="/account/second-factor/keys")

Answer = str | AnyResponse | tuple[str, int]

NOT_ACCEPTED = (
    "This key was not accepted. It may be registered already, or it took too long. An account has "
    f"at most {MOST_KEYS} keys. To try again, start here."
)
ADDED = "“{}” is added. You can use it instead of a code from now on."
REMOVED = "“{}” is removed. Other browsers are signed out."


@blueprint.get("/new")
def new() -> Answer:
    """Ask for a name, the password and a code."""
    return _cannot() or _new(NewKeyForm())


@blueprint.post("/new")
@limits.failures_of_account
def begin() -> Answer:
    """Ask the browser for a key, after password and code were given once more."""
    form, site = NewKeyForm(), present_site()
    if not form.validate():
        return _new(form), 422
    if cannot := _cannot():
        return cannot
    account = current_user._get_current_object()
    outcome = the_accounts().begin_security_key(account, form.password.data, form.code.data, site)
    if isinstance(outcome, Wrong):
        return _new(refused(form, outcome, why())), 422
    renewed, options = outcome
    begin_session(account, renewed.sign_in_id)
    answer = KeyForm(formdata=None, name=form.name.data)
    return render_template("accounts/security_key_touch.html", form=answer, options=options)


@blueprint.post("")
@limits.failures_of_account
def add() -> Answer:
    """Keep the key that answered."""
    form, site = KeyForm(), present_site()
    if not form.validate():
        return _not_accepted(*(error for errors in form.errors.values() for error in errors))
    if cannot := _cannot():
        return cannot
    account = current_user._get_current_object()
    added = the_accounts().add_security_key(
        account, session["sign_in"], form.name.data, form.answer.data, site
    )
    if not added:
        return _not_accepted(NOT_ACCEPTED)
    flash(ADDED.format(form.name.data), "success")
    return redirect(url_for("second_factor.show"))


@blueprint.get("/<key_id>/remove")
def confirm(key_id: str) -> str:
    """Ask before a key is removed."""
    return _removal(_key(key_id), ConfirmForm())


@blueprint.post("/<key_id>/remove")
@limits.failures_of_account
def remove(key_id: str) -> Answer:
    """Remove a key, after password and code were given once more."""
    form, key = ConfirmForm(), _key(key_id)
    name = key.name
    if not form.validate():
        return _removal(key, form), 422
    account = current_user._get_current_object()
    outcome = the_accounts().remove_security_key(
        account, key_id, form.password.data, form.code.data
    )
    if isinstance(outcome, Wrong):
        return _removal(key, refused(form, outcome, why())), 422
    begin_session(account, outcome.sign_in_id)
    flash(REMOVED.format(name), "success")
    return redirect(url_for("second_factor.show"))


def _new(form: NewKeyForm) -> str:
    return render_template("accounts/security_key_new.html", form=form)


def _not_accepted(*sentences: str) -> tuple[str, int]:
    form = NewKeyForm(formdata=None)
    form.form_errors.extend(sentences)
    return _new(form), 422


def _cannot() -> AnyResponse | None:
    """Lead back to where one sees why no key can be added now."""
    if present_site() is None:
        flash(NEEDS_A_NAME, "warning")
    elif second_factors.get(current_user.id):
        return None
    return redirect(url_for("second_factor.show"))


def _key(key_id: str) -> SecurityKey:
    return security_keys.get(current_user.id, key_id) or abort(404)


def _removal(key: SecurityKey, form: ConfirmForm) -> str:
    return render_template("accounts/security_key_remove.html", key=key, form=form)
