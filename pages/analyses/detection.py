"""Detect: smear fields are uploaded here; `field.py` beside it shows the findings."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from flask import Blueprint, redirect, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from pages.analyses import uploads
from pages.analyses.batches import get_field_queue, to_dict
from pages.analyses.uploads import Answer, UploadError
from pages.common.errors import wants_json
from pages.common.requires import requires
from pages.common.turns import get_turns
from records.accounts.accounts import Role
from records.analyses import field_tasks
from records.analyses.analyses import AnalysisKind
from records.analyses.field_tasks import FieldTask
from records.audit.audit import Event
from services.language import ENGLISH, in_language
from services.turns import BusyError

blueprint = Blueprint("detection", __name__, url_prefix="/detect")

PATIENCE = 2
"""Seconds that the answer to the plain form waits for a single field to be read."""


FORM = "analyses/detection/new.html"


@blueprint.get("")
@requires(Role.READER)
def new() -> str:
    """Choose smear fields."""
    return uploads.show_form(FORM, _files_of)


@blueprint.post("")
@requires(Role.READER, audit=Event.UPLOAD, max_bytes=None)
def create() -> Answer:
    """Take the fields that were sent, to be read in the background."""
    try:
        sent = uploads.read_request(AnalysisKind.DETECTION)
    except UploadError as error:
        return uploads.refuse(FORM, _files_of, error)
    queue = get_field_queue()
    if wants_json():
        return uploads.answer_script(sent.keep(queue.take), to_dict, 202)
    # Refusals of the plain form are kept with the batch, in English as everything kept is.
    with in_language(ENGLISH):
        outcomes = sent.keep(queue.take)
    kept = [outcome.kept for outcome in outcomes if outcome.kept]
    if not kept:
        return uploads.show_refused(outcomes)
    if len(outcomes) == 1:
        return go_on(kept[0])
    for outcome in outcomes:
        if outcome.error:
            queue.refuse(current_user.id, sent.batch_id, outcome.file_name, outcome.error)
    return redirect(url_for("batches.show", batch_id=sent.batch_id), code=303)


def _files_of(batch_id: str) -> list[dict[str, Any]]:
    tasks = field_tasks.of_batch(current_user.team_id, batch_id)
    return [to_dict(task) for task in tasks]


def go_on(task: FieldTask) -> AnyResponse:
    """Lead to the result of a field that is read soon, else to where it is waited for."""
    batch_id, task_id = task.batch_id, task.id
    # Who finds no place need not wait: the batch's page tells when the field is read.
    with suppress(BusyError), get_turns().place():
        get_field_queue().wait(task_id, PATIENCE)
    if field_tasks.get(task_id).analysis_id:
        return redirect(url_for("field.result", analysis_id=task_id), code=303)
    return redirect(url_for("batches.show", batch_id=batch_id), code=303)
