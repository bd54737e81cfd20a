"""Uploading images: the page, its script and the plain form all send to one address."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from flask import Response, current_app, jsonify, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response as AnyResponse

from models.images import ImageError
from pages.errors import wants_json
from pages.wording import RESULT_WORDS, summary
from records.accounts import new_id
from records.analyses import Analysis
from services.analysis import Upload, display_name

NO_FILE = "No image was sent. Choose at least one."
ONE_AT_A_TIME = "Send one image in each request."
_BATCH_ID = re.compile(r"[0-9a-f]{32}")

Answer = str | AnyResponse | tuple[str, int] | tuple[Response, int]


@dataclass(frozen=True)
class UploadPage:
    """What differs between uploading cells and uploading fields."""

    template: str
    result_endpoint: str
    read: Callable[[str, Upload], Analysis]

    def url(self, analysis: Analysis) -> str:
        """Where the result is shown."""
        return url_for(self.result_endpoint, analysis_id=analysis.id)


@dataclass(frozen=True)
class Outcome:
    """What became of one file: an analysis with its address, or the sentence why it was refused."""

    file_name: str
    analysis: Analysis | None = None
    url: str | None = None
    error: str | None = None


def show(page: UploadPage, error: str | None = None) -> str:
    """The page on which images are chosen."""
    return render_template(page.template, batch_id=new_id(), error=error)


def receive(page: UploadPage) -> Answer:
    """Read what was sent: one image for a script, any number for the plain form."""
    files = [file for file in request.files.getlist("images") if file.filename]
    if wants_json():
        return _receive_one(page, files)
    if not files:
        return show(page, NO_FILE), 422
    batch_id = _batch_id()
    outcomes = [_read(page, file, batch_id) for file in files]
    if len(outcomes) == 1 and outcomes[0].url:
        return redirect(outcomes[0].url, code=303)
    any_read = any(outcome.analysis for outcome in outcomes)
    return render_template("uploads/batch.html", outcomes=outcomes), 200 if any_read else 422


def _receive_one(page: UploadPage, files: list[FileStorage]) -> tuple[Response, int]:
    if len(files) != 1:
        return jsonify(error=ONE_AT_A_TIME if files else NO_FILE), 422
    outcome = _read(page, files[0], _batch_id())
    if outcome.analysis is None:
        return jsonify(error=outcome.error), 422
    return jsonify(_document(outcome)), 201


def _read(page: UploadPage, file: FileStorage, batch_id: str) -> Outcome:
    with closing(file):
        # One byte too many is enough to be refused; the rest need not be in memory for that.
        content = file.read(current_app.config["LEUKOSCOPE"].max_upload_bytes + 1)
    upload = Upload(file.filename or "", content, batch_id)
    try:
        analysis = page.read(current_user.id, upload)
    except ImageError as error:
        return Outcome(display_name(upload.file_name), error=str(error))
    return Outcome(analysis.file_name, analysis, page.url(analysis))


def _document(outcome: Outcome) -> dict[str, Any]:
    """The result as the script of the page takes it; `label` is null when not usable."""
    analysis = outcome.analysis
    usable = analysis.finding.get("usable", True)
    words = RESULT_WORDS[analysis.result]
    return {
        "id": analysis.id,
        "url": outcome.url,
        "thumbnail": url_for("history.thumbnail", analysis_id=analysis.id),
        "file": analysis.file_name,
        "label": analysis.result if usable else None,
        "probability": analysis.probability,
        "usable": usable,
        "reason": analysis.finding.get("reason"),
        "model": analysis.model_version,
        "word": words.word,
        "icon": words.icon,
        "tone": words.tone,
        "summary": summary(analysis),
    }


def _batch_id() -> str:
    """The id that joins the files of one visit to the page; a new one for anything else."""
    given = request.form.get("batch", "")
    return given if _BATCH_ID.fullmatch(given) else new_id()
