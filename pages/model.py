"""Models: what each network is for, what it is worth and where its limits are."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Response, abort, current_app, render_template, request, url_for

from models.manifest import WeightsError
from pages.common.markdown import render
from pages.common.requires import Audience, requires
from records.learning import heads
from records.learning.heads import HeadUse
from services.language import lazy_gettext
from services.model_cards import CHARTS, ModelCard, read_card, read_chart

blueprint = Blueprint("model", __name__, url_prefix="/models")

# A chart brings its own styles, and shall do nothing else.
CHART_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"

MODEL_TEXTS = {
    "classifier": (
        lazy_gettext("Classifier"),
        lazy_gettext("Classifies one cell: ALL blast, normal or uncertain."),
    ),
    "detector": (
        lazy_gettext("Detector"),
        lazy_gettext("Finds cells in a field: blasts, other white cells, red cells, platelets."),
    ),
}

_ONE_OF_MODELS = f"<any({', '.join(MODEL_TEXTS)}):name>"


@blueprint.get("")
@requires(Audience.SIGNED_IN)
def index() -> str:
    """List the models of this installation."""
    cards = [read_card(_weights(), model) for model in MODEL_TEXTS]
    return render_template(
        "model/index.html",
        cards=cards,
        words=MODEL_TEXTS,
        active_number=_active_number(),
    )


@blueprint.get(f"/{_ONE_OF_MODELS}")
@requires(Audience.SIGNED_IN)
def card(name: str) -> str:
    """Show the card of one model; `version` is the one that gave a result."""
    read = read_card(_weights(), name)
    return render_template(
        "model/card.html",
        card=read,
        words=MODEL_TEXTS,
        document=None if read.text is None else render(read.text, _chart_addresses(read).get),
        asked=request.args.get("version"),
    )


@blueprint.get(f"/{_ONE_OF_MODELS}/charts/<chart>")
@requires(Audience.SIGNED_IN)
def chart(name: str, chart: str) -> Response:
    """Send one chart of a card as SVG."""
    try:
        content = read_chart(_weights(), name, chart)
    except FileNotFoundError:
        abort(404)
    headers = {"Content-Security-Policy": CHART_POLICY}
    return Response(content, mimetype="image/svg+xml", headers=headers)


def _active_number() -> int | None:
    """Return the number of the laboratory model that names cells, if one does."""
    head_id = heads.id_in_use(HeadUse.ACTIVE)
    if head_id is None:
        return None
    head = heads.get(head_id)
    try:
        answers = current_app.extensions["leukoscope_laboratory_models"].fits(head)
    except WeightsError:
        return None
    return head.number if answers else None


def _weights() -> Path:
    return current_app.config["LEUKOSCOPE"].weights_dir


def _chart_addresses(card: ModelCard) -> dict[str, str]:
    """Map the chart names of a card to addresses."""
    return {
        f"{CHARTS}/{chart}": url_for("model.chart", name=card.model, chart=chart)
        for chart in card.charts
    }
