"""The administrator's page: who may use this installation, and what each may do."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from pages.accounts.accounts import get_accounts
from pages.administration.admin_forms import ApprovalForm, PersonForm, TeamForm
from pages.common.requires import Audience, requires
from records.accounts import accounts as records
from records.accounts import second_factors, teams
from records.accounts.accounts import Account, AccountStatus
from services.accounts import people as service
from services.accounts import teams as team_service
from services.accounts.accounts import Decision, UserNameError
from services.accounts.people import LastAdministratorError

blueprint = Blueprint("admin", __name__, url_prefix="/admin")

DONE = {
    Decision.approve: "“{}” can now sign in.",
    Decision.refuse: "Request from “{}” refused and removed.",
    Decision.deactivate: "“{}” is deactivated and signed out everywhere.",
    Decision.reactivate: "“{}” can sign in again.",
}
SIGNED_OUT = "“{}” is signed out everywhere."
RESET = "Second factor of “{}” removed. The account is signed out everywhere."
NOT_YOUR_OWN = "You cannot change your own account here."
MEANWHILE = "Another administrator has already changed this account."
TEAM_TAKEN = "Another team already has this name."
NOT_UNDERSTOOD = "Nothing was changed: the form was incomplete. Try again."


@blueprint.get("/people")
@requires(Audience.ADMINISTRATORS)
def people() -> str:
    """List all accounts, pending ones first."""
    everybody = records.all_accounts()
    waiting = [account for account in everybody if account.status == AccountStatus.WAITING]
    others = [account for account in everybody if account.status != AccountStatus.WAITING]
    return render_template(
        "administration/people.html",
        waiting=waiting,
        others=others,
        teams=teams.all_teams(),
        enrolled=second_factors.enrolled_ids(),
    )


@blueprint.post("/people/<account_id>/<any(approve,refuse,deactivate,reactivate):decision>")
@requires(Audience.ADMINISTRATORS)
def decide(account_id: str, decision: str) -> Response:
    """Approve, refuse, deactivate or reactivate one account; never one's own."""
    account = _account(account_id)
    if account.id == current_user.id:
        return _back(NOT_YOUR_OWN)
    if decision == Decision.approve.name and account.status == AccountStatus.WAITING:
        _prepare(account)
    try:
        decided = get_accounts().decide(account.id, Decision[decision])
    except LastAdministratorError as error:
        return _back(str(error))
    if not decided:
        return _back(MEANWHILE)
    return _back(DONE[Decision[decision]].format(account.name), "success")


@blueprint.post("/people/<account_id>/place")
@requires(Audience.ADMINISTRATORS)
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
    _place(account, form)
    return _back(f"Access of “{account.name}” updated.", "success")


@blueprint.post("/people/<account_id>/password")
@requires(Audience.ADMINISTRATORS)
def reset_password(account_id: str) -> str | Response:
    """Show a new password for an account, once; not for one's own."""
    account = _account(account_id)
    if account.id == current_user.id:
        return _back(NOT_YOUR_OWN)
    password = get_accounts().give_one_time_password(account)
    # A page and no notice: notices travel in the cookie.
    return render_template("administration/password.html", account=account, password=password)


@blueprint.post("/people/<account_id>/sessions")
@requires(Audience.ADMINISTRATORS)
def end_sessions(account_id: str) -> Response:
    """Sign somebody else out everywhere."""
    account = _account(account_id)
    if account.id == current_user.id:
        return _back(NOT_YOUR_OWN)
    get_accounts().end_sessions(account)
    return _back(SIGNED_OUT.format(account.name), "success")


@blueprint.post("/people/<account_id>/second-factor")
@requires(Audience.ADMINISTRATORS)
def reset_second_factor(account_id: str) -> Response:
    """Remove somebody's second factor, so that a new one can be set up; not one's own."""
    account = _account(account_id)
    if account.id == current_user.id:
        return _back(NOT_YOUR_OWN)
    if not get_accounts().reset_second_factor(account):
        return _back(MEANWHILE)
    return _back(RESET.format(account.name), "success")


@blueprint.post("/teams")
@requires(Audience.ADMINISTRATORS)
def make_team() -> Response:
    """Create a team."""
    form = TeamForm()
    if not form.validate():
        return _back(" ".join(form.name.errors))
    try:
        made = team_service.create(form.name.data or "")
    except UserNameError as error:
        return _back(str(error))
    return _back(f"Team “{made.name}” created.", "success") if made else _back(TEAM_TAKEN)


@blueprint.post("/teams/<team_id>")
@requires(Audience.ADMINISTRATORS)
def rename_team(team_id: str) -> Response:
    """Give a team another name."""
    team = teams.get(team_id) or abort(404)
    form = TeamForm()
    if not form.validate():
        return _back(" ".join(form.name.errors))
    try:
        renamed = team_service.rename(team, form.name.data or "")
    except UserNameError as error:
        return _back(str(error))
    return _back(f"Team renamed to “{team.name}”.", "success") if renamed else _back(TEAM_TAKEN)


def _account(account_id: str) -> Account:
    return records.get_account(account_id) or abort(404)


def _prepare(account: Account) -> None:
    """Give a new account the role and team that were chosen with its approval, if they were."""
    form = ApprovalForm()
    if form.validate():
        _place(account, form)


def _place(account: Account, form: ApprovalForm) -> None:
    service.set_role(account, form.role.data)
    team_service.move(account, teams.get(form.team.data) or abort(404))


def _back(sentence: str, category: str = "warning") -> Response:
    flash(sentence, category)
    return redirect(url_for("admin.people"))
