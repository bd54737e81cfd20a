"""History: a person's own analyses, found again, reopened and deleted."""

from __future__ import annotations

from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from pages.history_forms import HistoryForm
from pages.stored import image_response, own_analysis, the_analyst
from records import analyses, field_tasks
from records.analyses import CLASSIFICATION, Analysis

blueprint = Blueprint("history", __name__, url_prefix="/history")


@blueprint.get("")
def index() -> str | tuple[str, int]:
    """The analyses that match the filters, newest first, a page at a time."""
    form = HistoryForm(request.args)
    if not form.validate():
        return render_template("history/index.html", form=form, page=None, query={}), 422
    batch_id = request.args.get("batch")
    size = current_app.config["LEUKOSCOPE"].page_size
    number = request.args.get("page", 1, type=int)
    page = analyses.page_of(current_user.id, form.filters(batch_id), number, size)
    query = {name: value for name, value in request.args.items() if value and name != "page"}
    return render_template(
        "history/index.html",
        form=form,
        page=page,
        query=query,
        batch_id=batch_id,
        batch_of_fields=bool(batch_id) and field_tasks.any_of_batch(current_user.id, batch_id),
        any_kept=page.total > 0 or analyses.any_of(current_user.id),
        result_url=result_url,
    )


@blueprint.get("/<analysis_id>/thumbnail")
def thumbnail(analysis_id: str) -> Response:
    """A small copy of the image of any analysis."""
    return image_response(own_analysis(analysis_id).thumbnail_name)


@blueprint.get("/<analysis_id>/delete")
def confirm(analysis_id: str) -> str:
    """Ask whether an analysis is really to be deleted."""
    analysis = own_analysis(analysis_id)
    return render_template("history/delete.html", analysis=analysis, back=result_url(analysis))


@blueprint.post("/<analysis_id>/delete")
def delete(analysis_id: str) -> AnyResponse:
    """Delete an analysis with its images."""
    analysis = own_analysis(analysis_id)
    file_name = analysis.file_name
    the_analyst().delete(analysis)
    flash(f"The analysis of “{file_name}” and its images are deleted.", "success")
    return redirect(url_for("history.index"), code=303)


def result_url(analysis: Analysis) -> str:
    """Where the result of an analysis is shown."""
    endpoint = "classification.result" if analysis.kind == CLASSIFICATION else "field.result"
    return url_for(endpoint, analysis_id=analysis.id)
