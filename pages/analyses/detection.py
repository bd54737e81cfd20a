"""Detect: smear fields are uploaded here; `field.py` beside it shows the findings."""

from __future__ import annotations

from contextlib import suppress

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
from records.analyses.field_tasks import FieldTask
from records.audit.audit import Event
from services.turns import BusyError

blueprint = Blueprint("detection", __name__, url_prefix="/detect")

PATIENCE = 2
"""Seconds that the answer to the plain form waits for a single field to be read."""


FORM = "analyses/detection/new.html"


@blueprint.get("")
@requires(Role.READER)
def new() -> str:
    """Choose smear fields."""
    return uploads.show_form(FORM)


@blueprint.post("")
@requires(Role.READER, audit=Event.UPLOAD, max_bytes=None)
def create() -> Answer:
    """Take the fields that were sent, to be read in the background."""
    try:
        sent = uploads.read_request()
    except UploadError as error:
        return uploads.refuse(FORM, error)
    queue = get_field_queue()
    outcomes = sent.keep(queue.take)
    if wants_json():
        return uploads.answer_script(outcomes, to_dict, 202)
    kept = [outcome.kept for outcome in outcomes if outcome.kept]
    if not kept:
        return uploads.show_refused(outcomes)
    if len(outcomes) == 1:
        return go_on(kept[0])
    for outcome in outcomes:
        if outcome.error:
            queue.refuse(current_user.id, sent.batch_id, outcome.file_name, outcome.error)
    return redirect(url_for("batches.show", batch_id=sent.batch_id), code=303)


def go_on(task: FieldTask) -> AnyResponse:
    """Lead to the result of a field that is read soon, else to where it is waited for."""
    batch_id, task_id = task.batch_id, task.id
    # Who finds no place need not wait: the batch's page tells when the field is read.
    with suppress(BusyError), get_turns().place():
        get_field_queue().wait(task_id, PATIENCE)
    if field_tasks.get(task_id).analysis_id:
        return redirect(url_for("field.result", analysis_id=task_id), code=303)
    return redirect(url_for("batches.show", batch_id=batch_id), code=303)
