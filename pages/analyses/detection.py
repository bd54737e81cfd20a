"""Detect: smear fields are uploaded here; `field.py` beside it shows the findings."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from flask import Blueprint, redirect, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from pages.analyses import uploads
from pages.analyses.batches import document, the_queue
from pages.analyses.uploads import Answer, Outcome, UploadPage
from pages.common.requires import requires
from pages.common.turns import the_turns
from records.accounts.accounts import Role
from records.analyses import field_tasks
from records.analyses.field_tasks import FieldTask
from records.audit.audit import Event
from services.turns import BusyError

blueprint = Blueprint("detection", __name__, url_prefix="/detect")

PATIENCE = 2
"""Seconds that the answer to the plain form waits for a single field to be read."""


def _told(task: FieldTask) -> tuple[dict[str, Any], int]:
    return document(task), 202


def _shown(batch_id: str, outcomes: list[Outcome[FieldTask]]) -> Answer:
    """The batch of several fields, with those that were refused."""
    if len(outcomes) == 1:
        return go_on(outcomes[0].kept)
    for outcome in outcomes:
        if outcome.error:
            the_queue().refuse(current_user.id, batch_id, outcome.file_name, outcome.error)
    return redirect(url_for("batches.show", batch_id=batch_id), code=303)


def go_on(task: FieldTask) -> AnyResponse:
    """Lead to the result of a field that is read soon, else to where it is waited for."""
    batch_id, task_id = task.batch_id, task.id
    # Who finds no place need not wait: the batch's page tells when the field is read.
    with suppress(BusyError), the_turns().place():
        the_queue().wait(task_id, PATIENCE)
    if field_tasks.get(task_id).analysis_id:
        return redirect(url_for("field.result", analysis_id=task_id), code=303)
    return redirect(url_for("batches.show", batch_id=batch_id), code=303)


PAGE = UploadPage(
    template="analyses/detection/new.html",
    take=lambda owner_id, upload: the_queue().take(owner_id, upload),
    told=_told,
    shown=_shown,
)


@blueprint.get("")
@requires(Role.READER)
def new() -> str:
    """Choose smear fields."""
    return uploads.show(PAGE)


@blueprint.post("")
@requires(Role.READER, audit=Event.UPLOAD, max_bytes=None)
def create() -> Answer:
    """Take the fields that were sent, to be read in the background."""
    return uploads.receive(PAGE)
