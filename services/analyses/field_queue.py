"""Fields sent to Detect: taken at once, read in the background, one of each person at a time."""

from __future__ import annotations

import logging
from typing import Any, Protocol

from sqlalchemy.exc import IntegrityError

from imaging.decoding.errors import ImageError
from imaging.images import RgbImage
from imaging.slides.slide import SlideError
from jobs import runner
from jobs.engine import Tasks
from jobs.waiting import wait_for
from jobs.work import Progress, QueueFullError, TaskError
from records import tasks
from records.accounts.accounts import new_id
from records.analyses import analyses, field_tasks
from records.analyses.analyses import Analysis, AnalysisKind
from records.analyses.field_tasks import FieldTask
from records.analyses.slide_areas import SlideArea
from records.slides.slides import Slide
from records.storage.image_store import ImageStore, StoreError
from services.analyses.analysis import (
    OTHER_UPLOAD,
    Analyst,
    OtherUploadError,
    Upload,
    case_of_its_field,
    display_name,
    is_of,
)
from services.analyses.batches import counts_of
from services.analyses.thumbnails import Thumbnails
from services.language import lazy_gettext

log = logging.getLogger(__name__)

FULL = lazy_gettext(
    "{} of your fields are already waiting, the most that one person may have. Send this one when "
    "some of them are done."
)
NO_ROOM = lazy_gettext(
    "The server’s disk is full. Tell your system administrator, and try again later."
)
NO_STORE = lazy_gettext(runner.NO_STORE)
GONE = lazy_gettext("The image is no longer there. Send it again.")


class AreaReader(Protocol):
    """Reads the pixels of areas of slides."""

    def pixels(self, area: SlideArea, progress: Progress) -> tuple[RgbImage, str]:
        """Return an area as uint8 (h, w, 3) RGB, and the format of its slide.

        Raises:
            FileNotFoundError: The slide is gone.
            SlideError: It cannot be read.
        """
        ...


class NoRoomError(Exception):
    """No further file can be kept; the text is a sentence for the person who sent it."""

    @classmethod
    def after(cls, error: OSError) -> NoRoomError:
        """Say what an error of the disk or the image store means to that person."""
        return cls(NO_STORE if isinstance(error, StoreError) else NO_ROOM)


def keep_upload(uploads: ImageStore, content: bytes) -> str:
    """Keep a file until it is read, and return its name; raises `NoRoomError`."""
    try:
        return uploads.put(content, "upload")
    except OSError as error:
        log.exception("An upload could not be kept")
        raise NoRoomError.after(error) from error


class FieldQueue:
    """Takes fields and, as `Work`, reads them; each becomes an analysis of the same id.

    That id is what makes a task that was begun twice end in one analysis.
    """

    table = FieldTask
    at_once = 2
    poll_seconds = 0.5

    def __init__(
        self,
        analyst: Analyst,
        thumbnails: Thumbnails,
        uploads: ImageStore,
        areas: AreaReader,
        background: Tasks,
        max_waiting: int,
    ) -> None:
        self._analyst = analyst
        self._thumbnails = thumbnails
        self._uploads = uploads
        self._areas = areas
        self._tasks = background
        self._max_waiting = max_waiting
        background.add(self)

    def take(self, owner_id: str, upload: Upload) -> FieldTask:
        """Let one field wait to be read.

        Raises `ImageError` where it can be told without decoding, `OtherUploadError`,
        `QueueFullError`, `NoRoomError`.
        """
        if taken := _taken(owner_id, upload):
            return taken
        self._analyst.check(upload)
        self._check_room(owner_id)
        task = _task(owner_id, upload.batch_id, upload.file_name, upload.id)
        task.case_id, task.sha256 = upload.case_id, upload.sha256
        task.upload_name = name = keep_upload(self._uploads, upload.content)
        try:
            # The queues may still know the id of a field that was deleted.
            self._queue(task, again=upload.id is not None)
        except BaseException as error:
            self._uploads.delete(name)
            # Sent again before the first answer, it arrives twice at the same time.
            if isinstance(error, IntegrityError) and (taken := _taken(owner_id, upload)):
                return taken
            raise
        return task

    def refuse(self, owner_id: str, batch_id: str, file_name: str, error: str) -> None:
        """Note beside the other fields of a batch why one was not taken."""
        task = _task(owner_id, batch_id, file_name)
        task.state, task.error = tasks.TaskState.FAILED, error[: tasks.ERROR_LENGTH]
        field_tasks.add(task)

    def carry_over(self, owner_id: str, analysis: Analysis) -> FieldTask:
        """Let the image of an analysis wait to be read as a field; raises `QueueFullError`."""
        self._check_room(owner_id)
        task = _task(owner_id, analysis.batch_id, analysis.file_name)
        task.source_id, task.team_id = analysis.id, analysis.team_id
        # That case is not to be signed before.
        task.case_id = case_of_its_field(analysis)
        self._queue(task)
        return task

    def take_area(self, owner_id: str, area: SlideArea, slide: Slide, file_name: str) -> FieldTask:
        """Let an area of a slide wait to be read as a field; raises `QueueFullError`.

        It belongs to the slide's team and case, and all areas of a slide to one batch.
        """
        self._check_room(owner_id)
        task = _task(owner_id, slide.id, file_name)
        task.team_id, task.case_id, task.area = slide.team_id, slide.case_id, area
        self._queue(task)
        return task

    def wait(self, task_id: str, seconds: float) -> None:
        """Wait until a task is read, but not longer than so many seconds."""
        wait_for(FieldTask, task_id, seconds)

    def cancel(self, task: FieldTask) -> None:
        """Do not read a field; one that is read already stays."""
        name = task.upload_name
        # In one transaction: a row that still named its file would count as waiting for ever.
        if tasks.drop(FieldTask, task.id, upload_name=None) and name:
            self._uploads.delete(name)

    def retry(self, task: FieldTask) -> None:
        """Let a field wait again that failed, if there is still something to read."""
        self._tasks.retry(task)

    def run(self, task_id: str, progress: Progress) -> dict[str, Any]:
        """Read one field and keep the analysis, unless it is kept already (`Work`)."""
        task = field_tasks.get(task_id)
        analysis = analyses.find(task.owner_id, task_id) or self._read(task, progress)
        if analysis.case_id:
            # Else the first one to open the case waits for all its fields.
            self._thumbnails.prepare(analysis)
        made = {"analysis_id": task_id, "counts": counts_of(analysis)}
        self._delete_upload(task)
        return {**made, "upload_name": None}

    def discard(self, made: dict[str, Any]) -> None:
        """Remove the analysis of a field that was cancelled meanwhile (`Work`).

        One that is still wanted keeps it: another start of it finds the analysis that it needs.
        """
        if field_tasks.is_wanted(made["analysis_id"]):
            return
        self._analyst.delete(analyses.get(made["analysis_id"]))
        self._thumbnails.forget(made["analysis_id"])

    def _check_room(self, owner_id: str) -> None:
        if field_tasks.held_for(owner_id) >= self._max_waiting:
            raise QueueFullError(FULL.format(self._max_waiting))

    def _queue(self, task: FieldTask, *, again: bool = False) -> None:
        field_tasks.add(task)
        self._tasks.enqueue(task, again=again)

    def _read(self, task: FieldTask, progress: Progress) -> Analysis:
        try:
            if task.source_id:
                source = analyses.get(task.source_id)
                return self._analyst.detect_again(task.owner_id, source, task.id, progress)
            if task.area:
                rgb, file_format = self._areas.pixels(task.area, progress)
                return self._analyst.detect_area(task, rgb, file_format, progress)
            return self._analyst.detect(task.owner_id, self._upload(task), task.id, progress)
        except FileNotFoundError:
            raise TaskError(GONE) from None
        except SlideError as error:
            # The slide stays: another attempt may find the server less busy.
            raise TaskError(str(error)) from error
        except ImageError as error:
            # Trying again would end alike.
            self._forget(task)
            raise TaskError(str(error)) from error

    def _upload(self, task: FieldTask) -> Upload:
        if not task.upload_name:
            raise TaskError(GONE)
        content = self._uploads.read(task.upload_name)
        return Upload(task.file_name, content, task.batch_id, task.case_id, task.team_id)

    def _forget(self, task: FieldTask) -> None:
        name = task.upload_name
        # First, since a busy database has the field read again, which needs the file.
        field_tasks.forget_upload(task.id)
        if name:
            self._uploads.delete(name)

    def _delete_upload(self, task: FieldTask) -> None:
        if task.upload_name:
            self._uploads.delete(task.upload_name)


def _taken(owner_id: str, upload: Upload) -> FieldTask | None:
    """Find the task of an upload that comes once more; raises `OtherUploadError`."""
    if not upload.id:
        return None
    task, read = field_tasks.find_own(owner_id, upload.id), analyses.find(owner_id, upload.id)
    if read and not is_of(read, upload, AnalysisKind.DETECTION):
        raise OtherUploadError(OTHER_UPLOAD)
    if not read and task and (task.sha256, task.case_id) != (upload.sha256, upload.case_id):
        raise OtherUploadError(OTHER_UPLOAD)
    return task


def _task(owner_id: str, batch_id: str, file_name: str, task_id: str | None = None) -> FieldTask:
    # The id is needed before the row is kept.
    return FieldTask(
        id=task_id or new_id(),
        owner_id=owner_id,
        batch_id=batch_id,
        file_name=display_name(file_name),
    )
