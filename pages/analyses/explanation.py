"""Why a cell was read as it was: pictures of it, and SHAP values made on demand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    flash,
    jsonify,
    redirect,
    request,
    url_for,
)
from werkzeug.wrappers import Response as AnyResponse

from jobs.work import QueueFullError
from pages.common.errors import wants_json
from pages.common.lookups import get_cell_reader, image_response, team_analysis
from pages.common.requires import Look, requires
from pages.common.turns import takes_a_turn
from records.accounts.accounts import Role
from records.analyses import explanations
from records.analyses.analyses import Analysis, AnalysisKind
from records.analyses.explanations import Explanation
from records.audit.audit import Event
from records.tasks import TaskState
from services.analyses.explanations import Explainer
from services.stored_texts import translated

blueprint = Blueprint("explanation", __name__, url_prefix="/classify")

NOT_ASKED_FOR = "none"


def get_explainer() -> Explainer:
    """Return the service that explains the classifier's results."""
    return current_app.extensions["leukoscope_explainer"]


@blueprint.get("/<analysis_id>/window.png")
@requires(Role.VIEWER, audit=Look.PICTURE)
def window(analysis_id: str) -> AnyResponse:
    """Send the square of the image that the classifier was shown."""
    analysis = team_analysis(analysis_id, AnalysisKind.CLASSIFICATION)
    return _picture(analysis, get_explainer().window)


@blueprint.get("/<analysis_id>/activation-map.png")
@requires(Role.VIEWER, audit=Look.PICTURE)
def activation_map(analysis_id: str) -> AnyResponse:
    """Send the transparent activation map; 404 without a classification."""
    return _picture(_explainable(analysis_id), _map_in_turn)


@blueprint.get("/<analysis_id>/shap")
@requires(Role.VIEWER)
def shap(analysis_id: str) -> Response:
    """Return the progress of the SHAP values of a result, as JSON."""
    analysis = team_analysis(analysis_id, AnalysisKind.CLASSIFICATION)
    return jsonify(document(explanations.find(analysis.id)))


@blueprint.post("/<analysis_id>/shap")
@requires(Role.READER, audit=Event.EXPLANATION)
def make_shap(analysis_id: str) -> AnyResponse | tuple[Response, int]:
    """Queue SHAP values, or retry after a failure; asking twice makes them once."""
    analysis = _explainable(analysis_id)
    try:
        explanation = get_explainer().ask(analysis)
    except QueueFullError as error:
        return _refused(analysis, str(error))
    if wants_json():
        return jsonify(document(explanation)), 202
    return _back_to(analysis)


@blueprint.get("/<analysis_id>/shap.png")
@requires(Role.VIEWER, audit=Look.PICTURE)
def shap_picture(analysis_id: str) -> Response:
    """Send the picture of the SHAP values; 404 until it exists."""
    analysis = team_analysis(analysis_id, AnalysisKind.CLASSIFICATION)
    explanation = explanations.find(analysis.id)
    return image_response(explanation and explanation.picture_name)


def document(explanation: Explanation | None) -> dict[str, Any]:
    """Describe an explanation to the script; `total` is 0 until the work begins."""
    if explanation is None:
        return {"state": NOT_ASKED_FOR, "done": 0, "total": 0, "picture_url": None, "error": None}
    url = url_for("explanation.shap_picture", analysis_id=explanation.analysis_id)
    return {
        "state": explanation.state,
        "done": explanation.done,
        "total": explanation.total,
        "picture_url": url if explanation.state == TaskState.DONE else None,
        "error": explanation.error and translated(explanation.error),
    }


def _explainable(analysis_id: str) -> Analysis:
    analysis = team_analysis(analysis_id, AnalysisKind.CLASSIFICATION)
    return analysis if get_explainer().can_explain(analysis) else abort(404)


@takes_a_turn
def _map_in_turn(analysis: Analysis) -> bytes:
    return get_explainer().map_picture(analysis, get_cell_reader().activation_map(analysis))


def _picture(analysis: Analysis, draw: Callable[[Analysis], bytes]) -> AnyResponse:
    """Send a PNG that the browser may cache but must revalidate."""
    response = Response(mimetype="image/png")
    etag = f"{analysis.id}-{analysis.model_version}"
    response.set_etag(etag)
    response.cache_control.private = response.cache_control.no_cache = True
    if not request.if_none_match.contains(etag):
        try:
            response.data = draw(analysis)
        except FileNotFoundError:
            abort(404)
    return response.make_conditional(request)


def _refused(analysis: Analysis, sentence: str) -> AnyResponse | tuple[Response, int]:
    if wants_json():
        return jsonify(error=str(sentence)), 503
    flash(str(sentence), "danger")
    return _back_to(analysis)


def _back_to(analysis: Analysis) -> AnyResponse:
    result = url_for("classification.result", analysis_id=analysis.id, _anchor="why")
    return redirect(result, code=303)
