"""Uploading images: the page, its script and the plain form all send to one address."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from flask import Response, current_app, jsonify, render_template, request
from flask_login import current_user
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response as AnyResponse

from imaging.images import ImageError
from jobs.engine import QueueFullError
from pages.common.errors import wants_json
from records.accounts.accounts import new_id
from records.cases import cases
from services.analyses.analysis import Upload, display_name
from services.analyses.field_queue import NoRoomError
from services.cases.cases import CaseError, check_takes

NO_FILE = "Choose at least one image."
ONE_AT_A_TIME = "Send one image per request."
_BATCH_ID = re.compile(r"[0-9a-f]{32}")

Answer = str | AnyResponse | tuple[str, int] | tuple[Response, int]
Kept = TypeVar("Kept")


@dataclass(frozen=True)
class Outcome(Generic[Kept]):
    """What became of one file: what is kept of it, or the sentence why it was refused.

    `status` is the HTTP status that a refusal has for a script.
    """

    file_name: str
    kept: Kept | None = None
    error: str | None = None
    status: int = 422


@dataclass(frozen=True)
class UploadPage(Generic[Kept]):
    """What differs between uploading cells and uploading fields.

    `take` keeps a file for its owner; `told` is what a script is told of it, with the status;
    `shown` is what the plain form leads to for the files of a batch, of which one at least is kept.
    """

    template: str
    take: Callable[[str, Upload], Kept]
    told: Callable[[Kept], tuple[dict[str, Any], int]]
    shown: Callable[[str, list[Outcome[Kept]]], Answer]


def show(page: UploadPage, error: str | None = None) -> str:
    """The page on which images are chosen."""
    open_cases = cases.unsigned_of(current_user.team_id)
    asked = request.values.get("case")
    return render_template(
        page.template,
        batch_id=new_id(),
        error=error,
        cases=open_cases,
        case_id=asked if asked in {case.id for case in open_cases} else None,
    )


def receive(page: UploadPage[Kept]) -> Answer:
    """Take what was sent: one image of a script, any number of the plain form."""
    files = [file for file in request.files.getlist("images") if file.filename]
    try:
        case_id = _case_id()
    except CaseError as error:
        return _refuse(page, str(error))
    if wants_json():
        return _receive_one(page, files, case_id)
    if not files:
        return _refuse(page, NO_FILE)
    batch_id = _batch_id()
    outcomes = [_take(page, file, batch_id, case_id) for file in files]
    if not any(outcome.kept for outcome in outcomes):
        return render_template("analyses/refused.html", outcomes=outcomes), 422
    return page.shown(batch_id, outcomes)


def _refuse(page: UploadPage, sentence: str) -> Answer:
    return (jsonify(error=sentence) if wants_json() else show(page, sentence)), 422


def _receive_one(page: UploadPage[Kept], files: list[FileStorage], case_id: str | None) -> Answer:
    if len(files) != 1:
        return _refuse(page, ONE_AT_A_TIME if files else NO_FILE)
    outcome = _take(page, files[0], _batch_id(), case_id)
    if outcome.kept is None:
        return jsonify(error=outcome.error), outcome.status
    document, status = page.told(outcome.kept)
    return jsonify(document), status


def _take(
    page: UploadPage[Kept], file: FileStorage, batch_id: str, case_id: str | None
) -> Outcome[Kept]:
    with closing(file):
        # One byte too many is enough to be refused; the rest need not be in memory for that.
        content = file.read(current_app.config["LEUKOSCOPE"].max_upload_bytes + 1)
    upload = Upload(file.filename or "", content, batch_id, case_id)
    name = display_name(upload.file_name)
    try:
        return Outcome(name, page.take(current_user.id, upload))
    except ImageError as error:
        return Outcome(name, error=str(error))
    except (QueueFullError, NoRoomError) as error:
        return Outcome(name, error=str(error), status=503)


def _case_id() -> str | None:
    """The case that was chosen for the files, if one was; raises `CaseError` if it takes none."""
    case_id = request.form.get("case") or None
    if case_id:
        check_takes(current_user.team_id, case_id)
    return case_id


def _batch_id() -> str:
    """The id that joins the files of one visit to the page; a new one for anything else."""
    given = request.form.get("batch", "")
    return given if _BATCH_ID.fullmatch(given) else new_id()
