"""Signing in at the hospital's identity provider, and confirming there who one is."""

from __future__ import annotations

import logging

from flask import (
    Blueprint,
    abort,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from pages.accounts.accounts import begin_session, local_path, sign_in_page, wanted_page
from pages.accounts.accounts_forms import SignInForm
from pages.common import limits
from pages.common.current_account import current_account
from pages.common.requires import Audience, requires
from records.accounts import accounts as records
from records.accounts import confirmations
from records.accounts.confirmations import Confirmation
from records.audit.audit import Event
from services.accounts.accounts import SignedIn
from services.accounts.confirmations import Confirmations
from services.accounts.external_accounts import ExternalAccounts, Refusal
from services.accounts.identities import Asked, Identity, IdentityError, ProviderError
from services.audit import audit
from services.audit.audit import about_account
from services.language import lazy_gettext

log = logging.getLogger(__name__)

blueprint = Blueprint("provider", __name__, url_prefix="/sign-in/provider")

ASKED, TARGET, CONFIRMING = "provider_asked", "provider_target", "provider_confirming"
"""Where the session keeps what was asked, where the person wanted to go, what is confirmed."""

Answer = str | AnyResponse | tuple[str, int]

UNREACHABLE = lazy_gettext("{} cannot be reached now. Try again in a few minutes.")
NOT_IDENTIFIED = lazy_gettext("Sign-in with {} was cancelled or not accepted. Try again.")
DEACTIVATED = lazy_gettext("Your account is deactivated. Ask an administrator.")
NOT_CONFIRMED = lazy_gettext("{} did not confirm your identity, so nothing was signed. Try again.")
NOTHING_KEPT = lazy_gettext("This took too long. Sign the case again.")


def get_external_accounts() -> ExternalAccounts:
    """Return the accounts of the provider's people; 404 where there is no provider."""
    return current_app.extensions.get("leukoscope_external_accounts") or abort(404)


def get_confirmations() -> Confirmations:
    """Return the confirmations of this installation."""
    return current_app.extensions["leukoscope_confirmations"]


def ask_to_confirm(confirmation_id: str) -> AnyResponse:
    """Lead to where the person confirms who it is.

    A page between: browsers follow no form to another host under our policy.
    """
    session[CONFIRMING] = confirmation_id
    return redirect(url_for("provider.confirm"), code=303)


@blueprint.get("")
@requires(Audience.ANYBODY)
@limits.questions_by_address
def begin() -> Answer:
    """Send the browser to the provider, to sign in there."""
    accounts = get_external_accounts()
    if current_user.is_authenticated:
        return redirect(wanted_page())
    target = local_path(request.args.get("next"))
    try:
        address, asked = accounts.provider.ask(_redirect_uri())
    except ProviderError:
        return _refused(UNREACHABLE, 503, target)
    session.pop(CONFIRMING, None)
    session[ASKED], session[TARGET] = asked.to_dict(), target
    return redirect(address)


@blueprint.get("/answer")
@requires(Audience.ANYBODY)
@limits.questions_by_address
@limits.refused_by_address
def answer() -> Answer:
    """Take what the provider says, once, of who was asked about."""
    accounts, kept = get_external_accounts(), session.pop(ASKED, None)
    target, confirming = session.pop(TARGET, None), session.pop(CONFIRMING, None)
    identity, status = None, 503
    try:
        identity = _identified(accounts, kept)
    except IdentityError as error:
        limits.note_failure()
        audit.keep(Event.PROVIDER_REFUSED, reason=str(error))
        status = 401
    except ProviderError:
        log.warning("The identity provider could not be asked who signed in.")
    if confirming and kept and kept["anew"] and current_user.is_authenticated:
        return _confirmed(accounts, confirming, identity)
    if identity is None:
        return _refused(NOT_IDENTIFIED if status == 401 else UNREACHABLE, status, target)
    return _signed_in(accounts, identity, target)


@blueprint.get("/confirm")
@requires(Audience.SIGNED_IN)
def confirm() -> Answer:
    """Tell that the provider will ask who one is, and lead there."""
    get_external_accounts()
    confirmation = _waiting(session.get(CONFIRMING))
    return render_template("accounts/provider_confirm.html", case_id=confirmation.case_id)


@blueprint.get("/confirm/ask")
@requires(Audience.SIGNED_IN)
@limits.questions_by_address
def ask() -> Answer:
    """Send the browser to the provider, to sign in there once more."""
    accounts, confirmation = get_external_accounts(), _waiting(session.get(CONFIRMING))
    try:
        address, asked = accounts.provider.ask(_redirect_uri(), anew=True)
    except ProviderError:
        flash(UNREACHABLE.format(_name()), "danger")
        return _back_to_case(confirmation)
    session[ASKED] = asked.to_dict()
    return redirect(address)


@blueprint.get("/signed-out")
@requires(Audience.ANYBODY)
@limits.questions_by_address
def signed_out() -> str:
    """Say that one is signed out here, and offer to sign out at the provider."""
    accounts = get_external_accounts()
    try:
        address = accounts.provider.sign_out_url(url_for("accounts.sign_in", _external=True))
    except ProviderError:
        address = None
    return render_template("accounts/provider_signed_out.html", address=address)


def _identified(accounts: ExternalAccounts, kept: dict[str, object] | None) -> Identity:
    if kept is None:
        raise IdentityError("nothing was asked from this browser")
    return accounts.provider.identify(Asked(**kept), request.args, _redirect_uri())  # pyright: ignore[reportArgumentType]  the session is signed


def _signed_in(accounts: ExternalAccounts, identity: Identity, target: str | None) -> Answer:
    outcome = accounts.sign_in(identity)
    if isinstance(outcome, SignedIn):
        begin_session(outcome.account, outcome.sign_in_id)
        return redirect(local_path(target) or url_for("home.index"))
    if outcome is Refusal.NO_GROUP:
        names = ", ".join(one.name for one in records.administrators())
        return render_template("accounts/provider_no_role.html", administrators=names), 403
    return _refused(DEACTIVATED, 403, target)


def _confirmed(
    accounts: ExternalAccounts, confirmation_id: str, identity: Identity | None
) -> AnyResponse:
    """Go back to the case; only the person of this session confirms anything."""
    confirmation, account = _waiting(confirmation_id), current_account()
    if identity is not None and accounts.is_of(account, identity):
        get_confirmations().confirm(confirmation)
        return _back_to_case(confirmation)
    if identity is not None:
        limits.note_failure()
        audit.keep(Event.PROVIDER_REFUSED, about_account(account), reason="another identity")
    flash(NOT_CONFIRMED.format(_name()), "danger")
    return _back_to_case(confirmation)


def _waiting(confirmation_id: str | None) -> Confirmation:
    """Return what this browser waits for to be confirmed; 409 where there is nothing."""
    found = confirmation_id and confirmations.of_browser(confirmation_id, session["sign_in"])
    return found or abort(409, NOTHING_KEPT)


def _back_to_case(confirmation: Confirmation) -> AnyResponse:
    return redirect(
        url_for("sign_off.show", case_id=confirmation.case_id, identity=confirmation.id) + "#sign"
    )


def _refused(sentence: str, status: int, target: str | None) -> tuple[str, int]:
    form = SignInForm(formdata=None)
    form.form_errors.append(sentence.format(_name()))
    return sign_in_page(form, target), status


def _redirect_uri() -> str:
    """Return where the provider leads back, under the name by which the browser knows us."""
    return url_for("provider.answer", _external=True)


def _name() -> str:
    return current_app.config["LEUKOSCOPE"].identity_provider
