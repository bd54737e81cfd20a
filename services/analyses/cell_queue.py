"""Cell images and activation maps that a web server has workers read: it has no networks."""

from __future__ import annotations

from typing import Any

import numpy as np
from sqlalchemy.exc import IntegrityError

from core.ids import derived_id, new_id
from core.translatable import translatable
from imaging.decoding.errors import ImageError
from jobs.engine import Tasks
from jobs.waiting import wait_for
from jobs.work import Progress, QueueFullError, TaskError
from records.analyses import analyses, cell_tasks
from records.analyses.analyses import Analysis
from records.analyses.cell_tasks import CellTask, CellWork
from records.faults import GoneError
from records.storage.image_store import ImageStore
from records.tasks import TaskState
from services.analyses.analysis import (
    OTHER_UPLOAD,
    Analyst,
    OtherUploadError,
    Upload,
    display_name,
    kept_before,
)
from services.analyses.cell_reading import PATIENCE, ActivationMap
from services.analyses.explanations import Explainer
from services.analyses.field_queue import keep_upload
from services.language import lazy_gettext
from services.turns import BusyError

FULL = lazy_gettext(
    "{} of your images are already waiting, the most that one person may have. Send this one when "
    "some of them are done."
)
GONE = translatable("The image is no longer there.")


class CellQueue:
    """Has workers read cells, as a `CellReader`, and reads them as `Work` of a worker.

    A task and the analysis that comes of it have one id: begun twice, it ends in one analysis.

    Args:
        analyst: Reads images, on a worker.
        explainer: Computes activation maps, likewise.
        uploads: Keeps files until they are read.
        background: Does the work.
        max_waiting: Images of one person that may wait.
        poll_seconds: How often a process looks for the next one.
    """

    table = CellTask
    at_once = 2

    def __init__(
        self,
        analyst: Analyst,
        explainer: Explainer,
        uploads: ImageStore,
        background: Tasks,
        max_waiting: int,
        poll_seconds: float,
    ) -> None:
        self._analyst = analyst
        self._explainer = explainer
        self._uploads = uploads
        self._tasks = background
        self._max_waiting = max_waiting
        self.poll_seconds = poll_seconds
        background.add(self)

    def classify(self, owner_id: str, upload: Upload) -> Analysis | CellTask:
        """Let one cell image wait to be read (`CellReader`)."""
        if taken := self._taken(owner_id, upload):
            return taken
        self._analyst.check(upload)
        if cell_tasks.held_for(owner_id) >= self._max_waiting:
            raise QueueFullError(FULL.format(self._max_waiting))
        task = CellTask(
            id=upload.id or new_id(),
            work=CellWork.CLASSIFY,
            owner_id=owner_id,
            batch_id=upload.batch_id,
            case_id=upload.case_id,
            file_name=display_name(upload.file_name),
            sha256=upload.sha256,
            upload_name=keep_upload(self._uploads, upload.content),
        )
        name = task.upload_name
        try:
            cell_tasks.add(task)
        except BaseException as error:
            self._forget_file(name)
            # Sent again before the first answer, it arrives twice at the same time.
            if isinstance(error, IntegrityError) and (taken := self._taken(owner_id, upload)):
                return taken
            raise
        # The queues may still know the id of an image that was refused or deleted.
        self._tasks.enqueue(task, again=upload.id is not None)
        return task

    def override_quality_check(self, analysis: Analysis) -> CellTask:
        """Let an image wait to be read despite its quality (`CellReader`)."""
        task = _about(analysis, CellWork.OVERRIDE, new_id())
        cell_tasks.add(task)
        self._tasks.enqueue(task)
        return task

    def wait(self, asked: Analysis | CellTask, seconds: float) -> Analysis | CellTask:
        """Wait for an image to be read (`CellReader`)."""
        if isinstance(asked, Analysis):
            return asked
        task_id, owner_id = asked.id, asked.owner_id
        wait_for(CellTask, task_id, seconds)
        if kept := analyses.find(owner_id, task_id):
            return kept
        task = cell_tasks.find(task_id)
        if task is None:
            raise GoneError(CellTask.__name__)
        if task.state == TaskState.FAILED and not task.can_retry:
            error = task.error or GONE
            cell_tasks.remove(task_id)
            raise ImageError(error)
        return task

    def activation_map(self, analysis: Analysis) -> ActivationMap:
        """Have an activation map computed, once (`CellReader`)."""
        task_id = derived_id("activation map", analysis.id)
        if cell_tasks.find(task_id) is None:
            self._ask_for_map(analysis, task_id)
        wait_for(CellTask, task_id, PATIENCE)
        task = cell_tasks.find(task_id)
        if task is None or task.under_way:
            raise BusyError
        if task.activation_map is None:
            # The next request has it computed again.
            cell_tasks.remove(task_id)
            raise FileNotFoundError(task.error)
        return np.array(task.activation_map, np.float32)

    def run(self, task_id: str, progress: Progress) -> dict[str, Any]:
        """Read one image, or compute one map, and keep it (`Work`)."""
        task = cell_tasks.get(task_id)
        progress(0, 1)
        try:
            if task.work == CellWork.MAP:
                values = self._explainer.activation_map(_source(task))
                return {"activation_map": values.tolist()}
            if analyses.find(task.owner_id, task_id) is None:
                self._read(task)
        except FileNotFoundError:
            raise TaskError(GONE) from None
        except ImageError as error:
            # Trying again would end alike.
            self._forget(task)
            raise TaskError(str(error)) from error
        self._forget_file(task.upload_name)
        return {"analysis_id": task_id, "upload_name": None}

    def discard(self, made: dict[str, Any]) -> None:
        """Do nothing: no task is dropped, and another start of it finds the analysis (`Work`)."""

    def _taken(self, owner_id: str, upload: Upload) -> Analysis | CellTask | None:
        """Find what became of an upload that comes once more; a failed one is tried again."""
        if not upload.id:
            return None
        if read := kept_before(owner_id, upload):
            return read
        task = cell_tasks.find_own(owner_id, upload.id)
        if task is None:
            return None
        if (task.sha256, task.case_id) != (upload.sha256, upload.case_id):
            raise OtherUploadError(OTHER_UPLOAD)
        if task.state == TaskState.FAILED and not self._tasks.retry(task):
            # Nothing is left of it to be read.
            cell_tasks.remove(task.id)
            return None
        return task

    def _ask_for_map(self, analysis: Analysis, task_id: str) -> None:
        task = _about(analysis, CellWork.MAP, task_id)
        try:
            cell_tasks.add(task)
        except IntegrityError:
            # Another request asked first.
            return
        self._tasks.enqueue(task, again=True)

    def _read(self, task: CellTask) -> None:
        if task.work == CellWork.OVERRIDE:
            self._analyst.override_quality_check(_source(task), task.id)
            return
        if not task.upload_name:
            raise TaskError(GONE)
        content = self._uploads.read(task.upload_name)
        upload = Upload(task.file_name, content, task.batch_id, task.case_id, task.team_id, task.id)
        self._analyst.classify(task.owner_id, upload)

    def _forget(self, task: CellTask) -> None:
        name = task.upload_name
        # First, since a busy database has the image read again, which needs the file.
        cell_tasks.forget_upload(task.id)
        self._forget_file(name)

    def _forget_file(self, name: str | None) -> None:
        if name:
            self._uploads.delete(name)


def _source(task: CellTask) -> Analysis:
    if task.source_id is None:
        raise TaskError(GONE)
    return analyses.get(task.source_id)


def _about(analysis: Analysis, work: CellWork, task_id: str) -> CellTask:
    return CellTask(
        id=task_id,
        work=work,
        owner_id=analysis.owner_id,
        team_id=analysis.team_id,
        batch_id=analysis.batch_id,
        case_id=analysis.case_id,
        file_name=analysis.file_name,
        source_id=analysis.id,
    )
