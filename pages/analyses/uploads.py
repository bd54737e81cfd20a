"""Uploading images: what Classify and Detect take alike from the plain form and its script."""

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

from imaging.decoding.errors import ImageError
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


class UploadError(Exception):
    """Nothing of a request can be taken; the text is a sentence."""


@dataclass(frozen=True)
class Sent:
    """An upload request: its files, their batch and the case chosen for them."""

    files: list[FileStorage]
    batch_id: str
    case_id: str | None

    def keep(self, take: Callable[[str, Upload], Kept]) -> list[Outcome[Kept]]:
        """Read each file and keep it for the signed-in person, one after the other."""
        return [self._keep(file, take) for file in self.files]

    def _keep(self, file: FileStorage, take: Callable[[str, Upload], Kept]) -> Outcome[Kept]:
        with closing(file):
            # One byte too many is enough to be refused; the rest need not be in memory for that.
            content = file.read(current_app.config["LEUKOSCOPE"].max_upload_bytes + 1)
        upload = Upload(file.filename or "", content, self.batch_id, self.case_id)
        name = display_name(upload.file_name)
        try:
            return Outcome(name, take(current_user.id, upload))
        except ImageError as error:
            return Outcome(name, error=str(error))
        except (QueueFullError, NoRoomError) as error:
            return Outcome(name, error=str(error), status=503)


@dataclass(frozen=True)
class Outcome(Generic[Kept]):
    """What became of one file: what is kept of it, or the sentence why it was refused.

    `status` is the HTTP status that a refusal has for a script.
    """

    file_name: str
    kept: Kept | None = None
    error: str | None = None
    status: int = 422


def read_request() -> Sent:
    """Take what was sent: one image of a script, any number of the plain form.

    Raises:
        UploadError: the case takes no images, or there are too few or too many.
    """
    files = [file for file in request.files.getlist("images") if file.filename]
    case_id = _case_id()
    if not files:
        raise UploadError(NO_FILE)
    if wants_json() and len(files) > 1:
        raise UploadError(ONE_AT_A_TIME)
    return Sent(files, _batch_id(), case_id)


def show_form(template: str, error: str | None = None) -> str:
    """Render the page on which images are chosen."""
    open_cases = cases.unsigned_of(current_user.team_id)
    asked = request.values.get("case")
    return render_template(
        template,
        batch_id=new_id(),
        error=error,
        cases=open_cases,
        case_id=asked if asked in {case.id for case in open_cases} else None,
    )


def refuse(template: str, error: UploadError) -> Answer:
    """Answer a request of which nothing can be taken."""
    if wants_json():
        return jsonify(error=str(error)), 422
    return show_form(template, str(error)), 422


def answer_script(
    outcomes: list[Outcome[Kept]], to_dict: Callable[[Kept], dict[str, Any]], status: int
) -> Answer:
    """Answer the script with the outcome of its image."""
    (outcome,) = outcomes
    if outcome.kept is None:
        return jsonify(error=outcome.error), outcome.status
    return jsonify(to_dict(outcome.kept)), status


def show_refused(outcomes: list[Outcome[Kept]]) -> Answer:
    """Render why none of the images was kept."""
    return render_template("analyses/refused.html", outcomes=outcomes), 422


def _case_id() -> str | None:
    case_id = request.form.get("case") or None
    if case_id:
        try:
            check_takes(current_user.team_id, case_id)
        except CaseError as error:
            raise UploadError(str(error)) from error
    return case_id


def _batch_id() -> str:
    """Return the id that joins the files of one visit to the page; a new one for anything else."""
    batch_id = request.form.get("batch", "")
    return batch_id if _BATCH_ID.fullmatch(batch_id) else new_id()
