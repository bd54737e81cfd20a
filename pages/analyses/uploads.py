"""Uploading images: what Classify and Detect take alike from the plain form and its script."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from flask import Response, current_app, jsonify, render_template, request
from flask_login import current_user
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response as AnyResponse

from core.ids import derived_id, is_id
from imaging.archive import Archive, ArchiveError, Entry, is_archive
from imaging.decoding.errors import ImageError
from jobs.work import QueueFullError
from pages.analyses.archive_texts import GONE, archive_sentence
from pages.analyses.known_files import describe_known, known_sentence
from pages.common.errors import wants_json
from records.accounts.accounts import new_id
from records.analyses.analyses import AnalysisKind
from records.cases import cases
from services.analyses.analysis import OtherUploadError, Upload, display_name
from services.analyses.archives import Archives
from services.analyses.field_queue import NoRoomError
from services.analyses.known_files import KnownFile, is_kept, known_files
from services.cases.cases import CaseError, check_takes
from services.language import lazy_gettext
from services.stored_texts import translated

NO_FILE = lazy_gettext("Choose at least one image.")
ONE_AT_A_TIME = lazy_gettext("Send one image per request.")
FULL_SECONDS = 10
"""When a script may try again that found as many fields waiting as one person may have."""

Answer = str | AnyResponse | tuple[str, int] | tuple[Response, int]
Kept = TypeVar("Kept")
Take = Callable[[str, Upload], Kept]
FilesOf = Callable[[str], list[dict[str, Any]]]
"""Describes what has arrived of a batch to the page."""


class UploadError(Exception):
    """Nothing of a request can be taken; the text is a sentence."""


@dataclass(frozen=True)
class Outcome(Generic[Kept]):
    """What became of one file: what is kept of it, or the sentence why it was refused.

    `status` is the HTTP status that a refusal has for a script, which may try again after
    `retry_after` seconds. A file that is `known` was not taken, as the script asked for that.
    """

    file_name: str
    kept: Kept | None = None
    error: str | None = None
    status: int = 422
    retry_after: int | None = None
    known: KnownFile | None = None


@dataclass(frozen=True)
class ArchiveEntry:
    """One file of a ZIP that the script has sent before."""

    archive_id: str
    place: int


@dataclass(frozen=True)
class Sent:
    """An upload request: its files, or one entry of a ZIP, their batch and the case chosen.

    `upload_id` is the same each time that the script sends the same file; where it `asks`, a file
    that the team knows is not taken.
    """

    kind: AnalysisKind
    files: list[FileStorage]
    batch_id: str
    case_id: str | None
    entry: ArchiveEntry | None = None
    upload_id: str | None = None
    asks: bool = False

    def keep(self, take: Take[Kept]) -> list[Outcome[Kept]]:
        """Read each file and keep it for the signed-in person, one after the other."""
        if self.entry:
            return [self._keep_entry(self.entry, take)]
        return [outcome for file in self.files for outcome in self._keep_file(file, take)]

    def _keep_file(self, file: FileStorage, take: Take[Kept]) -> Iterator[Outcome[Kept]]:
        with closing(file):
            # A script sends a ZIP elsewhere first, for each image to have an answer of its own.
            if not wants_json() and _is_archive(file):
                yield from self._keep_archive(file, take)
                return
            # One byte too many is enough to be refused; the rest need not be in memory for that.
            content = file.read(current_app.config["LEUKOSCOPE"].max_upload_bytes + 1)
        yield self._keep(file.filename or "", content, take)

    def _keep_archive(self, file: FileStorage, take: Take[Kept]) -> Iterator[Outcome[Kept]]:
        try:
            with get_archives().opened(file.stream) as archive:
                for entry in archive.list().entries:
                    yield self._keep_unpacked(archive, entry, take)
        except ArchiveError as error:
            yield Outcome(display_name(file.filename or ""), error=archive_sentence(error.fault))

    def _keep_unpacked(self, archive: Archive, entry: Entry, take: Take[Kept]) -> Outcome[Kept]:
        try:
            content = archive.read(entry)
        except ArchiveError as error:
            return Outcome(display_name(entry.name), error=archive_sentence(error.fault))
        return self._keep(entry.name, content, take)

    def _keep_entry(self, entry: ArchiveEntry, take: Take[Kept]) -> Outcome[Kept]:
        try:
            found, content = get_archives().read(current_user.id, entry.archive_id, entry.place)
        except LookupError:
            return Outcome("", error=GONE, status=410)
        except ArchiveError as error:
            return Outcome("", error=archive_sentence(error.fault))
        return self._keep(found.name, content, take)

    def _keep(self, file_name: str, content: bytes, take: Take[Kept]) -> Outcome[Kept]:
        upload = Upload(file_name, content, self.batch_id, self.case_id, id=self.upload_id)
        name = display_name(file_name)
        if known := self._known(upload):
            return Outcome(name, error=known_sentence(known), status=409, known=known)
        try:
            return Outcome(name, take(current_user.id, upload))
        except ImageError as error:
            return Outcome(name, error=translated(str(error)))
        except OtherUploadError as error:
            return Outcome(name, error=str(error))
        except QueueFullError as error:
            return Outcome(name, error=str(error), status=503, retry_after=FULL_SECONDS)
        except NoRoomError as error:
            return Outcome(name, error=str(error), status=503)

    def _known(self, upload: Upload) -> KnownFile | None:
        """Find the file among those of the team, unless this very upload is kept already."""
        if not self.asks or (upload.id and is_kept(current_user.id, upload.id)):
            return None
        return known_files(current_user.team_id, self.kind, [upload.sha256]).get(upload.sha256)


def get_archives() -> Archives:
    """Return the service that keeps ZIPs until their images are taken."""
    return current_app.extensions["leukoscope_archives"]


def read_request(kind: AnalysisKind) -> Sent:
    """Take what was sent: one image of a script, any number of the plain form.

    Raises:
        UploadError: the case takes no images, or there are too few or too many.
    """
    files = [file for file in request.files.getlist("images") if file.filename]
    entry, case_id = _entry(), _case_id()
    if not files and not entry:
        raise UploadError(NO_FILE)
    sent = Sent(kind, files, _batch_id(), case_id, entry)
    if not wants_json():
        return sent
    if len(files) > 1:
        raise UploadError(ONE_AT_A_TIME)
    return replace(sent, upload_id=upload_id(), asks=request.form.get("known") == "ask")


def show_form(template: str, files_of: FilesOf, error: str | None = None) -> str:
    """Render the page on which images are chosen, with what has arrived of its batch."""
    open_cases = cases.unsigned_of(current_user.team_id)
    asked = request.values.get("case")
    batch_id = _batch_id()
    return render_template(
        template,
        batch_id=batch_id,
        files=files_of(batch_id),
        error=error,
        cases=open_cases,
        case_id=asked if asked in {case.id for case in open_cases} else None,
    )


def refuse(template: str, files_of: FilesOf, error: UploadError) -> Answer:
    """Answer a request of which nothing can be taken."""
    if wants_json():
        return jsonify(error=str(error)), 422
    return show_form(template, files_of, str(error)), 422


def answer_script(
    outcomes: list[Outcome[Kept]], to_dict: Callable[[Kept], dict[str, Any]], status: int
) -> Answer:
    """Answer the script with the outcome of its image."""
    (outcome,) = outcomes
    if outcome.kept is not None:
        return jsonify(to_dict(outcome.kept)), status
    known = {"known": describe_known(outcome.known)} if outcome.known else {}
    response = jsonify(error=str(outcome.error), **known)
    if outcome.retry_after:
        response.headers["Retry-After"] = str(outcome.retry_after)
    return response, outcome.status


def show_refused(outcomes: list[Outcome[Kept]]) -> Answer:
    """Render why none of the images was kept."""
    return render_template("analyses/refused.html", outcomes=outcomes), 422


def upload_id() -> str | None:
    """Return the id of what is kept of this upload; None where the script gave it no key."""
    key = request.form.get("key", "")
    # Of the account too, so that nobody's key can stand in the way of another's.
    return derived_id(current_user.id, key) if is_id(key) else None


def _is_archive(file: FileStorage) -> bool:
    start = file.stream.read(4)
    file.stream.seek(0)
    return is_archive(start)


def _entry() -> ArchiveEntry | None:
    archive_id, place = request.form.get("archive", ""), request.form.get("entry", type=int)
    if not is_id(archive_id) or place is None:
        return None
    return ArchiveEntry(archive_id, place)


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
    batch_id = request.values.get("batch", "")
    return batch_id if is_id(batch_id) else new_id()
