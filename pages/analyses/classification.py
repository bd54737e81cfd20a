"""Classify: images of single cells, and what the classifier says of each."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, render_template, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from jobs.engine import QueueFullError
from models.explanation.attribution import FOR_BLAST, FOR_NORMAL, MAP_LIMIT
from pages.analyses import detection, uploads
from pages.analyses.batches import the_queue
from pages.analyses.explanation import document, the_explainer
from pages.analyses.uploads import Answer, Outcome, UploadPage
from pages.common.formatting import read_document, summary
from pages.common.lookups import image_response, team_analysis, the_analyst
from pages.common.requires import Look, requires
from pages.common.turns import takes_a_turn
from records.accounts.accounts import Role
from records.analyses import explanations
from records.analyses.analyses import Analysis, AnalysisKind, place_in_batch
from records.audit.audit import Event

blueprint = Blueprint("classification", __name__, url_prefix="/classify")


def _told(analysis: Analysis) -> tuple[dict[str, Any], int]:
    """The result as the script of the page takes it; `label` is null when not usable."""
    usable = analysis.finding["usable"]
    document = {
        "id": analysis.id,
        "file": analysis.file_name,
        "label": analysis.result if usable else None,
        "probability": analysis.probability,
        "usable": usable,
        "reason": analysis.finding["reason"],
        "model": analysis.model_version,
        **read_document(analysis.result, analysis.id, _url(analysis), summary(analysis)),
    }
    return document, 201


def _shown(_batch_id: str, outcomes: list[Outcome[Analysis]]) -> Answer:
    """The result of a single cell, a list of several."""
    if len(outcomes) == 1:
        return redirect(_url(outcomes[0].kept), code=303)
    return render_template("analyses/classification/results.html", outcomes=outcomes)


def _url(analysis: Analysis) -> str:
    return url_for("classification.result", analysis_id=analysis.id)


PAGE = UploadPage(
    template="analyses/classification/new.html",
    take=lambda owner_id, upload: the_analyst().classify(owner_id, upload),
    told=_told,
    shown=_shown,
)

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
    return uploads.show(PAGE)


@blueprint.post("")
@requires(Role.READER, audit=Event.UPLOAD, max_bytes=None)
@takes_a_turn
def create() -> Answer:
    """Read the cell images that were sent."""
    return uploads.receive(PAGE)


@blueprint.get("/<analysis_id>")
@requires(Role.VIEWER, audit=Event.VIEW)
def result(analysis_id: str) -> str:
    """What the classifier said of one cell image."""
    analysis = team_analysis(analysis_id, AnalysisKind.CLASSIFICATION)
    return render_template(
        "analyses/classification/result.html",
        analysis=analysis,
        place=place_in_batch(analysis),
        can_explain=the_explainer().can_explain(analysis),
        explanation=document(explanations.find(analysis.id)),
        scale=SCALE,
    )


@blueprint.get("/<analysis_id>/image")
@requires(Role.VIEWER, audit=Look.PICTURE)
def image(analysis_id: str) -> Response:
    """The cell image, upright and without metadata; a bounded copy of a very large one."""
    analysis = team_analysis(analysis_id, AnalysisKind.CLASSIFICATION)
    return image_response(analysis.display_name or analysis.image_name)


@blueprint.post("/<analysis_id>/insist")
@requires(Role.READER, audit=Event.INSIST)
@takes_a_turn
def insist(analysis_id: str) -> AnyResponse:
    """Read a cell all the same that the gate would rather not; the answer is a new analysis."""
    analysis = team_analysis(analysis_id, AnalysisKind.CLASSIFICATION)
    if not analysis.finding.get("can_insist"):
        abort(409)
    try:
        return redirect(_url(the_analyst().insist(analysis)), code=303)
    except FileNotFoundError:
        abort(404)


@blueprint.post("/<analysis_id>/detect")
@requires(Role.READER, audit=Event.DETECT_AGAIN)
def detect(analysis_id: str) -> AnyResponse:
    """Carry the image over to Detect; the answer is a new analysis."""
    analysis = team_analysis(analysis_id, AnalysisKind.CLASSIFICATION)
    try:
        return detection.go_on(the_queue().carry_over(current_user.id, analysis))
    except QueueFullError as error:
        flash(str(error), "danger")
        return redirect(_url(analysis), code=303)
