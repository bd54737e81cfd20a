"""DICOMweb: instances are stored (STOW-RS, PS3.18 10.5), each as a field."""

from __future__ import annotations

from typing import Any

from flask import Response, abort, current_app, g, json, request
from flask_login import current_user
from werkzeug.http import parse_options_header

from api.v1.common.document import PREFIX, make_blueprint, problems
from api.v1.uploads import Target, case_of
from core.ids import derived_id
from imaging.decoding.errors import ImageError
from imaging.dicom_names import DicomNames, names_of
from jobs.work import QueueFullError
from pages.common.problems import ProblemError
from pages.common.requires import requires
from records.accounts.accounts import Role, new_id
from records.accounts.api_tokens import Scope
from records.analyses import field_tasks
from records.audit.audit import Event
from records.tasks import TaskState
from services.analyses.analysis import OtherUploadError, Upload
from services.analyses.field_queue import FieldQueue

blueprint = make_blueprint("dicomweb", __name__, "/dicomweb", "Images as DICOM instances.")

MOST_BYTES = 128 * 1024 * 1024
"""The largest request: it is held in memory."""

MOST_PARTS = 100
TOO_MANY = f"Send at most {MOST_PARTS} instances in one request."

DICOM, ANSWER, RELATED = "application/dicom", "application/dicom+json", "multipart/related"

RETRIEVE_URL, FAILED, REFERENCED = "00081190", "00081198", "00081199"
SOP_CLASS, SOP_INSTANCE, REASON = "00081150", "00081155", "00081197"
OUT_OF_ROOM, NOT_UNDERSTOOD, NOT_AN_IMAGE, OTHER_HERE = 0xA700, 0xC000, 0xA900, 0x0111
"""Reasons of a failure (PS3.18, I.2.2); the last is “Duplicate SOP Instance” (PS3.7, C)."""

_BODY = {"requestBody": {"required": True, "content": {RELATED: {"schema": {"type": "string"}}}}}
_ANSWERS: dict[Any, Any] = {
    code: {"description": text, "content": {ANSWER: {"schema": {"type": "object"}}}}
    for code, text in (
        (200, "All instances wait to be read."),
        (202, "Some do; the others failed."),
        (409, "All instances failed."),
    )
}


@blueprint.post(
    "/studies", responses={**_ANSWERS, **problems(400, 413, 415)}, openapi_extensions=_BODY
)
@requires(Role.READER, audit=Event.UPLOAD, max_bytes=MOST_BYTES, scope=Scope.UPLOAD)
def store(query: Target) -> Response:
    """Store instances (`multipart/related; type="application/dicom"`), each as a field.

    They wait to be read like other fields. An instance that is sent again, by its UID, is kept
    once; one of this UID with other pixels or for another case fails. What stands in it of the
    patient is not kept.
    """
    parts = _parts()
    g.files_sent = len(parts)
    case_id, batch_id = case_of(query), new_id()
    stored: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    for part in parts:
        # One at a time: all of them together are in memory once, as the request.
        content = bytes(part)
        names = names_of(content)
        outcome = _take(names, content, case_id, batch_id)
        (stored if isinstance(outcome, str) else failed).append(_item(names, outcome))
    answer: dict[str, Any] = {}
    if stored:
        batch = f"{PREFIX}/batches/{batch_id}"
        answer[RETRIEVE_URL] = {"vr": "UR", "Value": [batch]}
        answer[REFERENCED] = {"vr": "SQ", "Value": stored}
    if failed:
        answer[FAILED] = {"vr": "SQ", "Value": failed}
    status = 409 if not stored else 202 if failed else 200
    return Response(json.dumps(answer), status, mimetype=ANSWER)


def _take(
    names: DicomNames | None, content: bytes, case_id: str | None, batch_id: str
) -> str | int:
    """Let an instance wait to be read; the id of its analysis, or the reason of a failure."""
    if names is None:
        return NOT_UNDERSTOOD
    queue: FieldQueue = current_app.extensions["leukoscope_fields"]
    task_id = _task_id(queue, names)
    if task_id is None:
        return OTHER_HERE
    upload = Upload(f"{names.sop_instance}.dcm", content, batch_id, case_id, id=task_id)
    try:
        return queue.take(current_user.id, upload).id
    except OtherUploadError:
        return OTHER_HERE
    except ImageError:
        return NOT_AN_IMAGE
    except QueueFullError:
        return OUT_OF_ROOM


def _task_id(queue: FieldQueue, names: DicomNames) -> str | None:
    """Return the id of an instance's task, a new one where none came to an end before.

    None where it was sent for another team.
    """
    task_id = derived_id(current_user.id, "dicom", names.sop_instance)
    while task := field_tasks.find_own(current_user.id, task_id):
        if task.team_id != current_user.team_id:
            return None
        if task.state == TaskState.FAILED:
            # Else the case could not be signed before somebody has removed it.
            queue.cancel(task)
        elif task.state != TaskState.DROPPED:
            break
        task_id = derived_id(task_id)
    return task_id


def _item(names: DicomNames | None, outcome: str | int) -> dict[str, Any]:
    """Describe what became of an instance."""
    item: dict[str, Any] = {}
    if names is not None:
        item[SOP_CLASS] = {"vr": "UI", "Value": [names.sop_class]}
        item[SOP_INSTANCE] = {"vr": "UI", "Value": [names.sop_instance]}
    if isinstance(outcome, str):
        item[RETRIEVE_URL] = {"vr": "UR", "Value": [f"{PREFIX}/analyses/{outcome}"]}
    else:
        item[REASON] = {"vr": "US", "Value": [outcome]}
    return item


def _parts() -> list[memoryview]:
    """Return the instances of the request, not copied.

    415 for another kind of body, 400 for a broken one, 413 for too many instances.
    """
    kind, options = parse_options_header(request.headers.get("Content-Type", ""))
    boundary = options.get("boundary", "")
    if kind != RELATED or options.get("type", DICOM) != DICOM or not boundary:
        abort(415)
    body, border = request.get_data(cache=False), b"\r\n--" + boundary.encode()
    places = _places(body, border)
    if len(places) > MOST_PARTS + 1:
        raise ProblemError(413, TOO_MANY)
    starts = [place + len(border) for place in places]
    if len(places) < 2 or not body.startswith(b"--", starts[-1]):
        abort(400)
    return [_content(body, *one) for one in zip(starts, places[1:], strict=False)]


def _places(body: bytes, border: bytes) -> list[int]:
    """Return where the borders between parts begin; not all of them where they are too many.

    Each but the first has a line end before it, which is no part of the content.
    """
    places = [-2] if body.startswith(border[2:]) else []
    at = body.find(border)
    while at >= 0 and len(places) <= MOST_PARTS + 1:
        places.append(at)
        at = body.find(border, at + len(border))
    return places


def _content(body: bytes, start: int, end: int) -> memoryview:
    """Return what follows the headers of a part."""
    head = body.find(b"\r\n\r\n", start, end)
    return memoryview(body)[end if head < 0 else head + 4 : end]
