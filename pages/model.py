"""Models: what each network is for, what it is worth and where its limits are."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Response, abort, current_app, render_template, request, url_for

from pages.common.markdown import render
from pages.common.requires import Audience, requires
from services.model_cards import CHARTS, ModelCard, read_card, read_chart

blueprint = Blueprint("model", __name__, url_prefix="/models")

# A chart brings its own styles, and shall do nothing else.
CHART_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"

MODEL_TEXTS = {
    "classifier": ("Classifier", "Classifies one cell: ALL blast, normal or uncertain."),
    "detector": (
        "Detector",
        "Finds cells in a field: blasts, other white cells, red cells, platelets.",
    ),
}

_ONE_OF_MODELS = f"<any({', '.join(MODEL_TEXTS)}):name>"


@blueprint.get("")
@requires(Audience.SIGNED_IN)
def index() -> str:
    """List the models of this installation."""
    cards = [read_card(_weights(), model) for model in MODEL_TEXTS]
    return render_template("model/index.html", cards=cards, words=MODEL_TEXTS)


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


def _weights() -> Path:
    return current_app.config["LEUKOSCOPE"].weights_dir


def _chart_addresses(card: ModelCard) -> dict[str, str]:
    """Map the chart names of a card to addresses."""
    return {
        f"{CHARTS}/{chart}": url_for("model.chart", name=card.model, chart=chart)
        for chart in card.charts
    }
