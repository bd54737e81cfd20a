"""Classify: images of single cells, and what the classifier says of each."""

from __future__ import annotations

from flask import Blueprint, Response, render_template
from flask_login import login_required

from models.explain import FOR_BLAST, FOR_NORMAL, MAP_LIMIT
from pages import uploads
from pages.explanation import document, the_explainer
from pages.stored import image_response, own_analysis, the_analyst
from pages.uploads import Answer, UploadPage
from records import explanations
from records.analyses import CLASSIFICATION, place_in_batch

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
