"""The administrator's pages of the laboratory model: fit it, read its proof, take it into use."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    flash,
    jsonify,
    redirect,
    render_template,
    send_file,
    url_for,
)
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from imaging.images import encode_png
from models.laboratory.head_file import with_card
from models.manifest import WeightsError
from pages.administration.charts import Chart, bar_chart
from pages.common.current_account import current_account
from pages.common.lookups import get_analyst
from pages.common.requires import Audience, requires
from records.accounts import accounts
from records.analyses import analyses
from records.audit.audit import About, Event
from records.learning import feature_tasks, heads, shadow_answers
from records.learning.heads import FittedHead, HeadUse
from records.tasks import TaskState
from services.analyses import pictures
from services.audit import audit
from services.formatting import class_texts
from services.laboratory.classes import cell_classes
from services.language import format_number, gettext, lazy_gettext
from services.learning import heads_in_use
from services.learning.fitting import Fitting, about_head
from services.learning.head_card import card_of
from services.learning.heads_in_use import HeadUseError
from services.learning.laboratory_models import LaboratoryModels
from services.learning.withdrawal import in_use_with_gone_fields
from services.stored_texts import translated

blueprint = Blueprint("laboratory_models", __name__, url_prefix="/models/laboratory")

FIGURE_NAMES = {
    "auroc": (lazy_gettext("AUROC"), lazy_gettext("how well blasts are ranked above other cells")),
    "sensitivity": (lazy_gettext("Sensitivity"), lazy_gettext("share of blasts called blast")),
    "specificity": (
        lazy_gettext("Specificity"),
        lazy_gettext("share of other cells not called blast"),
    ),
    "calibration_error": (
        lazy_gettext("Calibration error"),
        lazy_gettext("how far probabilities are from observed shares; lower is better"),
    ),
    "kinds_accuracy": (
        lazy_gettext("Kinds of cells"),
        lazy_gettext("share of cells other than blasts and smudge cells named as signed"),
    ),
    "kinds_mean": (
        lazy_gettext("Kinds, mean over classes"),
        lazy_gettext("the mean of that share over the classes, so that rare ones count as much"),
    ),
}

STARTED = {
    HeadUse.ACTIVE: lazy_gettext("Model %(number)s is active from the next field on."),
    HeadUse.SHADOW: lazy_gettext("Model %(number)s runs in shadow from the next field on."),
}
STOPPED = {
    HeadUse.ACTIVE: lazy_gettext("The shipped networks name cells again from the next field on."),
    HeadUse.SHADOW: lazy_gettext("No model runs in shadow any more."),
}
MOST_FIELDS = 10
_ONE_USE = f"<any({', '.join(HeadUse)}):use>"


@blueprint.get("")
@requires(Audience.ADMINISTRATORS)
def index() -> str:
    """List the fitted models, which of them are in use, and what was changed when."""
    every, refresh = heads.newest_first(), feature_tasks.newest()
    return render_template(
        "model/laboratory/index.html",
        heads=every,
        in_use=_in_use(),
        unfinished=heads.unfinished(),
        refresh=refresh,
        refresh_error=refresh and refresh.error and translated(refresh.error),
        silent=_silent(every),
        gone=[(head.number, count) for _, head, count in in_use_with_gone_fields() if count],
        changes=[_told(change) for change in heads.changes()],
    )


@blueprint.get("/features")
@requires(Audience.ADMINISTRATORS, polled=True)
def features() -> Response:
    """Return how far the newest run over the features of signed cells is, as JSON."""
    task = feature_tasks.newest() or abort(404)
    return jsonify({"state": task.state, "done": task.done, "total": task.total})


@blueprint.post("/fit")
@requires(Audience.ADMINISTRATORS)
def fit() -> AnyResponse:
    """Have a model fitted to all signed cells."""
    head = get_fitting().ask(current_account())
    return _page_of(head)


@blueprint.get("/<int:number>")
@requires(Audience.ADMINISTRATORS)
def show(number: int) -> str:
    """Show one model: its proof, or how far its fitting is."""
    head = _head(number)
    if head.state != TaskState.DONE or head.proof is None:
        return render_template(
            "model/laboratory/fitting.html",
            head=head,
            error=head.error and translated(head.error),
        )
    labels = class_texts(cell_classes())
    return render_template(
        "model/laboratory/show.html",
        head=head,
        proof=head.proof,
        figures=FIGURE_NAMES,
        labels=labels,
        moved=[labels[code] for code in (head.proof.get("kinds") or {}).get("moved", ())],
        format_figure=_format_figure,
        format_difference=_format_difference,
        curve=_curve_chart(head.proof["curve"]),
        own_cells=_own(head.proof["most_changed"]),
        contradictions=_own_contradictions(head.proof["contradictions"]),
        in_use=_in_use(),
        reasons=_reasons(head),
        shadow=_shadow(head),
    )


@blueprint.get("/<int:number>/progress")
@requires(Audience.ADMINISTRATORS, polled=True)
def progress(number: int) -> Response:
    """Return how far the fitting is, as JSON."""
    head = _head(number)
    return jsonify({"state": head.state, "done": head.done, "total": head.total})


@blueprint.post(f"/<int:number>/use/{_ONE_USE}")
@requires(Audience.ADMINISTRATORS)
def use(number: int, use: str) -> AnyResponse:
    """Use a model from the next field on."""
    head, how = _head(number), HeadUse(use)
    try:
        heads_in_use.use(current_account(), get_laboratory_models(), head, how)
    except (HeadUseError, WeightsError) as error:
        flash(str(error), "danger")
    else:
        flash(str(STARTED[how]) % {"number": number}, "success")
    return _page_of(head)


@blueprint.post(f"/stop/{_ONE_USE}")
@requires(Audience.ADMINISTRATORS)
def stop(use: str) -> AnyResponse:
    """Use no model so from the next field on."""
    how = HeadUse(use)
    heads_in_use.stop(current_account(), how)
    flash(str(STOPPED[how]), "success")
    return redirect(url_for("laboratory_models.index"), code=303)


@blueprint.get("/<int:number>/model.npz")
@requires(Audience.ADMINISTRATORS)
def export(number: int) -> Response:
    """Send a model as a NumPy archive: its numbers and its card, without any image."""
    head = _head(number)
    content = head.contents or abort(404)
    audit.keep(Event.HEAD_EXPORT, about_head(head), number=number)
    return send_file(
        io.BytesIO(with_card(content, json.dumps(card_of(head)))),
        "application/octet-stream",
        as_attachment=True,
        download_name=f"laboratory-model-{number}.npz",
    )


@blueprint.get("/<int:number>/cells/<int:rank>.png")
@requires(Audience.ADMINISTRATORS)
def cell(number: int, rank: int) -> Response:
    """Send a cell whose probability changes much, cut from its field; only to its own team."""
    proof = _head(number).proof or abort(404)
    changed = proof["most_changed"]
    told = changed[rank] if rank < len(changed) else abort(404)
    analysis = analyses.find_in_team(current_user.team_id, told["analysis_id"]) or abort(404)
    try:
        sheet = get_analyst().cut_cells(analysis, [told["box"]])
    except FileNotFoundError:
        abort(404)
    audit.keep_picture(About("analysis", analysis.id))
    response = Response(encode_png(pictures.tile(sheet, 0)), mimetype="image/png")
    response.cache_control.private, response.cache_control.max_age = True, 3600
    return response


def get_fitting() -> Fitting:
    """Return the service that fits models."""
    return current_app.extensions["leukoscope_fitting"]


def get_laboratory_models() -> LaboratoryModels:
    """Return the networks with the models in use."""
    return current_app.extensions["leukoscope_laboratory_models"]


def _head(number: int) -> FittedHead:
    return heads.find(number) or abort(404)


def _page_of(head: FittedHead) -> AnyResponse:
    return redirect(url_for("laboratory_models.show", number=head.number), code=303)


def _in_use() -> dict[str, str | None]:
    return {how.value: heads.id_in_use(how) for how in HeadUse}


def _silent(every: Sequence[FittedHead]) -> set[str]:
    """Return the ids of models that do not answer: the networks are others than theirs."""
    try:
        return {head.id for head in every if head.proof and not get_laboratory_models().fits(head)}
    except WeightsError:
        return set()


def _curve_chart(points: list[dict[str, Any]]) -> Chart:
    labels = [str(point["cells"]) for point in points]
    return bar_chart(
        gettext("AUROC by number of signed cells"),
        labels,
        {gettext("AUROC"): [point["auroc"] for point in points]},
        top=1.0,
    )


def _format_figure(value: float | None) -> str:
    return "–" if value is None else format_number(value, 3)


def _format_difference(value: float | None) -> str:
    if value is None:
        return "–"
    sign = "+" if value >= 0 else "−"
    return sign + format_number(abs(value), 3)


def _reasons(head: FittedHead) -> dict[str, str | None]:
    """Say why a model cannot be used, by use."""
    try:
        return {
            how.value: heads_in_use.why_not(get_laboratory_models(), head, how) for how in HeadUse
        }
    except WeightsError as error:
        return dict.fromkeys((how.value for how in HeadUse), str(error))


def _told(change: heads.HeadChange) -> dict[str, Any]:
    author = accounts.get_account(change.author_id)
    number = heads.get(change.head_id).number if change.head_id else None
    return {"change": change, "author": author.name if author else "", "number": number}


def _shadow(head: FittedHead) -> dict[str, Any]:
    """Return what a model said in shadow, with the fields of the own team that differ most."""
    fields, cells, blasts, shadow_blasts, differing, kinds = shadow_answers.totals(head.id)
    differing_most = shadow_answers.fields_that_differ(head.id, MOST_FIELDS)
    own = analyses.in_team(current_user.team_id, [one.analysis_id for one in differing_most])
    most = [(one, own[one.analysis_id]) for one in differing_most if one.analysis_id in own]
    return {
        "fields": fields,
        "cells": cells,
        "blasts": blasts,
        "shadow_blasts": shadow_blasts,
        "differing": differing,
        "kinds_differing": kinds,
        "most": most,
    }


def _own(cells: list[dict[str, Any]]) -> list[tuple[int, dict[str, Any]]]:
    """Return the cells of the person's own team, with their rank."""
    own = analyses.in_team(current_user.team_id, {told["analysis_id"] for told in cells})
    return [(rank, told) for rank, told in enumerate(cells) if told["analysis_id"] in own]


def _own_contradictions(groups: list[list[dict[str, Any]]]) -> list[list[dict[str, Any]]]:
    """Return the groups all of whose cells are of the person's own team."""
    every = {told["analysis_id"] for group in groups for told in group}
    own = analyses.in_team(current_user.team_id, every)
    return [group for group in groups if all(told["analysis_id"] in own for told in group)]
