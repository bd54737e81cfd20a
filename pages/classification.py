"""Classify: images of single cells, and what the classifier says of each."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, abort, redirect, render_template, url_for
from flask_login import login_required
from werkzeug.wrappers import Response as AnyResponse

from models.explain import FOR_BLAST, FOR_NORMAL, MAP_LIMIT
from pages import uploads
from pages.explanation import document, the_explainer
from pages.stored import image_response, own_analysis, the_analyst
from pages.uploads import Answer, UploadPage
from records import explanations
from records.analyses import CLASSIFICATION, Analysis, place_in_batch

blueprint = Blueprint("classification", __name__, url_prefix="/classify")

PAGE = UploadPage(
    template="classification/new.html",
    result_endpoint="classification.result",
    read=lambda owner_id, upload: the_analyst().classify(owner_id, upload),
)

SCALE = {
    "blast": "#{:02x}{:02x}{:02x}".format(*FOR_BLAST),
    "normal": "#{:02x}{:02x}{:02x}".format(*FOR_NORMAL),
    "limit": MAP_LIMIT,
}
"""The colours of the activation map and the log-odds at which they are full."""


@blueprint.get("")
@login_required
def new() -> str:
    """Choose cell images."""
    return uploads.show(PAGE)


@blueprint.post("")
@login_required
def create() -> Answer:
    """Read the cell images that were sent."""
    return uploads.receive(PAGE)


@blueprint.get("/<analysis_id>")
@login_required
def result(analysis_id: str) -> str:
    """What the classifier said of one cell image."""
    analysis = own_analysis(analysis_id, CLASSIFICATION)
    return render_template(
        "classification/result.html",
        analysis=analysis,
        place=place_in_batch(analysis),
        can_explain=the_explainer().can_explain(analysis),
        explanation=document(explanations.find(analysis.id)),
        scale=SCALE,
    )


@blueprint.get("/<analysis_id>/image")
@login_required
def image(analysis_id: str) -> Response:
    """The cell image, upright and without metadata; a bounded copy of a very large one."""
    analysis = own_analysis(analysis_id, CLASSIFICATION)
    return image_response(analysis.display_name or analysis.image_name)


@blueprint.post("/<analysis_id>/insist")
@login_required
def insist(analysis_id: str) -> AnyResponse:
    """Read a cell all the same that the gate would rather not; the answer is a new analysis."""
    analysis = own_analysis(analysis_id, CLASSIFICATION)
    if not analysis.finding.get("can_insist"):
        abort(409)
    return _read_again(the_analyst().insist, analysis, "classification.result")


@blueprint.post("/<analysis_id>/detect")
@login_required
def detect(analysis_id: str) -> AnyResponse:
    """Carry the image over to Detect; the answer is a new analysis."""
    analysis = own_analysis(analysis_id, CLASSIFICATION)
    return _read_again(the_analyst().detect_again, analysis, "field.result")


def _read_again(
    read: Callable[[Analysis], Analysis], analysis: Analysis, result_endpoint: str
) -> AnyResponse:
    try:
        again = read(analysis)
    except FileNotFoundError:
        abort(404)
    return redirect(url_for(result_endpoint, analysis_id=again.id), code=303)
