"""One's own security keys and passkeys: added and removed. `accounts.py` signs in with them."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, session, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from pages.accounts.accounts import begin_session, get_accounts
from pages.accounts.second_factor import refused, why
from pages.accounts.second_factor_forms import ConfirmForm, KeyForm, NewKeyForm
from pages.common import limits
from pages.common.current_account import current_account
from pages.common.requires import Audience, requires
from pages.common.site import NEEDS_A_NAME, present_site
from pages.common.text_fields import text_of
from records.accounts import second_factors, security_keys
from records.accounts.security_keys import SecurityKey
from services.accounts.accounts import Wrong
from services.accounts.security_keys import MOST_KEYS
from services.language import lazy_gettext

blueprint = Blueprint("security_keys", __name__, url_prefix="/account/second-factor/keys")

Answer = str | AnyResponse | tuple[str, int]

NOT_ACCEPTED = lazy_gettext(
    "This key was not accepted. It may already be registered, or it took too long. "
    "An account can have %(most_keys)s keys. Try again.",
    most_keys=MOST_KEYS,
)
ADDED = lazy_gettext("“{}” added. You can now use it instead of a code.")
REMOVED = lazy_gettext("“{}” removed. Your other browsers are signed out.")


@blueprint.get("/new")
@requires(Audience.SIGNED_IN)
def new() -> Answer:
    """Ask for a name, the password and a code."""
    if present_site() is None or not second_factors.get(current_user.id):
        return _cannot_add()
    return _new(NewKeyForm())


@blueprint.post("/new")
@requires(Audience.SIGNED_IN)
@limits.failures_of_account
def begin() -> Answer:
    """Ask the browser for a key once password and code are confirmed."""
    form, site = NewKeyForm(), present_site()
    if not form.validate():
        return _new(form), 422
    if site is None or not second_factors.get(current_user.id):
        return _cannot_add()
    account = current_account()
    outcome = get_accounts().begin_security_key(
        account, text_of(form.password), text_of(form.code), site
    )
    if isinstance(outcome, Wrong):
        return _new(refused(form, outcome, why())), 422
    renewed, options = outcome
    begin_session(account, renewed.sign_in_id)
    answer = KeyForm(formdata=None, name=text_of(form.name))
    return render_template("accounts/security_key_touch.html", form=answer, options=options)


@blueprint.post("")
@requires(Audience.SIGNED_IN)
@limits.failures_of_account
def add() -> Answer:
    """Keep the key that answered."""
    form, site = KeyForm(), present_site()
    if not form.validate():
        return _not_accepted(*(error for errors in form.errors.values() for error in errors))
    if site is None or not second_factors.get(current_user.id):
        return _cannot_add()
    account = current_account()
    added = get_accounts().add_security_key(
        account, session["sign_in"], text_of(form.name), text_of(form.answer), site
    )
    if not added:
        return _not_accepted(NOT_ACCEPTED)
    flash(ADDED.format(text_of(form.name)), "success")
    return redirect(url_for("second_factor.show"))


@blueprint.get("/<key_id>/remove")
@requires(Audience.SIGNED_IN)
def confirm(key_id: str) -> str:
    """Ask before a key is removed."""
    return _removal(_key(key_id), ConfirmForm())


@blueprint.post("/<key_id>/remove")
@requires(Audience.SIGNED_IN)
@limits.failures_of_account
def remove(key_id: str) -> Answer:
    """Remove a key once password and code are confirmed."""
    form, key = ConfirmForm(), _key(key_id)
    name = key.name
    if not form.validate():
        return _removal(key, form), 422
    account = current_account()
    outcome = get_accounts().remove_security_key(
        account, key_id, text_of(form.password), text_of(form.code)
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


def _cannot_add() -> AnyResponse:
    """Lead back to where one sees why no key can be added now."""
    if present_site() is None:
        flash(str(NEEDS_A_NAME), "warning")
    return redirect(url_for("second_factor.show"))


def _key(key_id: str) -> SecurityKey:
    return security_keys.get(current_user.id, key_id) or abort(404)


def _removal(key: SecurityKey, form: ConfirmForm) -> str:
    return render_template("accounts/security_key_remove.html", key=key, form=form)
