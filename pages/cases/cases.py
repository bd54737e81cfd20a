"""Cases: search, open, describe, and add analyses."""

from __future__ import annotations

from collections import defaultdict

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from pages.analyses.history import result_url
from pages.cases.cases_forms import CaseForm, CasesForm
from pages.common.lookups import team_case
from pages.common.pagination import page_number, page_size, query
from pages.common.requires import requires
from records.accounts.accounts import Role
from records.analyses import analyses, field_tasks
from records.analyses.analyses import Analysis
from records.audit.audit import Event
from records.cases import cases
from records.cases.cases import Case
from records.cases.states import CaseState
from records.slides import slides
from services.analyses.findings import doubtful_of
from services.cases import cases as service
from services.cases.review import Cell, Differential, cells_of, differential

blueprint = Blueprint("cases", __name__, url_prefix="/cases")

NONE_CHOSEN = "Select at least one analysis."
NONE_FREE = "These analyses are already in a case or were deleted."


@blueprint.get("")
@requires(Role.VIEWER)
def index() -> str | tuple[str, int]:
    """List the team's matching cases, a page at a time."""
    form = CasesForm(request.args)
    if not form.validate():
        return render_template("cases/index.html", form=form, page=None, query={}), 422
    team_id = current_user.team_id
    page = cases.page_of(team_id, form.filters, page_number(), page_size())
    ids = [case.id for case in page.items]
    return render_template(
        "cases/index.html",
        form=form,
        page=page,
        query=query(),
        any_kept=page.total > 0 or cases.any_of(team_id),
        states=cases.states(ids),
        contents=analyses.kinds_by_case(ids),
    )


@blueprint.get("/new")
@requires(Role.READER)
def new() -> str:
    """Describe a case that is to be opened."""
    return render_template("cases/edit.html", form=CaseForm(), case=None)


@blueprint.post("/new")
@requires(Role.READER)
def create() -> AnyResponse | tuple[str, int]:
    """Open a case."""
    form = CaseForm()
    if not form.validate():
        return render_template("cases/edit.html", form=form, case=None), 422
    case = service.open_case(current_user.id, form.details)
    flash(f"Case “{case.pseudonym}” opened. Add fields now.", "success")
    return _back(case)


@blueprint.get("/<case_id>")
@requires(Role.VIEWER, audit=Event.VIEW)
def show(case_id: str) -> str:
    """Show one case: its details, its images, and how far its review is."""
    case = team_case(case_id)
    kept = analyses.of_case(case.id)
    cells = cells_of(case, kept)
    state, unread = service.state_of(case), field_tasks.unread_of_case(case.id)
    return render_template(
        "cases/show.html",
        case=case,
        state=state,
        editable=state != CaseState.SIGNED,
        analyses=kept,
        counts=_counts_by_analysis(kept, cells),
        total=differential(cells),
        repeated=service.duplicates(kept),
        doubtful=doubtful_of(kept),
        reading=[task for task in unread if task.under_way],
        failed=[task for task in unread if not task.under_way],
        result_url=result_url,
        slides=slides.of_case(case.id),
    )


@blueprint.get("/<case_id>/edit")
@requires(Role.READER, audit=Event.VIEW)
def edit(case_id: str) -> str:
    """Describe a case anew."""
    case = _changeable(case_id)
    return render_template("cases/edit.html", form=CaseForm(case), case=case)


@blueprint.post("/<case_id>/edit")
@requires(Role.READER)
def save(case_id: str) -> AnyResponse | tuple[str, int]:
    """Keep what was written of a case."""
    case = _changeable(case_id)
    form = CaseForm(case)
    if not form.validate():
        return render_template("cases/edit.html", form=form, case=case), 422
    service.edit(case, form.details)
    flash("Case details saved.", "success")
    return _back(case)


@blueprint.get("/<case_id>/add")
@requires(Role.READER)
def choose(case_id: str) -> str:
    """Choose among the team's analyses that are in no case."""
    case = _changeable(case_id)
    filters = analyses.Filters(in_no_case=True)
    page = analyses.page_of(current_user.team_id, filters, page_number(), page_size())
    return render_template("cases/add.html", case=case, page=page, result_url=result_url)


@blueprint.post("/<case_id>/add")
@requires(Role.READER)
def put(case_id: str) -> AnyResponse:
    """Put the chosen analyses into the case."""
    case = team_case(case_id)
    chosen = request.form.getlist("analysis")
    number = service.put(case, chosen)
    if not number:
        flash(NONE_FREE if chosen else NONE_CHOSEN, "warning")
        return redirect(url_for("cases.choose", case_id=case.id), code=303)
    flash(f"{number} {'analysis' if number == 1 else 'analyses'} added.", "success")
    return _back(case)


@blueprint.post("/<case_id>/analyses/<analysis_id>/take-out")
@requires(Role.READER)
def take_out(case_id: str, analysis_id: str) -> AnyResponse:
    """Take an analysis out of the case; it stays in the history."""
    case = team_case(case_id)
    analysis = analyses.find_in_team(current_user.team_id, analysis_id)
    if analysis is None or analysis.case_id != case.id:
        abort(404)
    service.take_out(case, analysis)
    flash(f"“{analysis.file_name}” removed from the case. It stays in the history.", "success")
    return _back(case)


def _changeable(case_id: str) -> Case:
    """Return an unsigned case of the team; else 404, or 409 if it is signed."""
    case = team_case(case_id)
    service.check_takes(current_user.team_id, case.id)
    return case


def _counts_by_analysis(kept: list[Analysis], cells: list[Cell]) -> dict[str, Differential]:
    by_analysis: dict[str, list[Cell]] = defaultdict(list)
    for cell in cells:
        by_analysis[cell.analysis_id].append(cell)
    return {analysis.id: differential(by_analysis[analysis.id]) for analysis in kept}


def _back(case: Case) -> AnyResponse:
    return redirect(url_for("cases.show", case_id=case.id), code=303)
