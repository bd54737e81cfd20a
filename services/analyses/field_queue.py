"""Fields sent to Detect: taken at once, read in the background, one of each person at a time."""

from __future__ import annotations

import logging
import time
from typing import Any, Protocol

from imaging.decoding.errors import ImageError
from imaging.images import RgbImage
from imaging.slides.slide import SlideError
from jobs.engine import Progress, QueueFullError, TaskError, Tasks
from records import tasks
from records.accounts.accounts import new_id
from records.analyses import analyses, field_tasks
from records.analyses.analyses import Analysis
from records.analyses.field_tasks import FieldTask
from records.analyses.slide_areas import SlideArea
from records.slides.slides import Slide
from records.storage.image_store import ImageStore
from services.analyses.analysis import Analyst, Upload, case_of_its_field, display_name
from services.analyses.batches import counts_of
from services.analyses.thumbnails import Thumbnails

log = logging.getLogger(__name__)

FULL = (
    "{} of your fields are already waiting, the most that one person may have. Send this one when "
    "some of them are done."
)
NO_ROOM = "The server’s disk is full. Tell your system administrator, and try again later."
GONE = "The image is no longer there. Send it again."

LOOK_EVERY = 0.05
"""Seconds between two looks at a task that somebody waits for."""


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
    """The disk takes no further file; the text is a sentence for the person who sent it."""


class FieldQueue:
    """Takes fields and, as `Work`, reads them; each becomes an analysis of the same id.

    That id is what makes a task that was begun twice end in one analysis.
    """

    table = FieldTask
    at_once = 2

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

        Raises `ImageError` where it can be told without decoding, `QueueFullError`, `NoRoomError`.
        """
        self._analyst.check(upload)
        self._check_room(owner_id)
        task = _task(owner_id, upload.batch_id, upload.file_name)
        task.case_id = upload.case_id
        task.upload_name = name = self._keep(upload.content)
        try:
            self._queue(task)
        except BaseException:
            self._uploads.delete(name)
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
        end = time.monotonic() + seconds
        while field_tasks.under_way(task_id) and time.monotonic() < end:
            time.sleep(LOOK_EVERY)

    def cancel(self, task: FieldTask) -> None:
        """Do not read a field; one that is read already stays."""
        name = task.upload_name
        # In one transaction: a row that still named its file would count as waiting for ever.
        if tasks.drop(FieldTask, task.id, upload_name=None) and name:
            self._uploads.delete(name)

    def retry(self, task: FieldTask) -> None:
        """Let a field wait again that failed, if there is still something to read."""
        if task.readable and tasks.retry(FieldTask, task.id):
            self._tasks.wake()

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
        """Remove the analysis of a field that was cancelled meanwhile (`Work`)."""
        self._analyst.delete(analyses.get(made["analysis_id"]))
        self._thumbnails.forget(made["analysis_id"])

    def _check_room(self, owner_id: str) -> None:
        if field_tasks.held_for(owner_id) >= self._max_waiting:
            raise QueueFullError(FULL.format(self._max_waiting))

    def _keep(self, content: bytes) -> str:
        try:
            return self._uploads.put(content, "upload")
        except OSError as error:
            log.exception("An upload could not be kept")
            raise NoRoomError(NO_ROOM) from error

    def _queue(self, task: FieldTask) -> None:
        field_tasks.add(task)
        self._tasks.wake()

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


def _task(owner_id: str, batch_id: str, file_name: str) -> FieldTask:
    # The id is needed before the row is kept.
    return FieldTask(
        id=new_id(), owner_id=owner_id, batch_id=batch_id, file_name=display_name(file_name)
    )
