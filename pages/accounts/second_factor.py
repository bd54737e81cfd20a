"""One's own second factor: set up, new recovery codes, removed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import segno
from flask import Blueprint, flash, redirect, render_template, session, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from pages.accounts.accounts import UNREADABLE, WRONG_CODE, begin_session, get_accounts
from pages.accounts.accounts_forms import NOT_CONFIRMED
from pages.accounts.second_factor_forms import ConfirmForm, EnrolForm, NewKeyForm
from pages.common import limits
from pages.common.current_account import current_account
from pages.common.requires import Audience, requires
from pages.common.site import NEEDS_A_NAME, present_site
from pages.common.text_fields import add_error, text_of
from records.accounts import second_factors, security_keys
from records.accounts.accounts import Account
from services.accounts.accounts import Renewed, Wrong
from services.language import lazy_gettext

blueprint = Blueprint("second_factor", __name__, url_prefix="/account/second-factor")

Asking = TypeVar("Asking", EnrolForm, ConfirmForm, NewKeyForm)
Answer = str | AnyResponse | tuple[str, int]

PENDING = "pending_secret"
NOT_THE_APPS = lazy_gettext(
    "This code does not match. Scan the QR code again and check your phone's clock."
)
REMOVED = lazy_gettext("Second factor removed. Your other browsers are signed out.")
_GROUP = 4  # characters of the secret between two spaces, for whoever types it


@blueprint.get("")
@requires(Audience.SIGNED_IN)
def show() -> str:
    """Set a second factor up, or see the one there is."""
    return _page()


@blueprint.post("")
@requires(Audience.SIGNED_IN)
@limits.failures_of_account
def enrol() -> Answer:
    """Set the second factor up, and show the recovery codes, once."""
    form = EnrolForm()
    if second_factors.get(current_user.id):
        return redirect(url_for("second_factor.show"))
    if not form.validate():
        return _page(enrolling=form), 422
    outcome = get_accounts().enrol(
        current_account(), _pending(), text_of(form.password), text_of(form.code)
    )
    if isinstance(outcome, Wrong):
        return _page(enrolling=refused(form, outcome, NOT_THE_APPS)), 422
    return _codes(outcome)


@blueprint.post("/recovery-codes")
@requires(Audience.SIGNED_IN)
@limits.failures_of_account
def renew() -> Answer:
    """Replace the recovery codes, and show the new ones, once."""
    return _confirmed(get_accounts().renew_recovery_codes, _codes)


@blueprint.post("/remove")
@requires(Audience.SIGNED_IN)
@limits.failures_of_account
def remove() -> Answer:
    """Remove the second factor; who must have one is then asked to set up another."""
    return _confirmed(get_accounts().remove_second_factor, _removed)


def _confirmed(
    act: Callable[[Account, str, str], Renewed | Wrong], then: Callable[[Renewed], Answer]
) -> Answer:
    """Act once password and code are confirmed."""
    form = ConfirmForm()
    if not second_factors.get(current_user.id):
        return redirect(url_for("second_factor.show"))
    if not form.validate():
        return _page(confirming=form), 422
    outcome = act(current_account(), text_of(form.password), text_of(form.code))
    if isinstance(outcome, Wrong):
        return _page(confirming=refused(form, outcome, why())), 422
    return then(outcome)


def _removed(outcome: Renewed) -> AnyResponse:
    begin_session(current_account(), outcome.sign_in_id)
    flash(str(REMOVED), "success")
    return redirect(url_for("second_factor.show"))


def _page(enrolling: EnrolForm | None = None, confirming: ConfirmForm | None = None) -> str:
    factor = second_factors.get(current_user.id)
    if factor is None:
        return _enrolment(enrolling or EnrolForm())
    return render_template(
        "accounts/second_factor.html",
        factor=factor,
        left=second_factors.count_recovery_codes(current_user.id),
        form=confirming or ConfirmForm(),
        keys=security_keys.of_account(current_user.id),
        can_add=present_site() is not None,
        needs_a_name=NEEDS_A_NAME,
    )


def _enrolment(form: EnrolForm) -> str:
    factors = get_accounts().second_factors
    secret = _pending_secret()
    picture = segno.make(factors.uri(current_account(), secret), error="m")
    return render_template(
        "accounts/second_factor_enrol.html",
        form=form,
        picture=picture.svg_data_uri(scale=5, border=2, light="#fff"),
        secret=" ".join(secret[at : at + _GROUP] for at in range(0, len(secret), _GROUP)),
        required=get_accounts().must_enrol(current_account()),
    )


def _pending_secret() -> str:
    """Return the secret that the person sets up; the same one when the page is loaded again."""
    factors = get_accounts().second_factors
    secret = factors.open(session.get(PENDING, ""))
    if secret is None:
        session[PENDING] = factors.new_secret()
        secret = factors.open(session[PENDING]) or ""
    return secret


def _pending() -> str:
    """Return the same secret as it is sealed in the session."""
    _pending_secret()
    return session[PENDING]


def _codes(outcome: Renewed) -> str:
    # A page and no notice: notices travel in the cookie.
    begin_session(current_account(), outcome.sign_in_id)
    return render_template("accounts/recovery_codes.html", codes=outcome.recovery_codes)


def refused(form: Asking, wrong: Wrong, why: str) -> Asking:
    """Note a failure, and say beside the field what was wrong."""
    limits.note_failure()
    if wrong is Wrong.PASSWORD:
        add_error(form.password, NOT_CONFIRMED)
    else:
        add_error(form.code, why)
    return form


def why() -> str:
    """Say why a code is not accepted."""
    readable = get_accounts().second_factors.is_readable(current_account())
    return WRONG_CODE if readable else UNREADABLE
