"""History: a team's analyses, to search, reopen and delete."""

from __future__ import annotations

from flask import (
    Blueprint,
    Response,
    abort,
    flash,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from pages.analyses.history_forms import HistoryForm
from pages.common.access import may_delete
from pages.common.lookups import get_analyst, get_thumbnails, image_response, team_analysis
from pages.common.pagination import page_number, page_size, query
from pages.common.requires import requires
from records.accounts.accounts import Role
from records.analyses import analyses, field_tasks
from records.analyses.analyses import Analysis, AnalysisKind
from records.audit.audit import Event
from services.cases.cases import check_deletable
from services.language import gettext, lazy_gettext

NOT_TO_BE_DELETED = lazy_gettext("Only the uploader or a reviewer of the team can delete this.")

blueprint = Blueprint("history", __name__, url_prefix="/history")


@blueprint.get("")
@requires(Role.VIEWER)
def index() -> str | tuple[str, int]:
    """List the matching analyses, newest first, a page at a time."""
    form = HistoryForm(request.args)
    if not form.validate():
        return render_template("analyses/history/index.html", form=form, page=None, query={}), 422
    batch_id = request.args.get("batch")
    filters = form.filters(current_user.id, batch_id)
    page = analyses.page_of(current_user.team_id, filters, page_number(), page_size())
    return render_template(
        "analyses/history/index.html",
        form=form,
        page=page,
        query=query(),
        batch_id=batch_id,
        batch_of_fields=bool(batch_id) and field_tasks.any_of_batch(current_user.team_id, batch_id),
        any_kept=page.total > 0 or analyses.any_of(current_user.team_id),
        result_url=result_url,
    )


@blueprint.get("/<analysis_id>/thumbnail")
@requires(Role.VIEWER)
def thumbnail(analysis_id: str) -> Response:
    """Send a small copy of the image of any analysis."""
    return image_response(team_analysis(analysis_id).thumbnail_name)


@blueprint.get("/<analysis_id>/delete")
@requires(Role.READER, audit=Event.VIEW)
def confirm(analysis_id: str) -> str:
    """Ask whether an analysis is really to be deleted."""
    analysis = _deletable(analysis_id)
    check_deletable(analysis)
    return render_template(
        "analyses/history/delete.html", analysis=analysis, back=result_url(analysis)
    )


@blueprint.post("/<analysis_id>/delete")
@requires(Role.READER)
def delete(analysis_id: str) -> AnyResponse:
    """Delete an analysis with its images."""
    analysis = _deletable(analysis_id)
    file_name = analysis.file_name
    get_analyst().delete(analysis)
    get_thumbnails().forget(analysis_id)
    flash(
        gettext("Analysis “%(file_name)s” and its images deleted.", file_name=file_name), "success"
    )
    return redirect(url_for("history.index"), code=303)


def _deletable(analysis_id: str) -> Analysis:
    """Return an analysis that the person may delete; else 404 or 403."""
    analysis = team_analysis(analysis_id)
    return analysis if may_delete(analysis) else abort(403, NOT_TO_BE_DELETED)


def result_url(analysis: Analysis) -> str:
    """Return the address of the result of an analysis."""
    endpoint = (
        "classification.result" if analysis.kind == AnalysisKind.CLASSIFICATION else "field.result"
    )
    return url_for(endpoint, analysis_id=analysis.id)
