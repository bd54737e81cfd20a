"""Cases: search, open, describe, and add analyses."""

from __future__ import annotations

from collections import defaultdict

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from core.taxonomy import CellClasses
from pages.administration.quality import get_watch
from pages.administration.quality_texts import alert_sentences
from pages.analyses.history import result_url
from pages.cases.cases_forms import VIEW_NAMES, AssignForm, CaseForm, CasesForm, CloseForm
from pages.common.access import may_use
from pages.common.lookups import team_case
from pages.common.pagination import page_number, page_size, query
from pages.common.requires import requires
from records.accounts.accounts import Role
from records.analyses import analyses, field_tasks
from records.analyses.analyses import Analysis
from records.audit.audit import Event
from records.cases import assignments, cases
from records.cases.cases import Case
from records.slides import slides
from records.worklist import worklist
from services.analyses.findings import doubtful_of
from services.cases import cases as service
from services.cases.review import Cell, Differential, cells_of, differential
from services.cases.worklist import FINISHED, colleagues
from services.laboratory.classes import cell_classes
from services.language import gettext, lazy_gettext, ngettext
from services.reports.formatting import format_left_out

blueprint = Blueprint("cases", __name__, url_prefix="/cases")

NONE_CHOSEN = lazy_gettext("Select at least one analysis.")
NONE_FREE = lazy_gettext("These analyses are already in a case or were deleted.")


@blueprint.get("")
@requires(Role.VIEWER)
def index() -> str | tuple[str, int]:
    """Show the worklist of the team: the matching cases, a page at a time."""
    form = CasesForm(request.args)
    if not form.validate():
        return _worklist(form, {}), 422
    team_id, filters = current_user.team_id, form.filters(current_user.id)
    page = worklist.page_of(team_id, filters, page_number(), page_size())
    ids = [case.id for case in page.items]
    shown = {
        "page": page,
        "states": cases.states(ids),
        "counts": worklist.counts_of(ids, current_user.id),
        "signed": worklist.signed_counts(ids),
        "assigning": AssignForm(colleagues(team_id), current_user.id),
    }
    return _worklist(form, shown)


def _worklist(form: CasesForm, shown: dict[str, object]) -> str:
    team_id = current_user.team_id
    return render_template(
        "cases/index.html",
        form=form,
        query=query(),
        view_names=VIEW_NAMES,
        sizes=worklist.sizes_of(team_id, current_user.id),
        any_kept=cases.any_of(team_id, current_user.id),
        alerts=alert_sentences(get_watch().alerts(team_id)) if may_use("quality.show") else [],
        **shown,
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
    blind = current_app.config["LEUKOSCOPE"].blind
    case = service.open_case(current_user.id, form.details, form.key, blind)
    flash(
        gettext("Case “%(pseudonym)s” opened. Add fields now.", pseudonym=case.pseudonym), "success"
    )
    return _back(case)


@blueprint.get("/<case_id>")
@requires(Role.VIEWER, audit=Event.VIEW)
def show(case_id: str) -> str:
    """Show one case: its details, its images, and how far its review is."""
    return case_page(team_case(case_id))


def case_page(
    case: Case, assigning: AssignForm | None = None, closing: CloseForm | None = None
) -> str:
    """Render the page of a case, perhaps with a form on it that could not be taken."""
    kept = analyses.of_case(case.id)
    cells = cells_of(case, kept, current_user.id)
    classes = cell_classes()
    total = differential(cells, classes)
    state, unread = service.state_of(case), field_tasks.unread_of_case(case.id)
    return render_template(
        "cases/show.html",
        case=case,
        state=state,
        editable=state not in FINISHED,
        analyses=kept,
        counts=_counts_by_analysis(kept, cells, classes),
        total=total,
        left_out=format_left_out(total.left_out),
        repeated=service.duplicates(kept),
        doubtful=doubtful_of(kept),
        reading=[task for task in unread if task.under_way],
        failed=[task for task in unread if not task.under_way],
        result_url=result_url,
        slides=slides.of_case(case.id),
        assignments=assignments.of_case(case.id),
        assigning=assigning or _assign_form(case),
        closing=closing or CloseForm(formdata=None),
        finished=state in FINISHED,
    )


def _assign_form(case: Case) -> AssignForm:
    return AssignForm(colleagues(case.team_id), case.assignee_id or current_user.id)


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
    flash(gettext("Case details saved."), "success")
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
        flash(str(NONE_FREE if chosen else NONE_CHOSEN), "warning")
        return redirect(url_for("cases.choose", case_id=case.id), code=303)
    flash(ngettext("%(num)s analysis added.", "%(num)s analyses added.", number), "success")
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
    flash(
        gettext(
            "“%(file_name)s” removed from the case. It stays in the history.",
            file_name=analysis.file_name,
        ),
        "success",
    )
    return _back(case)


def _changeable(case_id: str) -> Case:
    """Return an unsigned case of the team; else 404, or 409 if it is signed."""
    case = team_case(case_id)
    service.check_takes(current_user.team_id, case.id)
    return case


def _counts_by_analysis(
    kept: list[Analysis], cells: list[Cell], classes: CellClasses
) -> dict[str, Differential]:
    by_analysis: dict[str, list[Cell]] = defaultdict(list)
    for cell in cells:
        by_analysis[cell.analysis_id].append(cell)
    return {one.id: differential(by_analysis[one.id], classes) for one in kept}


def _back(case: Case) -> AnyResponse:
    return redirect(url_for("cases.show", case_id=case.id), code=303)
