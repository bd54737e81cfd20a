"""Classify: images of single cells and the classifier's results."""

from __future__ import annotations

from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    flash,
    redirect,
    render_template,
    url_for,
)
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from jobs.engine import QueueFullError
from models.explanation.attribution import FOR_BLAST, FOR_NORMAL, MAP_LIMIT
from pages.analyses import detection, uploads
from pages.analyses.batches import get_field_queue
from pages.analyses.explanation import document, get_explainer
from pages.analyses.uploads import Answer, UploadError
from pages.common.errors import wants_json
from pages.common.formatting import quality_sentence, result_to_dict, summary
from pages.common.lookups import get_analyst, image_response, team_analysis
from pages.common.morphology import describe
from pages.common.requires import Look, requires
from pages.common.turns import takes_a_turn
from records.accounts.accounts import Role
from records.analyses import explanations
from records.analyses.analyses import Analysis, AnalysisKind, place_in_batch
from records.audit.audit import Event
from records.tasks import TaskState
from services.analyses.findings import cell_finding
from services.model_cards import uncertain_band

blueprint = Blueprint("classification", __name__, url_prefix="/classify")


FORM = "analyses/classification/new.html"

SCALE = {
    "blast": "#{:02x}{:02x}{:02x}".format(*FOR_BLAST),
    "normal": "#{:02x}{:02x}{:02x}".format(*FOR_NORMAL),
    "limit": MAP_LIMIT,
}
"""The colours of the activation map and the log-odds at which they are full."""


@blueprint.get("")
@requires(Role.READER)
def new() -> str:
    """Choose cell images."""
    return uploads.show_form(FORM)


@blueprint.post("")
@requires(Role.READER, audit=Event.UPLOAD, max_bytes=None)
@takes_a_turn
def create() -> Answer:
    """Classify the cell images that were sent."""
    try:
        sent = uploads.read_request()
    except UploadError as error:
        return uploads.refuse(FORM, error)
    outcomes = sent.keep(get_analyst().classify)
    if wants_json():
        return uploads.answer_script(outcomes, to_dict, 201)
    kept = [outcome.kept for outcome in outcomes if outcome.kept]
    if not kept:
        return uploads.show_refused(outcomes)
    if len(outcomes) == 1:
        return redirect(_url(kept[0]), code=303)
    return render_template("analyses/classification/results.html", outcomes=outcomes)


def to_dict(analysis: Analysis) -> dict[str, Any]:
    """Describe a classified cell to the page's script; `label` is null when not usable."""
    finding = cell_finding(analysis)
    return {
        "id": analysis.id,
        "file": analysis.file_name,
        "state": TaskState.DONE,
        "label": analysis.result if finding.usable else None,
        "probability": analysis.probability,
        "usable": finding.usable,
        "reason": quality_sentence(finding),
        "model": analysis.model_version,
        **result_to_dict(analysis.result, analysis.id, _url(analysis), summary(analysis)),
    }


def _url(analysis: Analysis) -> str:
    return url_for("classification.result", analysis_id=analysis.id)


@blueprint.get("/<analysis_id>")
@requires(Role.VIEWER, audit=Event.VIEW)
def result(analysis_id: str) -> str:
    """Show the classifier's finding for one cell image."""
    analysis = team_analysis(analysis_id, AnalysisKind.CLASSIFICATION)
    finding = cell_finding(analysis)
    return render_template(
        "analyses/classification/result.html",
        analysis=analysis,
        finding=finding,
        description=describe(finding.kind, finding.morphology),
        band=uncertain_band(
            current_app.config["LEUKOSCOPE"].weights_dir, analysis.model_version, finding.view
        ),
        place=place_in_batch(analysis),
        can_explain=get_explainer().can_explain(analysis),
        explanation=document(explanations.find(analysis.id)),
        scale=SCALE,
    )


@blueprint.get("/<analysis_id>/image")
@requires(Role.VIEWER, audit=Look.PICTURE)
def image(analysis_id: str) -> Response:
    """Send the cell image, upright and without metadata, at a bounded size."""
    analysis = team_analysis(analysis_id, AnalysisKind.CLASSIFICATION)
    return image_response(analysis.display_name or analysis.image_name)


@blueprint.post("/<analysis_id>/override-quality-check")
@requires(Role.READER, audit=Event.OVERRIDE_QUALITY_CHECK)
@takes_a_turn
def override_quality_check(analysis_id: str) -> AnyResponse:
    """Classify a cell despite the quality check, as a new analysis."""
    analysis = team_analysis(analysis_id, AnalysisKind.CLASSIFICATION)
    if not cell_finding(analysis).can_override:
        abort(409)
    try:
        return redirect(_url(get_analyst().override_quality_check(analysis)), code=303)
    except FileNotFoundError:
        abort(404)


@blueprint.post("/<analysis_id>/detect")
@requires(Role.READER, audit=Event.DETECT_AGAIN)
def detect(analysis_id: str) -> AnyResponse:
    """Carry the image over to Detect; the answer is a new analysis."""
    analysis = team_analysis(analysis_id, AnalysisKind.CLASSIFICATION)
    try:
        return detection.go_on(get_field_queue().carry_over(current_user.id, analysis))
    except QueueFullError as error:
        flash(str(error), "danger")
        return redirect(_url(analysis), code=303)
