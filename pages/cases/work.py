"""The work on cases: given to colleagues, closed, archived; one case or several at a time."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from pages.cases.cases import case_page
from pages.cases.cases_forms import AssignForm, CloseForm
from pages.common.current_account import current_account
from pages.common.lookups import team_case
from pages.common.requires import requires
from pages.common.text_fields import text_of
from records.accounts.accounts import Account, Role
from records.cases import cases
from records.cases.cases import Case
from services.cases import worklist as service
from services.language import gettext, lazy_gettext, ngettext

blueprint = Blueprint("work", __name__, url_prefix="/cases")

NONE_CHOSEN = lazy_gettext("Select at least one case.")
NONE_TO_ARCHIVE = lazy_gettext(
    "None of the selected cases is signed or closed, so none can be archived."
)
NOT_UNDERSTOOD = lazy_gettext("Nothing was changed: the form was incomplete. Try again.")


@blueprint.post("/<case_id>/assign")
@requires(Role.READER)
def assign(case_id: str) -> AnyResponse | tuple[str, int]:
    """Give a case to a colleague, with a note."""
    case = team_case(case_id)
    form = AssignForm(service.colleagues(case.team_id))
    if not form.validate():
        return case_page(case, assigning=form), 422
    service.assign(case, current_account(), form.assignee.data or None, text_of(form.note))
    if case.assignee is None:
        return _back(case, gettext("Assigned to nobody."))
    return _back(case, gettext("Assigned to %(name)s.", name=case.assignee.name))


@blueprint.post("/<case_id>/close")
@requires(Role.REVIEWER)
def close(case_id: str) -> AnyResponse | tuple[str, int]:
    """Close a case that nobody is to sign."""
    case, form = team_case(case_id), CloseForm()
    if not form.validate():
        return case_page(case, closing=form), 422
    service.close(case, text_of(form.reason))
    return _back(case, gettext("Case closed."))


@blueprint.post("/<case_id>/reopen")
@requires(Role.REVIEWER)
def reopen(case_id: str) -> AnyResponse:
    """Open a closed case again."""
    case = team_case(case_id)
    service.reopen(case)
    return _back(case, gettext("Case reopened."))


@blueprint.post("/<case_id>/archive")
@requires(Role.READER)
def archive(case_id: str) -> AnyResponse:
    """Take a signed or closed case off the lists."""
    case = team_case(case_id)
    service.archive(case)
    return _back(case, gettext("Case archived."))


@blueprint.post("/<case_id>/unarchive")
@requires(Role.READER)
def unarchive(case_id: str) -> AnyResponse:
    """Put a case back on the lists."""
    case = team_case(case_id)
    service.unarchive(case)
    return _back(case, gettext("Case is back on the list."))


@blueprint.post("/selected/<any(assign,archive,unarchive):act>")
@requires(Role.READER)
def selected(act: str) -> str | AnyResponse:
    """Ask before something is done with several cases, then do it."""
    chosen = cases.of_team(current_user.team_id, request.form.getlist("case"))
    if not chosen:
        return _to_list(NONE_CHOSEN, "warning")
    form = AssignForm(service.colleagues(current_user.team_id))
    if act == "assign" and not form.validate():
        return _to_list(NOT_UNDERSTOOD, "warning")
    possible = service.may_be_archived(chosen) if act == "archive" else chosen
    if not possible:
        return _to_list(NONE_TO_ARCHIVE, "warning")
    if "confirmed" not in request.form:
        return _confirm(act, form, possible, len(chosen) - len(possible))
    return _to_list(_do(act, form, possible), "success")


def _confirm(act: str, form: AssignForm, possible: list[Case], left_out: int) -> str:
    assignee = _named(form) if act == "assign" else None
    return render_template(
        "cases/selected.html",
        act=act,
        form=form,
        assignee=assignee,
        cases=possible,
        left_out=left_out,
        view=request.form.get("view"),
    )


def _do(act: str, form: AssignForm, chosen: list[Case]) -> str:
    """Do it with each case, and say what was done."""
    number = len(chosen)
    if act == "archive":
        for case in chosen:
            service.archive(case)
        return ngettext("%(num)s case archived.", "%(num)s cases archived.", number)
    if act == "unarchive":
        for case in chosen:
            service.unarchive(case)
        return ngettext(
            "%(num)s case taken from the archive.", "%(num)s cases taken from the archive.", number
        )
    assignee = _named(form)
    for case in chosen:
        service.assign(case, current_account(), assignee and assignee.id, text_of(form.note))
    if assignee is None:
        return ngettext(
            "%(num)s case assigned to nobody.", "%(num)s cases assigned to nobody.", number
        )
    return ngettext(
        "%(num)s case assigned to %(name)s.",
        "%(num)s cases assigned to %(name)s.",
        number,
        name=assignee.name,
    )


def _named(form: AssignForm) -> Account | None:
    """Return who is to have the cases, None for nobody in particular."""
    colleagues = {one.id: one for one in service.colleagues(current_user.team_id)}
    return colleagues.get(form.assignee.data) or (abort(404) if form.assignee.data else None)


def _back(case: Case, message: str) -> AnyResponse:
    flash(str(message), "success")
    return redirect(url_for("cases.show", case_id=case.id), code=303)


def _to_list(message: str, category: str) -> AnyResponse:
    flash(str(message), category)
    return redirect(url_for("cases.index", view=request.form.get("view") or None), code=303)
