"""Signing up, signing in, changing the password, signing out."""

from __future__ import annotations

import re

from flask import (
    Blueprint,
    Flask,
    Response,
    current_app,
    flash,
    g,
    jsonify,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_login import LoginManager, current_user, login_user
from werkzeug.wrappers import Response as AnyResponse

from pages.accounts.accounts_forms import CodeForm, PasswordForm, SignInForm, SignUpForm
from pages.accounts.second_factor_forms import AnswerForm
from pages.common import limits
from pages.common.current_account import current_account
from pages.common.errors import MESSAGES, wants_json
from pages.common.headers import clear_cache
from pages.common.requires import Audience, requires
from pages.common.site import present_site
from pages.common.text_fields import add_error, text_of
from records.accounts.accounts import Account, AccountStatus, any_account
from services.accounts.accounts import Accounts, CodeNeeded, NotYet, SignedIn
from services.audit.audit import act_as, as_account

blueprint = Blueprint("accounts", __name__)
login_manager = LoginManager()
# Off: it ties a session to one address, and a clinic's changes. Sessions are rows here instead.
# The stubs of Flask-Login do not know that it may be None.
login_manager.session_protection = None  # pyright: ignore[reportAttributeAccessIssue]

WRONG = "User name or password is wrong."
NOT_YET = {
    AccountStatus.WAITING: "Your password is correct, but an administrator has not approved your "
    "account yet.",
}
DEACTIVATED = "Your password is correct, but your account is deactivated. Ask an administrator."
WRONG_CODE = "This code is wrong or already used. Wait for the next code and try again."
WRONG_KEY = "This security key was not accepted. Try again, or use a code."
UNREADABLE = (
    "The server's key has changed, so codes from the app no longer work. Use a recovery code, or "
    "ask an administrator to reset your second factor."
)
CODE_TOO_LATE = "The code came too late. Sign in again."
TIMED_OUT = "You were signed out after inactivity, or from another browser."
# A path on this server: browsers read // and /\ as another host, and skip control characters.
_LOCAL_PATH = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")


def init_app(app: Flask) -> None:
    """Tell Flask-Login who is signed in, and what to do with somebody who is not."""
    login_manager.init_app(app)
    app.extensions["leukoscope_login"] = login_manager


def get_accounts() -> Accounts:
    """Return the accounts service of this installation."""
    return current_app.extensions["leukoscope_accounts"]


@login_manager.user_loader
def _load(account_id: str) -> Account | None:
    account = get_accounts().resume(session.get("sign_in"), account_id)
    if account:
        act_as(as_account(account))
    return account


@login_manager.unauthorized_handler
def _unauthorized() -> tuple[Response, int] | AnyResponse:
    ended = "sign_in" in session
    if ended:
        session.clear()
        flash(TIMED_OUT, "warning")
    if wants_json():
        return jsonify(error=MESSAGES[401][1]), 401
    here = request.full_path.rstrip("?") if request.method == "GET" else None
    response = redirect(url_for("accounts.sign_in", next=None if here == "/" else here))
    return clear_cache(response) if ended else response


def local_path(target: str | None) -> str | None:
    """Return the target of a redirect if it is a path on this server."""
    return target if target and _LOCAL_PATH.fullmatch(target) else None


@blueprint.route("/sign-up", methods=["GET", "POST"])
@requires(Audience.ANYBODY)
@limits.sign_ups_by_address
def sign_up() -> str | AnyResponse | tuple[str, int]:
    """Ask for an account; the answer does not tell whether the name was taken."""
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
        return "Your account is ready. As the first account it is the administrator."
    if current_app.config["LEUKOSCOPE"].signup == "open":
        return "If the name is available, your account is ready. Sign in."
    return "Request sent. If the name is available, an administrator will review it."


@blueprint.route("/sign-in", methods=["GET", "POST"])
@requires(Audience.ANYBODY)
@limits.attempts_by_address
@limits.failures_by_address
@limits.failures_by_account
def sign_in() -> str | AnyResponse | tuple[str, int]:
    """Sign in, and go on to where the person wanted to."""
    target = _target()
    if current_user.is_authenticated:
        return redirect(target)
    form = SignInForm()
    outcome = _try_to_sign_in(form) if form.validate_on_submit() else None
    if isinstance(outcome, SignedIn):
        return _signed_in(outcome, target)
    if isinstance(outcome, CodeNeeded):
        return _ask_for_code(outcome)
    page = render_template("accounts/sign_in.html", form=form)
    return (page, 401) if request.method == "POST" else page


def _target() -> str:
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
            return _signed_in(outcome, _target())
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
            return _signed_in(outcome, _target())
    limits.note_failure()
    asking = CodeForm(formdata=None)
    asking.form_errors.append(WRONG_KEY)
    return _code_page(asking), 401


def _too_late() -> AnyResponse:
    flash(CODE_TOO_LATE, "warning")
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
    """Sign this browser out."""
    get_accounts().sign_out(session.get("sign_in", ""))
    session.clear()
    flash("You are signed out.", "success")
    return clear_cache(redirect(url_for("accounts.sign_in")))


@blueprint.route("/account/password", methods=["GET", "POST"])
@requires(Audience.SIGNED_IN)
@limits.failures_of_account
def password() -> str | AnyResponse | tuple[str, int]:
    """Change the password; every other browser is signed out."""
    form = PasswordForm()
    if form.validate_on_submit() and _change_password(form):
        flash("Password changed. Your other browsers are signed out.", "success")
        return redirect(url_for("accounts.password"))
    page = render_template("accounts/password.html", form=form)
    return (page, 422) if form.errors else page


def _change_password(form: PasswordForm) -> bool:
    account = current_account()
    sign_in_id = get_accounts().change_password(account, text_of(form.present), text_of(form.new))
    if sign_in_id is None:
        limits.note_failure()
        add_error(form.present, "This is not your current password.")
        return False
    begin_session(account, sign_in_id)
    return True
