"""The administrator's page: who may use this installation, and what each may do."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from pages.accounts import the_accounts
from pages.admin_forms import ApprovalForm, PersonForm
from records import accounts as records
from records.accounts import WAITING, Account
from services import people as service
from services.accounts import Decision
from services.people import LastAdministratorError

blueprint = Blueprint("admin", __name__, url_prefix="/admin")

DONE = {
    Decision.approve: "“{}” may sign in now.",
    Decision.refuse: "“{}” was refused; the request is gone.",
    Decision.deactivate: "“{}” can no longer sign in, and is signed out everywhere.",
    Decision.reactivate: "“{}” may sign in again.",
}
NOT_YOUR_OWN = "You cannot change your own account here."
MEANWHILE = "Somebody else has decided about this account meanwhile."
NOT_UNDERSTOOD = "That was not understood, so nothing was changed. Please try again."


@blueprint.get("/people")
def people() -> str:
    """Everybody with an account, those who wait first."""
    everybody = records.all_accounts()
    waiting = [account for account in everybody if account.status == WAITING]
    others = [account for account in everybody if account.status != WAITING]
    return render_template("admin/people.html", waiting=waiting, others=others)


@blueprint.post("/people/<account_id>/<any(approve,refuse,deactivate,reactivate):decision>")
def decide(account_id: str, decision: str) -> Response:
    """Approve, refuse, deactivate or reactivate one account; never one's own."""
    account = _account(account_id)
    if account.id == current_user.id:
        return _back(NOT_YOUR_OWN)
    if decision == Decision.approve.name and account.status == WAITING:
        _set_role(account)
    try:
        decided = the_accounts().decide(account.id, Decision[decision])
    except LastAdministratorError as error:
        return _back(str(error))
    if not decided:
        return _back(MEANWHILE)
    return _back(DONE[Decision[decision]].format(account.name), "success")


@blueprint.post("/people/<account_id>/place")
def place(account_id: str) -> Response:
    """Change what an account may do, also one's own."""
    account = _account(account_id)
    form = PersonForm()
    if not form.validate():
        return _back(NOT_UNDERSTOOD)
    try:
        service.set_administrator(account, form.is_administrator.data)
    except LastAdministratorError as error:
        return _back(str(error))
    service.set_role(account, form.role.data)
    return _back(f"What “{account.name}” may do is changed.", "success")


@blueprint.post("/people/<account_id>/password")
def reset_password(account_id: str) -> str | Response:
    """Show a new password for an account, once; not for one's own."""
    account = _account(account_id)
    if account.id == current_user.id:
        return _back(NOT_YOUR_OWN)
    password = the_accounts().give_one_time_password(account)
    # A page and no notice: notices travel in the cookie.
    return render_template("admin/password.html", account=account, password=password)


def _account(account_id: str) -> Account:
    return records.get_account(account_id) or abort(404)


def _set_role(account: Account) -> None:
    form = ApprovalForm()
    if form.validate():
        service.set_role(account, form.role.data)


def _back(sentence: str, category: str = "warning") -> Response:
    flash(sentence, category)
    return redirect(url_for("admin.people"))
