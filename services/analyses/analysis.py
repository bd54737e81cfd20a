"""An uploaded image to a kept analysis, and its removal."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from threading import BoundedSemaphore
from typing import Any

import numpy as np
from sqlalchemy.exc import IntegrityError

from core.geometry import Box
from imaging.images import ImageLimits, RgbImage, UploadedImage, check_image, encode_png, read_image
from models.findings import FieldFindings, Progress
from models.registry import Models
from records.analyses import analyses, field_tasks
from records.analyses.analyses import FILE_FORMAT_LENGTH, FILE_NAME_LENGTH, Analysis, AnalysisKind
from records.analyses.field_tasks import FieldTask
from records.storage.image_store import ImageStore, ImageType
from services.analyses import pictures
from services.analyses.field_reading import FieldReader, NetworksAlone
from services.analyses.findings import (
    blast_share,
    field_counts,
    field_state,
    most_suspicious_first,
)
from services.cases import cases
from services.language import lazy_gettext

GALLERY_CELLS = 240
"""White cells shown in the gallery of one field, the most suspicious ones."""

CUT_AT_ONCE = 2
"""Kept images decoded at the same time to cut cells from: a large field takes a gigabyte."""

LARGE_IMAGE = 20_000_000
"""Pixels above which a PNG is written fast rather than small."""

DESCRIBED = (
    "owner_id",
    "batch_id",
    "case_id",
    "file_name",
    "file_format",
    "file_bytes",
    "sha256",
    "width",
    "height",
    "notes",
)
"""The columns of an analysis that say whose file it is of and what that was like."""

Described = dict[str, Any]
"""Values of these columns."""

READING = "reading"
"""Key of a finding under which it is kept how the values of the file became pixels."""

KeptReading = dict[str, Any] | None
"""What `UploadedImage.reading_to_dict` makes; None in a finding of before."""

OTHER_UPLOAD = lazy_gettext(
    "Another image, or an image of another case, was sent under this key before. Reload the page "
    "and send the image again."
)

StoredImages = Iterator[tuple[str, bytes, ImageType]]
"""Column, content and type of each image, made one at a time: those of a huge field are huge."""


class OtherUploadError(Exception):
    """The id of an upload is that of another image; the text is a sentence for who sent it."""


@dataclass(frozen=True)
class Upload:
    """One file as a person sent it; `batch_id` joins those that were sent together.

    What is read of it is to belong to the case of `case_id`, if there is one, and to the team of
    `team_id`; without one, to the team in which its owner is when it is kept. With an `id`, that is
    the id of what is kept of it: sent again under the same one, it is kept once. Another image,
    case or kind of analysis under the same one is an `OtherUploadError`.
    """

    file_name: str
    content: bytes = field(repr=False)
    batch_id: str
    case_id: str | None = None
    team_id: str | None = None
    id: str | None = None

    @property
    def sha256(self) -> str:
        """The SHA-256 of the file, in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()


class Analyst:
    """Reads uploads with the two models and keeps what they say, or keeps nothing at all."""

    def __init__(
        self,
        models: Callable[[], Models],
        store: ImageStore,
        limits: ImageLimits,
        fields: FieldReader | None = None,
    ) -> None:
        """Set up; `models` loads the networks, `fields` reads those instead of them alone."""
        self._models = models
        self._fields = fields or NetworksAlone(models)
        self._store = store
        self._limits = limits
        self._cutting = BoundedSemaphore(CUT_AT_ONCE)

    def classify(self, owner_id: str, upload: Upload) -> Analysis:
        """Read one cell image and keep it with the answer.

        Raises `ImageError` if it is refused, `OtherUploadError`.
        """
        if kept := kept_before(owner_id, upload):
            return kept
        image = read_image(upload.content, self._limits, upload.file_name)
        described = _described(owner_id, upload, image)
        try:
            return self._classify(described, image.rgb, image.reading_to_dict())
        except IntegrityError:
            # Sent again before the first answer, it is read twice at the same time.
            if kept := kept_before(owner_id, upload):
                return kept
            raise

    def check(self, upload: Upload) -> None:
        """Raise `ImageError` where that can be told of a file without decoding it."""
        check_image(upload.content, self._limits, upload.file_name)

    def detect(
        self, owner_id: str, upload: Upload, analysis_id: str, progress: Progress | None = None
    ) -> Analysis:
        """Find the cells of one field and keep both; raises `ImageError` if refused."""
        image = read_image(upload.content, self._limits, upload.file_name)
        described = _described(owner_id, upload, image)
        return self._detect(
            {**described, "id": analysis_id}, image.rgb, image.reading_to_dict(), progress
        )

    def detect_area(
        self,
        task: FieldTask,
        rgb: RgbImage,
        file_format: str,
        progress: Progress | None = None,
    ) -> Analysis:
        """Find the cells of an area of a slide, and keep the area like a field.

        Args:
            task: The task, whose id the analysis gets.
            rgb: uint8 (h, w, 3) RGB, the pixels of the area.
            file_format: Of the slide.
            progress: As for `detect`.
        """
        described = {
            "id": task.id,
            "owner_id": task.owner_id,
            "team_id": task.team_id,
            "batch_id": task.batch_id,
            "case_id": task.case_id,
            "file_name": task.file_name,
            "file_format": file_format[:FILE_FORMAT_LENGTH],
            "file_bytes": rgb.nbytes,
            "sha256": hashlib.sha256(np.ascontiguousarray(rgb).data).hexdigest(),
            "width": rgb.shape[1],
            "height": rgb.shape[0],
            "notes": [],
        }
        return self._detect(described, rgb, None, progress)

    def override_quality_check(
        self, analysis: Analysis, analysis_id: str | None = None
    ) -> Analysis:
        """Read a cell image whose quality speaks against it, as a new analysis of this id, if any.

        Raises `FileNotFoundError` when the image is gone.
        """
        rgb, reading = self.pixels(analysis), analysis.finding.get(READING)
        own = {"id": analysis_id} if analysis_id else {}
        return self._classify({**_carried_over(analysis), **own}, rgb, reading, override=True)

    def detect_again(
        self,
        owner_id: str,
        analysis: Analysis,
        analysis_id: str,
        progress: Progress | None = None,
    ) -> Analysis:
        """Find the cells of an analysed image, as a further analysis, the owner's.

        One that was sent to be classified is read as any field, one that was found not readable
        despite its quality. Raises `FileNotFoundError` when the image is gone.
        """
        own = {"owner_id": owner_id, "id": analysis_id, "case_id": case_of_its_field(analysis)}
        described = {**_carried_over(analysis), **own}
        reading = analysis.finding.get(READING)
        override = analysis.kind == analyses.AnalysisKind.DETECTION
        return self._detect(described, self.pixels(analysis), reading, progress, override)

    def delete(self, analysis: Analysis) -> None:
        """Remove the images and the row; if an image cannot be removed, all stays to be retried.

        Raises `services.cases.cases.CaseError` if the analysis must be kept.
        """
        with cases.deleting(analysis):
            self._forget(analyses.remove(analysis))

    def image(self, name: str) -> bytes:
        """Return one kept image, encoded; raises `FileNotFoundError` when it is gone."""
        return self._store.read(name)

    def cut_cells(self, analysis: Analysis, boxes: Sequence[Box]) -> RgbImage:
        """Cut a sheet of cells (`pictures.cell_sheet`) from the kept image anew.

        Raises `FileNotFoundError` when the image is gone.
        """
        with self._cutting:
            return pictures.cell_sheet(self.pixels(analysis), boxes)

    def _classify(
        self, described: Described, rgb: RgbImage, reading: KeptReading, override: bool = False
    ) -> Analysis:
        found = self._models().classify(rgb, override)
        analysis = Analysis(
            **described,
            kind=analyses.AnalysisKind.CLASSIFICATION,
            result=found.label or analyses.NOT_USABLE,
            probability=found.probability,
            finding={**found.to_dict(), READING: reading},
            quality=found.quality and found.quality.to_dict(),
            model_version=found.model,
        )
        return self._keep(analysis, _copies(rgb))

    def _detect(
        self,
        described: Described,
        rgb: RgbImage,
        reading: KeptReading,
        progress: Progress | None,
        override: bool = False,
    ) -> Analysis:
        read = self._fields.read(rgb, progress, override)
        found = read.findings
        analysis = Analysis(
            **described,
            kind=analyses.AnalysisKind.DETECTION,
            result=field_state(blast_share(found), found.quality),
            probability=None,
            finding={**found.to_dict(), READING: reading},
            quality=found.quality and found.quality.to_dict(),
            counts=field_counts(found),
            model_version=found.model,
        )
        kept = self._keep(analysis, chain(_copies(rgb), _cells(rgb, found)))
        read.keep(kept.id)
        return kept

    def pixels(self, analysis: Analysis) -> RgbImage:
        """Read the kept image, uint8 RGB; raises `FileNotFoundError` when it is gone.

        It was within the limits when it came, and PNG may need more bytes.
        """
        content = self._store.read(analysis.image_name)
        return read_image(content, replace(self._limits, max_bytes=len(content))).rgb

    def _keep(self, analysis: Analysis, images: StoredImages) -> Analysis:
        names: list[str] = []
        try:
            for column, content, image_type in images:
                names.append(self._store.put(content, image_type))
                setattr(analysis, column, names[-1])
                # Else it would stay in memory while the next one is made.
                del content
            cases.settle(analysis)
            analyses.add(analysis)
        except BaseException:
            self._forget(names)
            raise
        return analysis

    def _forget(self, names: list[str] | tuple[str, ...]) -> None:
        for name in names:
            self._store.delete(name)


def display_name(file_name: str) -> str:
    """Make a file name fit to show: no folders, no invisible characters, not too long.

    The end is kept when it is shortened, because it tells files of a series apart.
    """
    last = file_name.replace("\\", "/").rsplit("/", 1)[-1]
    visible = "".join(
        character for character in last if unicodedata.category(character)[0] != "C"
    ).strip()
    if len(visible) > FILE_NAME_LENGTH:
        visible = visible[: FILE_NAME_LENGTH - 41] + "…" + visible[-40:]
    return visible or "unnamed"


def case_of_its_field(analysis: Analysis) -> str | None:
    """To which case an image belongs that is read as a field after another analysis of it."""
    # A cell that was read would count twice.
    return analysis.case_id if analysis.result in analyses.UNREAD else None


def _carried_over(analysis: Analysis) -> Described:
    """Describe the same file, of the same team, for another analysis."""
    return {column: getattr(analysis, column) for column in (*DESCRIBED, "team_id")}


def is_of(analysis: Analysis, upload: Upload, kind: AnalysisKind) -> bool:
    """Return whether an analysis is what an upload would become, where it stands now."""
    kept = analysis.kind, analysis.case_id, analysis.sha256
    return kept == (kind, upload.case_id, upload.sha256)


def kept_before(owner_id: str, upload: Upload) -> Analysis | None:
    """Find what is kept already of an upload that comes once more; raises `OtherUploadError`."""
    if not upload.id:
        return None
    kept = analyses.find(owner_id, upload.id)
    other_kind = kept is None and field_tasks.find_own(owner_id, upload.id)
    if other_kind or (kept and not is_of(kept, upload, AnalysisKind.CLASSIFICATION)):
        raise OtherUploadError(OTHER_UPLOAD)
    return kept


def _described(owner_id: str, upload: Upload, image: UploadedImage) -> Described:
    own = {"team_id": upload.team_id, "id": upload.id}
    return {
        **{column: value for column, value in own.items() if value},
        "owner_id": owner_id,
        "batch_id": upload.batch_id,
        "case_id": upload.case_id,
        "file_name": display_name(upload.file_name),
        "file_format": image.format,
        "file_bytes": len(upload.content),
        "sha256": image.sha256,
        "width": image.width,
        "height": image.height,
        "notes": list(image.notes),
    }


def _copies(rgb: RgbImage) -> StoredImages:
    """Make the image itself, without loss, and what the screen needs of it."""
    yield "image_name", _png(rgb), "png"
    shown = pictures.fit_for_display(rgb)
    yield "thumbnail_name", pictures.thumbnail(shown), "jpg"
    if shown is not rgb:
        yield "display_name", pictures.display_copy(shown), "jpg"


def _cells(rgb: RgbImage, found: FieldFindings) -> StoredImages:
    """Make the gallery's sheet of white cells, candidates too, if there are any."""
    shown = most_suspicious_first(found)[:GALLERY_CELLS]
    if shown:
        sheet = pictures.cell_sheet(rgb, [cell.found.box for cell in shown])
        yield "cells_name", _png(sheet), "png"


def _png(rgb: RgbImage) -> bytes:
    pixels = np.ascontiguousarray(rgb)
    return encode_png(pixels, compress_level=1 if pixels.size > 3 * LARGE_IMAGE else 3)
