"""Batches: fields uploaded together, their progress and combined counts."""

from __future__ import annotations

from collections import Counter
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    jsonify,
    redirect,
    render_template,
    url_for,
)
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from models.findings import read_quality
from pages.common.access import may_delete, may_use
from pages.common.errors import wants_json
from pages.common.formatting import opinions_summary, result_to_dict
from pages.common.requires import requires
from records.accounts.accounts import Role
from records.analyses import field_tasks
from records.analyses.field_tasks import FieldTask
from records.audit.audit import Event
from records.tasks import TaskState
from services.analyses.batches import combined
from services.analyses.field_queue import FieldQueue
from services.analyses.findings import USUAL_DIFFERENTIAL, field_state, read_opinions
from services.formatting import FIELD_CLASS_TEXTS
from services.language import gettext, lazy_gettext, ngettext
from services.stored_texts import translated

blueprint = Blueprint("batches", __name__, url_prefix="/batches/<batch_id>")

SENTENCES = {
    TaskState.WAITING: lazy_gettext("Waiting…"),
    TaskState.RUNNING: lazy_gettext("Analysing…"),
    TaskState.DROPPED: lazy_gettext("Cancelled. Nothing was saved."),
}
NOT_TO_BE_CANCELLED = lazy_gettext(
    "Only the uploader or a reviewer of the team can cancel this field."
)
CANCEL_LABELS = {
    TaskState.WAITING: lazy_gettext("Cancel"),
    TaskState.RUNNING: lazy_gettext("Cancel"),
    TaskState.FAILED: lazy_gettext("Remove"),
}


def get_field_queue() -> FieldQueue:
    """Return the queue of fields."""
    return current_app.extensions["leukoscope_fields"]


@blueprint.get("")
@requires(Role.VIEWER, audit=Event.VIEW)
def show(batch_id: str) -> str:
    """Show the fields of a batch, their states and their combined count."""
    tasks = _of_team(batch_id)
    return render_template(
        "analyses/batches/show.html",
        batch_id=batch_id,
        files=[to_dict(task) for task in tasks],
        progress=_progress_sentence(tasks),
        busy=any(task.under_way for task in tasks),
        cancellable=any(may_delete(task) for task in tasks),
        colleagues=sorted({task.owner.name for task in tasks if task.owner_id != current_user.id}),
        cases={task.case for task in tasks if task.case},
        **_combined(tasks),
    )


@blueprint.get("/progress")
@requires(Role.VIEWER)
def progress(batch_id: str) -> Response:
    """Return the progress of every field of a batch, as JSON."""
    return jsonify(files=[to_dict(task) for task in _of_team(batch_id)])


@blueprint.get("/counts")
@requires(Role.VIEWER)
def counts(batch_id: str) -> str:
    """Return the combined count as the HTML that the script inserts."""
    return render_template("analyses/batches/counts.html", **_combined(_of_team(batch_id)))


@blueprint.post("/cancel")
@requires(Role.READER)
def cancel_all(batch_id: str) -> AnyResponse:
    """Cancel every field of a batch that is not read yet and that the person may cancel."""
    for task in _of_team(batch_id):
        if task.under_way and may_delete(task):
            get_field_queue().cancel(task)
    return progress(batch_id) if wants_json() else _back(batch_id)


@blueprint.post("/<task_id>/cancel")
@requires(Role.READER)
def cancel(batch_id: str, task_id: str) -> AnyResponse:
    """Cancel one field, or remove the file of one that could not be read."""
    task = _task(batch_id, task_id)
    if not may_delete(task):
        abort(403, NOT_TO_BE_CANCELLED)
    get_field_queue().cancel(task)
    return jsonify(to_dict(task)) if wants_json() else _back(batch_id)


@blueprint.post("/<task_id>/retry")
@requires(Role.READER)
def retry(batch_id: str, task_id: str) -> AnyResponse:
    """Let a field wait again that could not be read."""
    task = _task(batch_id, task_id)
    get_field_queue().retry(task)
    return jsonify(to_dict(task)) if wants_json() else _back(batch_id)


def to_dict(task: FieldTask) -> dict[str, Any]:
    """Describe a field to the page; `total` is 0 until its analysis begins."""
    can_retry = task.state == TaskState.FAILED and task.can_retry and may_use("batches.retry")
    left = task.under_way or (task.state == TaskState.FAILED and task.can_retry)
    can_cancel = left and may_delete(task)
    return {
        "id": task.id,
        "file": task.file_name,
        "state": task.state,
        "done": task.done,
        "total": task.total,
        "error": task.error and translated(task.error),
        "summary": _sentence(task),
        "batch": url_for("batches.show", batch_id=task.batch_id),
        "progress": url_for("batches.progress", batch_id=task.batch_id),
        "cancel": _address_of(task, "cancel") if can_cancel else None,
        "cancel_word": str(CANCEL_LABELS.get(task.state, "")) or None,
        "retry": _address_of(task, "retry") if can_retry else None,
        **_result_to_dict(task),
    }


def _sentence(task: FieldTask) -> str | None:
    if task.error:
        return translated(task.error)
    return str(SENTENCES[task.state]) if task.state in SENTENCES else None


def _result_to_dict(task: FieldTask) -> dict[str, Any]:
    """Describe the result of a field; empty until there is one."""
    if task.analysis_id is None or task.counts is None:
        return {}
    opinions, quality = read_opinions(task.counts), read_quality(task.counts)
    url = url_for("field.result", analysis_id=task.analysis_id)
    summary = opinions_summary(opinions, quality)
    result = field_state(opinions.share, quality)
    return result_to_dict(result, task.analysis_id, url, summary, quality)


def _address_of(task: FieldTask, act: str) -> str:
    return url_for(f"batches.{act}", batch_id=task.batch_id, task_id=task.id)


def _progress_sentence(tasks: list[FieldTask]) -> str:
    """Say how many fields are analysed, failed and cancelled, as the script does later."""
    count = Counter(task.state for task in tasks)
    values = {"number": count[TaskState.DONE], "whole": len(tasks)}
    parts = [gettext("%(number)s of %(whole)s analysed", **values)]
    if failed := count[TaskState.FAILED]:
        parts.append(ngettext("%(num)s failed", "%(num)s failed", failed))
    if cancelled := count[TaskState.DROPPED]:
        parts.append(ngettext("%(num)s cancelled", "%(num)s cancelled", cancelled))
    return ", ".join(parts)


def _combined(tasks: list[FieldTask]) -> dict[str, Any]:
    """Return what the templates of the combined count need."""
    count = combined(tasks)
    return {
        "edge_left_out": any(task.case and task.case.leave_out_edge for task in tasks),
        "fields_read": count.fields,
        "counts": count.counts,
        "share": count.share,
        "doubtful": count.doubtful,
        "not_readable": count.not_readable,
        "usual_differential": USUAL_DIFFERENTIAL,
        "styles": FIELD_CLASS_TEXTS,
    }


def _of_team(batch_id: str) -> list[FieldTask]:
    return field_tasks.of_batch(current_user.team_id, batch_id) or abort(404)


def _task(batch_id: str, task_id: str) -> FieldTask:
    return field_tasks.find(current_user.team_id, batch_id, task_id) or abort(404)


def _back(batch_id: str) -> AnyResponse:
    return redirect(url_for("batches.show", batch_id=batch_id), code=303)
