"""Classify: images of single cells and the classifier's results."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    flash,
    g,
    jsonify,
    redirect,
    render_template,
    url_for,
)
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from imaging.decoding.errors import ImageError
from jobs.work import QueueFullError
from models.explanation.attribution import FOR_BLAST, FOR_NORMAL, MAP_LIMIT
from pages.analyses import detection, uploads
from pages.analyses.batches import SENTENCES, get_field_queue
from pages.analyses.explanation import document, get_explainer
from pages.analyses.uploads import Answer, Outcome, UploadError
from pages.common.errors import wants_json
from pages.common.formatting import quality_sentence, result_to_dict, summary
from pages.common.lookups import get_cell_reader, image_response, team_analysis
from pages.common.morphology import describe
from pages.common.requires import Look, requires
from pages.common.turns import takes_a_turn
from records.accounts.accounts import Role
from records.analyses import analyses, cell_tasks, explanations
from records.analyses.analyses import Analysis, AnalysisKind, place_in_batch
from records.analyses.cell_tasks import CellTask
from records.audit.audit import Event
from records.tasks import TaskState
from services.analyses.cell_reading import PATIENCE
from services.analyses.findings import cell_finding, image_quality
from services.cases.review import image_in_case
from services.formatting import class_texts
from services.laboratory.classes import cell_classes
from services.model_cards import uncertain_band
from services.stored_texts import translated

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
    return uploads.show_form(FORM, _files_of)


@blueprint.post("")
@requires(Role.READER, audit=Event.UPLOAD, max_bytes=None)
@takes_a_turn
def create() -> Answer:
    """Classify the cell images that were sent."""
    try:
        sent = uploads.read_request(AnalysisKind.CLASSIFICATION)
    except UploadError as error:
        return uploads.refuse(FORM, _files_of, error)
    outcomes = list(_waited_for(sent.keep(get_cell_reader().classify)))
    if wants_json():
        waits = any(isinstance(outcome.kept, CellTask) for outcome in outcomes)
        return uploads.answer_script(outcomes, to_dict, 202 if waits else 201)
    kept = [outcome.kept for outcome in outcomes if outcome.kept]
    if not kept:
        return uploads.show_refused(outcomes)
    if len(outcomes) == 1:
        return redirect(_url(kept[0]), code=303)
    return render_template(
        "analyses/classification/results.html",
        outcomes=outcomes,
        waiting={each.id for each in kept if isinstance(each, CellTask)},
    )


def _waited_for(
    outcomes: list[Outcome[Analysis | CellTask]],
) -> Iterator[Outcome[Analysis | CellTask]]:
    """Wait for images that workers read, all of them together for no longer than `PATIENCE`."""
    end = time.monotonic() + PATIENCE
    for outcome in outcomes:
        if outcome.kept is None:
            yield outcome
            continue
        try:
            seconds = max(0.0, end - time.monotonic())
            yield replace(outcome, kept=get_cell_reader().wait(outcome.kept, seconds))
        except ImageError as error:
            yield replace(outcome, kept=None, error=translated(str(error)))


def _files_of(batch_id: str) -> list[dict[str, Any]]:
    team_id = current_user.team_id
    kept = analyses.of_batch(team_id, batch_id, AnalysisKind.CLASSIFICATION)
    read = {analysis.id for analysis in kept}
    asked = [task for task in cell_tasks.of_batch(team_id, batch_id) if task.id not in read]
    return [to_dict(each) for each in (*kept, *asked)]


@blueprint.get("/batches/<batch_id>/progress")
@requires(Role.VIEWER)
def progress(batch_id: str) -> Response:
    """Return how far the images are that were sent together, as JSON."""
    return jsonify(files=_files_of(batch_id) or abort(404))


def to_dict(kept: Analysis | CellTask) -> dict[str, Any]:
    """Describe a cell to the page's script."""
    return _task_to_dict(kept) if isinstance(kept, CellTask) else _analysis_to_dict(kept)


def _task_to_dict(task: CellTask) -> dict[str, Any]:
    """Describe a cell that is still to be read."""
    error = task.error and translated(task.error)
    return {
        "id": task.id,
        "file": task.file_name,
        "state": task.state,
        "done": 0,
        "total": 0,
        "error": error,
        "summary": error or str(SENTENCES.get(task.state, "")),
        "progress": url_for("classification.progress", batch_id=task.batch_id),
    }


def _analysis_to_dict(analysis: Analysis) -> dict[str, Any]:
    """Describe a classified cell; `label` is null when not usable."""
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
        **result_to_dict(
            analysis.result,
            analysis.id,
            _url(analysis),
            summary(analysis),
            image_quality(analysis),
        ),
    }


def _url(kept: Analysis | CellTask) -> str:
    """Return the address of a result, where is also told that it is waited for."""
    return url_for("classification.result", analysis_id=kept.id)


@blueprint.get("/<analysis_id>")
@requires(Role.VIEWER, audit=Event.VIEW)
def result(analysis_id: str) -> str:
    """Show the classifier's finding for one cell image, or that it waits to be read."""
    if (task := _unread(analysis_id)) is not None:
        # There is nothing to look at yet, and the page asks again by itself.
        g.unnoted = True
        return render_template("analyses/classification/waiting.html", task=task)
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
        in_case=image_in_case(analysis, current_user.id),
        labels=class_texts(cell_classes()),
    )


def _unread(analysis_id: str) -> CellTask | None:
    """Find the team's image of this id that is not read yet, or could not be."""
    if analyses.find_in_team(current_user.team_id, analysis_id) is not None:
        return None
    return cell_tasks.find_in_team(current_user.team_id, analysis_id)


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
    reader = get_cell_reader()
    try:
        read = reader.wait(reader.override_quality_check(analysis), PATIENCE)
        return redirect(_url(read), code=303)
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
