"""The administrator's page: who may use this installation, and what each may do."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from pages.accounts.accounts import get_accounts
from pages.administration.admin_forms import ApprovalForm, PeopleForm, PersonForm, TeamForm
from pages.common.pagination import page_number, page_size, query
from pages.common.requires import Audience, requires
from records.accounts import accounts as records
from records.accounts import second_factors, teams
from records.accounts.accounts import Account, AccountStatus
from services.accounts import people as service
from services.accounts import teams as team_service
from services.accounts.accounts import (
    Decision,
    ExternalAccountError,
    UserNameError,
    name_key,
)
from services.accounts.people import LastAdministratorError
from services.language import gettext, lazy_gettext

blueprint = Blueprint("admin", __name__, url_prefix="/admin")

DONE = {
    Decision.approve: lazy_gettext("“{}” can now sign in."),
    Decision.refuse: lazy_gettext("Request from “{}” refused and removed."),
    Decision.deactivate: lazy_gettext("“{}” is deactivated and signed out everywhere."),
    Decision.reactivate: lazy_gettext("“{}” can sign in again."),
}
SIGNED_OUT = lazy_gettext("“{}” is signed out everywhere.")
RESET = lazy_gettext("Second factor of “{}” removed. The account is signed out everywhere.")
NOT_YOUR_OWN = lazy_gettext("You cannot change your own account here.")
NO_PASSWORD = lazy_gettext("“{}” signs in at the identity provider and has no password here.")
MEANWHILE = lazy_gettext("Another administrator has already changed this account.")
TEAM_TAKEN = lazy_gettext("Another team already has this name.")
NOT_UNDERSTOOD = lazy_gettext("Nothing was changed: the form was incomplete. Try again.")


@blueprint.get("/people")
@requires(Audience.ADMINISTRATORS)
def people() -> str | tuple[str, int]:
    """List the accounts, a page at a time, pending ones first."""
    form = PeopleForm(request.args)
    valid = form.validate()
    wanted = name_key(form.text.data or "") if valid else ""
    page = render_template(
        "administration/people.html",
        form=form,
        query=query(),
        waiting=records.waiting_accounts(),
        page=records.page_of(wanted, page_number(), page_size()),
        teams=teams.all_teams(),
        enrolled=second_factors.enrolled_ids(),
    )
    return page if valid else (page, 422)


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
    return _back(gettext("Access of “%(name)s” updated.", name=account.name), "success")


@blueprint.post("/people/<account_id>/password")
@requires(Audience.ADMINISTRATORS)
def reset_password(account_id: str) -> str | Response:
    """Show a new password for an account, once; not for one's own."""
    account = _account(account_id)
    if account.id == current_user.id:
        return _back(NOT_YOUR_OWN)
    try:
        password = get_accounts().give_one_time_password(account)
    except ExternalAccountError:
        return _back(NO_PASSWORD.format(account.name))
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
        return _back(" ".join(map(str, form.name.errors)))
    try:
        made = team_service.create(form.name.data or "")
    except UserNameError as error:
        return _back(str(error))
    return (
        _back(gettext("Team “%(name)s” created.", name=made.name), "success")
        if made
        else _back(TEAM_TAKEN)
    )


@blueprint.post("/teams/<team_id>")
@requires(Audience.ADMINISTRATORS)
def rename_team(team_id: str) -> Response:
    """Give a team another name."""
    team = teams.get(team_id) or abort(404)
    form = TeamForm()
    if not form.validate():
        return _back(" ".join(map(str, form.name.errors)))
    try:
        renamed = team_service.rename(team, form.name.data or "")
    except UserNameError as error:
        return _back(str(error))
    return (
        _back(gettext("Team renamed to “%(name)s”.", name=team.name), "success")
        if renamed
        else _back(TEAM_TAKEN)
    )


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
    flash(str(sentence), category)
    return redirect(url_for("admin.people"))
