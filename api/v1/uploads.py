"""Uploads: images of single cells to be classified, fields to be read."""

from __future__ import annotations

import hashlib
from contextlib import closing

from flask import Response, current_app, request
from flask_login import current_user
from flask_openapi3.models.file import FileStorage
from pydantic import BaseModel, Field
from werkzeug.datastructures import FileStorage as SentFile

from api.v1.analyses_schemas import Analysis, describe, describe_waiting
from api.v1.common.answers import json_of
from api.v1.common.document import PREFIX, make_blueprint, problems
from api.v1.common.idempotency import OTHER_UPLOAD, KeyHeader, derived_key, idempotent
from api.v1.common.ids import Id
from imaging.decoding.errors import ImageError
from jobs.work import QueueFullError
from pages.common.lookups import get_cell_reader, team_case
from pages.common.problems import ProblemError
from pages.common.requires import requires
from pages.common.turns import takes_a_turn
from records.accounts.accounts import Role, new_id
from records.accounts.api_tokens import Scope
from records.analyses.cell_tasks import CellTask
from records.audit.audit import Event
from services.analyses.analysis import OtherUploadError, Upload, display_name
from services.analyses.cell_reading import PATIENCE
from services.analyses.field_queue import FieldQueue
from services.cases.cases import check_takes
from services.stored_texts import translated

blueprint = make_blueprint("uploads", __name__, "", "Images to be analysed.")

MOST_FILES = 100
FULL_SECONDS = 10
"""When to try again where as many fields wait as one account may have."""

NO_FILE = "Send the image as a file of the form."
NONE_TAKEN = "None of the files can be analysed: see “errors”."


class Target(BaseModel):
    """The case that the images belong to."""

    case_id: Id | None = Field(None, description="The case, which must not be signed.")


class FieldsTarget(Target):
    """Where fields belong."""

    batch_id: Id | None = Field(
        None, description="Joins them with fields sent before; a new batch unless given."
    )


class CellForm(BaseModel):
    """An image of one cell."""

    image: FileStorage


class FieldsForm(BaseModel):
    """Images of fields: any number of files of this name."""

    images: list[FileStorage] = Field(min_length=1, max_length=MOST_FILES)


class SentField(BaseModel):
    """Report one file: its analysis, or why it was refused."""

    file_name: str
    analysis: Analysis | None
    refused: str | None
    try_again: bool = Field(default=False, description="Whether the file is refused only for now.")


class SentFields(BaseModel):
    """Report the files in the order sent."""

    batch_id: str
    items: list[SentField]


@blueprint.post("/cells", responses={201: Analysis, 202: Analysis, **problems(400, 409, 413, 415)})
@requires(Role.READER, audit=Event.UPLOAD, max_bytes=None, scope=Scope.UPLOAD)
@idempotent
@takes_a_turn
def classify(query: Target, form: CellForm, header: KeyHeader) -> Response:
    """Classify the image of one cell.

    The answer comes with the result: 201. Where other processes read images and are busy for some
    seconds, it is 202: ask for the analysis at its `Location` until it is done. Sent again under
    the same `Idempotency-Key`, an image is kept once.
    """
    upload, reader = _upload(form.image, case_of(query), new_id(), header), get_cell_reader()
    try:
        analysis = reader.wait(reader.classify(current_user.id, upload), PATIENCE)
    except OtherUploadError as error:
        raise ProblemError(422, OTHER_UPLOAD) from error
    except ImageError as error:
        sentence = translated(str(error))
        raise _unfit(sentence, [{"where": "image", "why": sentence}]) from error
    if isinstance(analysis, CellTask):
        response = json_of(describe_waiting(analysis), 202)
    else:
        response = json_of(describe(analysis), 201)
    response.headers["Location"] = f"{PREFIX}/analyses/{analysis.id}"
    return response


@blueprint.post("/fields", responses={202: SentFields, **problems(400, 409, 413, 415)})
@requires(Role.READER, audit=Event.UPLOAD, max_bytes=None, scope=Scope.UPLOAD)
@idempotent
def detect(query: FieldsTarget, form: FieldsForm, header: KeyHeader) -> Response:
    """Let fields wait to be read; ask for the batch or for each analysis until they are.

    Files that cannot be analysed are refused one by one. If none can, the whole request is.
    """
    batch_id, case_id = query.batch_id or new_id(), case_of(query)
    # One at a time: together they may be more than fits into memory.
    items = [_take(_upload(file, case_id, batch_id, header)) for file in form.images]
    if not any(item.analysis for item in items):
        raise _refused(items)
    response = json_of(SentFields(batch_id=batch_id, items=items), 202)
    response.headers["Location"] = f"{PREFIX}/batches/{batch_id}"
    return response


def _take(upload: Upload) -> SentField:
    queue: FieldQueue = current_app.extensions["leukoscope_fields"]
    name = display_name(upload.file_name)
    try:
        taken = queue.take(current_user.id, upload)
    except ImageError as error:
        return SentField(file_name=name, analysis=None, refused=translated(str(error)))
    except OtherUploadError:
        return SentField(file_name=name, analysis=None, refused=OTHER_UPLOAD)
    except QueueFullError as error:
        return SentField(file_name=name, analysis=None, refused=str(error), try_again=True)
    return SentField(file_name=name, analysis=describe_waiting(taken), refused=None)


def _upload(file: object, case_id: str | None, batch_id: str, header: KeyHeader) -> Upload:
    # The library hands on what is no file as it came.
    if not isinstance(file, SentFile):
        raise ProblemError(422, NO_FILE)
    with closing(file):
        # One byte too many is enough to be refused; the rest need not be in memory for that.
        content = file.read(current_app.config["LEUKOSCOPE"].max_upload_bytes + 1)
    # By its content and never by its place: other files may be sent under the same key later.
    sha256 = hashlib.sha256(content).hexdigest()
    made = derived_key(header, request.path, current_user.team_id, case_id or "", sha256)
    return Upload(file.filename or "", content, batch_id, case_id, id=made)


def case_of(target: Target) -> str | None:
    """Return the case that the images are of; 404 for another team's, 409 for a signed one."""
    if target.case_id is not None:
        check_takes(current_user.team_id, team_case(target.case_id).id)
    return target.case_id


def _refused(items: list[SentField]) -> ProblemError:
    """Refuse a request of which nothing is taken; for now, where one file is refused for now."""
    later = next((item.refused for item in items if item.try_again and item.refused), None)
    if later is not None:
        return ProblemError(503, later, {"Retry-After": str(FULL_SECONDS)})
    errors = [{"where": item.file_name, "why": item.refused or ""} for item in items]
    return _unfit(errors[0]["why"] if len(errors) == 1 else NONE_TAKEN, errors)


def _unfit(sentence: str, errors: list[dict[str, str]]) -> ProblemError:
    return ProblemError(422, sentence, errors=errors)
