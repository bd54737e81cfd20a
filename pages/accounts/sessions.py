"""The browsers in which one is signed in, and ending them."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, flash, jsonify, redirect, render_template, session, url_for
from flask_wtf.csrf import generate_csrf
from ua_parser import parse
from werkzeug.wrappers import Response as AnyResponse
from wtforms import StringField

from pages.accounts.accounts import confirms_password, get_accounts
from pages.accounts.accounts_forms import present_password
from pages.common import limits
from pages.common.current_account import current_account
from pages.common.requires import Audience, requires
from pages.common.text_fields import AtMost, GuardedForm
from records.accounts.accounts import SignIn
from services.language import gettext, lazy_gettext

ID_LENGTH = 32

blueprint = Blueprint("sessions", __name__, url_prefix="/account/sessions")

ENDED = lazy_gettext("Session ended.")
ENDED_BEFORE = lazy_gettext("This session had already ended.")
UNKNOWN = lazy_gettext("Unknown browser")


class EndForm(GuardedForm):
    """Which session to end, or none for all others; and the password."""

    password = present_password(lazy_gettext("Your password"))
    session = StringField(validators=[AtMost(ID_LENGTH)])


@dataclass(frozen=True)
class Session:
    """One signed-in browser, as shown."""

    sign_in: SignIn
    browser: str
    is_this: bool


@blueprint.get("")
@requires(Audience.SIGNED_IN)
def show() -> str:
    """List the browsers in which the person is signed in."""
    return _page(_form())


@blueprint.get("/present")
@requires(Audience.SIGNED_IN)
def present() -> Response:
    """Tell a page's script who is signed in now, with the token that forms of this session need."""
    account = current_account()
    return jsonify(account=account.id, name=account.name, csrf_token=generate_csrf())


@blueprint.post("")
@requires(Audience.SIGNED_IN)
@limits.failures_of_account
def end() -> AnyResponse | tuple[str, int]:
    """End one session, or all others."""
    form = _form()
    if not form.validate():
        return _page(form), 422
    if form.password and not confirms_password(form.password):
        return _page(form), 422
    flash(*_end(form.session.data))
    return redirect(url_for("sessions.show"))


def _form() -> EndForm:
    """Make the form; who signs in at the identity provider has no password to be asked for."""
    form = EndForm()
    if current_account().is_external:
        del form.password
    return form


def _end(sign_in_id: str | None) -> tuple[str, str]:
    account = current_account()
    if sign_in_id:
        ended = get_accounts().end_session(account, sign_in_id)
        return (str(ENDED), "success") if ended else (str(ENDED_BEFORE), "warning")
    ended = get_accounts().end_sessions(account, but=session["sign_in"])
    return gettext("Other sessions ended: %(ended)s.", ended=ended), "success"


def _page(form: EndForm) -> str:
    sessions = [_describe(one) for one in get_accounts().sessions_of(current_account())]
    this_first = sorted(sessions, key=lambda one: not one.is_this)
    return render_template("accounts/sessions.html", form=form, sessions=this_first)


def _describe(sign_in: SignIn) -> Session:
    return Session(sign_in, format_browser(sign_in.browser), sign_in.id == session["sign_in"])


def format_browser(user_agent: str) -> str:
    """Name the browser and its system: “Firefox on Windows”."""
    known = parse(user_agent)
    browser = known.user_agent.family if known.user_agent else UNKNOWN
    if not known.os:
        return str(browser)
    return gettext("%(browser)s on %(system)s", browser=browser, system=known.os.family)
