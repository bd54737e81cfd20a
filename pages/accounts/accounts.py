"""Signing up, signing in, changing the password, signing out."""

from __future__ import annotations

from flask import (
    Blueprint,
    Flask,
    abort,
    current_app,
    flash,
    g,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_login import LoginManager, current_user, login_user
from werkzeug.wrappers import Response as AnyResponse
from wtforms import StringField

from pages.accounts.accounts_forms import (
    NOT_CONFIRMED,
    CodeForm,
    PasswordForm,
    SignInForm,
    SignUpForm,
)
from pages.accounts.second_factor_forms import AnswerForm
from pages.common import limits
from pages.common.addresses import local_path, page_wanted
from pages.common.current_account import current_account
from pages.common.errors import wants_json, wants_page
from pages.common.headers import clear_cache
from pages.common.programs import of_program
from pages.common.requires import Audience, requirement_of, requires
from pages.common.site import present_site
from pages.common.text_fields import add_error, text_of
from records.accounts.accounts import Account, AccountStatus, any_account
from services.accounts.accounts import Accounts, CodeNeeded, Elsewhere, NotYet, SignedIn
from services.audit.audit import act_as, as_account
from services.language import gettext, lazy_gettext

blueprint = Blueprint("accounts", __name__)
login_manager = LoginManager()
# Off: it ties a session to one address, and a clinic's changes. Sessions are rows here instead.
# The stubs of Flask-Login do not know that it may be None.
login_manager.session_protection = None  # pyright: ignore[reportAttributeAccessIssue]

WRONG = lazy_gettext("User name or password is wrong.")
NOT_YET = {
    AccountStatus.WAITING: lazy_gettext(
        "Your password is correct, but an administrator has not approved your account yet."
    ),
}
DEACTIVATED = lazy_gettext(
    "Your password is correct, but your account is deactivated. Ask an administrator."
)
ELSEWHERE = lazy_gettext("Your password is correct, but only administrators may use one here.")
NO_SIGN_UP = lazy_gettext("Sign-up is closed. Sign in with {}.")
NO_PASSWORDS = lazy_gettext("Nobody signs in with a password here. Sign in with {}.")
WRONG_CODE = lazy_gettext(
    "This code is wrong or already used. Wait for the next code and try again."
)
WRONG_KEY = lazy_gettext("This security key was not accepted. Try again, or use a code.")
UNREADABLE = lazy_gettext(
    "The server's key has changed, so codes from the app no longer work. Use a recovery code, or "
    "ask an administrator to reset your second factor."
)
CODE_TOO_LATE = lazy_gettext("The code came too late. Sign in again.")
TIMED_OUT = lazy_gettext("You were signed out after inactivity, or from another browser.")


def init_app(app: Flask) -> None:
    """Tell Flask-Login who is signed in, and what to do with somebody who is not."""
    login_manager.init_app(app)
    app.extensions["leukoscope_login"] = login_manager


def confirms_password(field: StringField) -> bool:
    """Check the password of whoever is signed in; a wrong one is told beside the field and counts.

    For views that `limits.failures_of_account` limits.
    """
    if get_accounts().confirms_password(current_account(), text_of(field)):
        return True
    limits.note_failure()
    add_error(field, NOT_CONFIRMED)
    return False


def get_accounts() -> Accounts:
    """Return the accounts service of this installation."""
    return current_app.extensions["leukoscope_accounts"]


@login_manager.user_loader
def _load(account_id: str) -> Account | None:
    if of_program():
        # No cookie opens the API: a foreign page could have the browser send it.
        return None
    requirement = requirement_of(request.endpoint)
    present = requirement is None or not requirement.polled
    account = get_accounts().resume(session.get("sign_in"), account_id, present)
    if account:
        act_as(as_account(account))
    return account


@login_manager.unauthorized_handler
def _unauthorized() -> AnyResponse:
    # The answer to a script or an image may come after the person has signed in again in another
    # tab: a cookie with it would end that session.
    if wants_json() or not wants_page():
        abort(401)
    ended = "sign_in" in session
    if ended:
        session.clear()
        flash(str(TIMED_OUT), "warning")
    here = page_wanted()
    home = url_for("home.index")
    response = redirect(url_for("accounts.sign_in", next=None if here == home else here))
    return clear_cache(response) if ended else response


@blueprint.route("/sign-up", methods=["GET", "POST"])
@requires(Audience.ANYBODY)
@limits.sign_ups_by_address
def sign_up() -> str | AnyResponse | tuple[str, int]:
    """Ask for an account; the answer does not tell whether the name was taken."""
    if not get_accounts().may_sign_up:
        abort(403, NO_SIGN_UP.format(current_app.config["LEUKOSCOPE"].identity_provider))
    form = SignUpForm()
    if form.validate_on_submit():
        account = get_accounts().sign_up(
            text_of(form.name), text_of(form.password), reads_cases=form.reads_cases.data
        )
        flash(_welcome(account), "success")
        return redirect(url_for("accounts.sign_in"))
    page = render_template("accounts/sign_up.html", form=form, first=not any_account())
    return (page, 422) if form.errors else page


def _welcome(account: Account | None) -> str:
    if account is not None and account.is_administrator:
        return gettext("Your account is ready. As the first account it is the administrator.")
    if current_app.config["LEUKOSCOPE"].signup == "open":
        return gettext("If the name is available, your account is ready. Sign in.")
    return gettext("Request sent. If the name is available, an administrator will review it.")


@blueprint.route("/sign-in", methods=["GET", "POST"])
@requires(Audience.ANYBODY)
@limits.attempts_by_address
@limits.failures_by_address
@limits.failures_by_account
def sign_in() -> str | AnyResponse | tuple[str, int]:
    """Sign in, and go on to where the person wanted to."""
    target = wanted_page()
    if current_user.is_authenticated:
        return redirect(target)
    settings = current_app.config["LEUKOSCOPE"]
    if request.method == "POST" and settings.oidc_local == "off":
        abort(403, NO_PASSWORDS.format(settings.identity_provider))
    form = SignInForm()
    outcome = _try_to_sign_in(form) if form.validate_on_submit() else None
    if isinstance(outcome, SignedIn):
        return _signed_in(outcome, target)
    if isinstance(outcome, CodeNeeded):
        return _ask_for_code(outcome)
    page = sign_in_page(form, request.args.get("next"))
    return (page, 401) if request.method == "POST" else page


def sign_in_page(form: SignInForm, target: str | None) -> str:
    """Show the form of signing in, and the provider's button where there is one."""
    if current_app.config["LEUKOSCOPE"].oidc_issuer:
        # The button comes first.
        form.name.render_kw = {**(form.name.render_kw or {}), "autofocus": False}
    return render_template("accounts/sign_in.html", form=form, target=local_path(target))


def wanted_page() -> str:
    """Return where the person wanted to go."""
    return local_path(request.args.get("next")) or url_for("home.index")


def _ask_for_code(outcome: CodeNeeded) -> AnyResponse:
    session.clear()
    session[limits.CODE_FOR] = outcome.sign_in_id
    return redirect(url_for("accounts.code", next=request.args.get("next")))


@blueprint.route("/sign-in/code", methods=["GET", "POST"])
@requires(Audience.ANYBODY)
@limits.attempts_by_address
@limits.failures_by_address
@limits.failures_by_account
def code() -> str | AnyResponse | tuple[str, int]:
    """Complete a sign-in with a code of the second factor."""
    account = get_accounts().awaiting_code(session.get(limits.CODE_FOR))
    if account is None:
        return _too_late()
    form = CodeForm()
    if form.validate_on_submit():
        outcome = get_accounts().sign_in_with_code(session[limits.CODE_FOR], text_of(form.code))
        if outcome:
            return _signed_in(outcome, wanted_page())
        limits.note_failure()
        readable = get_accounts().second_factors.is_readable(account)
        add_error(form.code, WRONG_CODE if readable else UNREADABLE)
    page = _code_page(form)
    return (page, 401) if request.method == "POST" else page


@blueprint.post("/sign-in/key")
@requires(Audience.ANYBODY)
@limits.attempts_by_address
@limits.failures_by_address
@limits.failures_by_account
def key() -> str | AnyResponse | tuple[str, int]:
    """Complete a sign-in with a security key."""
    sign_in_id, site = session.get(limits.CODE_FOR), present_site()
    if sign_in_id is None or get_accounts().awaiting_code(sign_in_id) is None:
        return _too_late()
    form = AnswerForm()
    if form.validate() and site:
        outcome = get_accounts().sign_in_with_key(sign_in_id, text_of(form.answer), site)
        if outcome:
            return _signed_in(outcome, wanted_page())
    limits.note_failure()
    asking = CodeForm(formdata=None)
    asking.form_errors.append(WRONG_KEY)
    return _code_page(asking), 401


def _too_late() -> AnyResponse:
    flash(str(CODE_TOO_LATE), "warning")
    return redirect(url_for("accounts.sign_in", next=request.args.get("next")))


def _code_page(form: CodeForm) -> str:
    site = present_site()
    return render_template(
        "accounts/code.html",
        form=form,
        key_options=site and get_accounts().ask_for_key(session[limits.CODE_FOR], site),
        key_form=AnswerForm(formdata=None),
    )


def _try_to_sign_in(form: SignInForm) -> SignedIn | CodeNeeded | None:
    outcome = get_accounts().sign_in(text_of(form.name), text_of(form.password))
    if outcome is None:
        limits.note_failure()
        form.form_errors.append(WRONG)
    elif isinstance(outcome, Elsewhere):
        form.form_errors.append(ELSEWHERE)
    elif isinstance(outcome, NotYet):
        form.form_errors.append(NOT_YET.get(outcome.status, DEACTIVATED))
    else:
        return outcome
    return None


def _signed_in(outcome: SignedIn, target: str) -> AnyResponse:
    begin_session(outcome.account, outcome.sign_in_id)
    response = redirect(target)
    limits.remember_device(response, outcome.account.name)
    return response


def begin_session(account: Account, sign_in_id: str) -> None:
    """Start a fresh session: the old one may hold what somebody else put there."""
    session.clear()
    # A form shown in this very answer needs a token of the new session.
    g.pop("csrf_token", None)
    session["sign_in"] = sign_in_id
    login_user(account)


@blueprint.post("/sign-out")
@requires(Audience.ANYBODY)
def sign_out() -> AnyResponse:
    """Sign this browser out; who signed in at the provider may do so there as well."""
    external = current_user.is_authenticated and current_user.is_external
    get_accounts().sign_out(session.get("sign_in", ""))
    session.clear()
    if external:
        return clear_cache(redirect(url_for("provider.signed_out")))
    flash(gettext("You are signed out."), "success")
    return clear_cache(redirect(url_for("accounts.sign_in")))


@blueprint.route("/account/password", methods=["GET", "POST"])
@requires(Audience.SIGNED_IN)
@limits.failures_of_account
def password() -> str | AnyResponse | tuple[str, int]:
    """Change the password; every other browser is signed out."""
    form = PasswordForm()
    if form.validate_on_submit() and _change_password(form):
        flash(gettext("Password changed. Your other browsers are signed out."), "success")
        return redirect(url_for("accounts.password"))
    page = render_template("accounts/password.html", form=form)
    return (page, 422) if form.errors else page


def _change_password(form: PasswordForm) -> bool:
    account = current_account()
    sign_in_id = get_accounts().change_password(account, text_of(form.present), text_of(form.new))
    if sign_in_id is None:
        limits.note_failure()
        add_error(form.present, gettext("This is not your current password."))
        return False
    begin_session(account, sign_in_id)
    return True
