"""The browsers in which one is signed in, and ending them."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, session, url_for
from ua_parser import parse
from werkzeug.wrappers import Response as AnyResponse
from wtforms import StringField

from pages.accounts.accounts import get_accounts
from pages.accounts.accounts_forms import NOT_CONFIRMED, present_password
from pages.common import limits
from pages.common.current_account import current_account
from pages.common.requires import Audience, requires
from pages.common.text_fields import AtMost, GuardedForm, add_error, text_of
from records.accounts.accounts import SignIn

ID_LENGTH = 32

blueprint = Blueprint("sessions", __name__, url_prefix="/account/sessions")

ENDED = "Session ended."
ENDED_BEFORE = "This session had already ended."
UNKNOWN = "Unknown browser"


class EndForm(GuardedForm):
    """Which session to end, or none for all others; and the password."""

    password = present_password("Your password")
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
    return _page(EndForm())


@blueprint.post("")
@requires(Audience.SIGNED_IN)
@limits.failures_of_account
def end() -> AnyResponse | tuple[str, int]:
    """End one session, or all others."""
    form = EndForm()
    if not form.validate():
        return _page(form), 422
    if not get_accounts().confirms_password(current_account(), text_of(form.password)):
        limits.note_failure()
        add_error(form.password, NOT_CONFIRMED)
        return _page(form), 422
    flash(*_end(form.session.data))
    return redirect(url_for("sessions.show"))


def _end(sign_in_id: str | None) -> tuple[str, str]:
    account = current_account()
    if sign_in_id:
        ended = get_accounts().end_session(account, sign_in_id)
        return (ENDED, "success") if ended else (ENDED_BEFORE, "warning")
    ended = get_accounts().end_sessions(account, but=session["sign_in"])
    return f"Other sessions ended: {ended}.", "success"


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
    return f"{browser} on {known.os.family}" if known.os else browser
