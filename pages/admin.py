"""The administrator's page: who may use this installation."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_login import current_user, login_required
from werkzeug.wrappers import Response

from pages.accounts import the_accounts
from records import accounts as records
from records.accounts import WAITING
from services.accounts import Decision

blueprint = Blueprint("admin", __name__, url_prefix="/admin")

DONE = {
    Decision.approve: "“{}” may sign in now.",
    Decision.refuse: "“{}” was refused; the request is gone.",
    Decision.deactivate: "“{}” can no longer sign in, and is signed out everywhere.",
    Decision.reactivate: "“{}” may sign in again.",
}


def administrator_required(view: Callable[..., Any]) -> Callable[..., Any]:
    """Let only administrators in: others get 403, strangers the sign-in page."""

    @wraps(view)
    @login_required
    def guarded(*args: object, **kwargs: object) -> object:
        if not current_user.is_administrator:
            abort(403)
        return view(*args, **kwargs)

    return guarded


@blueprint.get("/people")
@administrator_required
def people() -> str:
    """Everybody with an account, those who wait first."""
    everybody = records.all_accounts()
    waiting = [account for account in everybody if account.status == WAITING]
    others = [account for account in everybody if account.status != WAITING]
    return render_template("admin/people.html", waiting=waiting, others=others)


@blueprint.post("/people/<account_id>/<any(approve,refuse,deactivate,reactivate):decision>")
@administrator_required
def decide(account_id: str, decision: str) -> Response:
    """Approve, refuse, deactivate or reactivate one account; never one's own."""
    account = records.get_account(account_id) or abort(404)
    if account.id == current_user.id:
        flash("You cannot change your own account here.", "warning")
    elif the_accounts().decide(account.id, Decision[decision]):
        flash(DONE[Decision[decision]].format(account.name), "success")
    else:
        flash("Somebody else has decided about this account meanwhile.", "warning")
    return redirect(url_for("admin.people"))
