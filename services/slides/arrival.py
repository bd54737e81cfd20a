"""Slides on their way: files of gigabytes arrive in parts, each written to the disk at once."""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path, PurePath
from threading import Lock
from typing import IO

from imaging.slides import archive
from imaging.slides.processes import SlideProcesses
from imaging.slides.signatures import EMPTY, NEEDED, refusal_of
from imaging.slides.slide import SlideError, SlideInfo
from records import transaction, utc_now
from records.accounts.accounts import Account
from records.audit.audit import Event
from records.slides import slides
from records.slides.slides import Slide
from records.storage.slide_store import SlideStore
from services.analyses.analysis import display_name
from services.analyses.field_queue import NO_ROOM, NoRoomError
from services.audit.audit import note
from services.cases.cases import check_takes
from services.language import gettext, lazy_gettext
from services.slides.about import about_slide

PART_BYTES = 8 * 1024 * 1024
"""The largest part of a slide that is sent at a time."""

RESERVE = 1024**3
"""Bytes that a slide must leave free on the disk: for images, backups and the database."""

MAX_ARRIVING = 3
"""Slides that one person may send at the same time."""

STALE = timedelta(hours=24)
"""Age at which an upload that has not ended is dropped."""

BLOCK = 1024 * 1024
LOCKS = 16

TOO_LARGE = lazy_gettext(
    "The slide has {:.0f} MB; at most {:.0f} MB are taken. Export it with stronger compression, or "
    "ask your system administrator to raise LEUKOSCOPE_MAX_SLIDE_MB."
)
TOO_MANY = lazy_gettext(
    "{} of your slides are still being uploaded. Wait for one of them, or cancel it."
)
TWICE = lazy_gettext("This slide is there already, as “{}”. Its cells would count twice.")
INCOMPLETE = lazy_gettext("The slide has not arrived completely. Upload it again.")
ARRIVED = lazy_gettext("This slide has arrived already. Reload the page.")

_SUFFIX = re.compile(r"\.[a-z0-9]{1,5}")


class PartError(Exception):
    """A part does not follow what has arrived; `received` bytes have."""

    def __init__(self, received: int) -> None:
        super().__init__(gettext("The upload was interrupted. It goes on where it stopped."))
        self.received = received


@dataclass(frozen=True)
class Announced:
    """A slide that a person is going to send; `case_id` names the case that it belongs to."""

    file_name: str
    bytes: int
    case_id: str | None = None


class Arrival:
    """Takes slides in parts, and opens those that have arrived."""

    def __init__(self, store: SlideStore, processes: SlideProcesses, max_bytes: int) -> None:
        self._store = store
        self._processes = processes
        self._max_bytes = max_bytes
        # Parts of one slide follow each other, whoever sends them twice.
        self._locks = [Lock() for _ in range(LOCKS)]

    def begin(self, owner: Account, announced: Announced) -> Slide:
        """Make room for a slide.

        Raises:
            CaseError: The case takes nothing.
            NoRoomError: The disk is too full.
            SlideError: It is empty or too large, or too many arrive already.
        """
        self._drop_stale()
        self._check(owner, announced)
        slide = Slide(
            owner_id=owner.id,
            team_id=owner.team_id,
            case_id=announced.case_id,
            file_name=display_name(announced.file_name),
            file_bytes=announced.bytes,
            folder_name=self._store.create(),
        )
        try:
            with transaction():
                slides.add(slide)
        except BaseException:
            self._store.delete(slide.folder_name)
            raise
        return slide

    def append(self, slide: Slide, at: int, content: IO[bytes]) -> int:
        """Write a part behind what has arrived, and give how much has arrived then.

        Args:
            slide: One that is on its way.
            at: Where the part belongs, in bytes from the beginning.
            content: What comes of it before an error stays written.

        Raises:
            PartError: Something else must come first.
            SlideError: The first part shows that it is no slide, which then is gone.
            NoRoomError: The disk is full.
        """
        with self._locks[hash(slide.id) % LOCKS]:
            path = self._arriving(slide)
            received = path.stat().st_size
            if at != received:
                raise PartError(received)
            self._write(path, content, slide.file_bytes - received)
            if at == 0:
                self._check_start(slide, path)
            return path.stat().st_size

    def finish(self, slide: Slide) -> Slide:
        """Open a slide that has arrived, and keep what it says of itself.

        Raises:
            SlideError: It is incomplete, damaged or no slide, or is there already; it is gone then.
            NoRoomError: There is no room to unpack it; it is gone then.
        """
        with self._locks[hash(slide.id) % LOCKS]:
            try:
                self._settle(slide)
            except (SlideError, NoRoomError):
                self.drop(slide)
                raise
        return slide

    def drop(self, slide: Slide) -> None:
        """Remove a slide that has not arrived, or that cannot be used."""
        self._processes.forget(self._store.folder(slide.folder_name))
        with transaction():
            slides.remove(slide)
        self._store.delete(slide.folder_name)

    def _check(self, owner: Account, announced: Announced) -> None:
        if announced.bytes <= 0:
            raise SlideError(EMPTY)
        if announced.bytes > self._max_bytes:
            raise SlideError(TOO_LARGE.format(announced.bytes / 2**20, self._max_bytes / 2**20))
        if announced.case_id:
            check_takes(owner.team_id, announced.case_id)
        if slides.arriving_of(owner.id) >= MAX_ARRIVING:
            raise SlideError(TOO_MANY.format(MAX_ARRIVING))
        self._check_room(announced.bytes)

    def _check_room(self, wanted: int) -> None:
        if self._store.free_bytes() < wanted + RESERVE:
            raise NoRoomError(NO_ROOM)

    def _arriving(self, slide: Slide) -> Path:
        path = self._store.arriving(slide.folder_name)
        if slide.info is not None or not path.is_file():
            raise SlideError(ARRIVED)
        return path

    def _write(self, path: Path, content: IO[bytes], most: int) -> None:
        """Append a part, but no more than was announced."""
        try:
            with path.open("ab") as file:
                while most > 0 and (block := content.read(min(BLOCK, most))):
                    file.write(block)
                    most -= len(block)
        except OSError as error:
            raise NoRoomError(NO_ROOM) from error

    def _check_start(self, slide: Slide, path: Path) -> None:
        with path.open("rb") as file:
            start = file.read(NEEDED)
        refusal = refusal_of(start, PurePath(slide.file_name).suffix)
        if refusal:
            self.drop(slide)
            raise SlideError(refusal)

    def _settle(self, slide: Slide) -> None:
        path = self._arriving(slide)
        if path.stat().st_size != slide.file_bytes:
            raise SlideError(INCOMPLETE)
        sha256 = _sha256_of(path)
        if same := slides.same_in_case(slide, sha256):
            raise SlideError(TWICE.format(same.file_name))
        self._unpack_or_rename(slide, path)
        info = self._info(slide)
        with transaction():
            slide.info, slide.sha256 = info.to_dict(), sha256
            details = {"sha256": sha256, "bytes": slide.file_bytes, "format": info.format}
            note(Event.SLIDE_UPLOAD, about_slide(slide), **details)

    def _unpack_or_rename(self, slide: Slide, path: Path) -> None:
        if not archive.is_archive(path):
            suffix = PurePath(slide.file_name).suffix.lower()
            path.rename(path.with_name(f"slide{suffix if _SUFFIX.fullmatch(suffix) else ''}"))
            return
        room = max(0, self._store.free_bytes() - RESERVE)
        if room < slide.file_bytes:
            raise NoRoomError(NO_ROOM)
        archive.unpack(path, path.with_name("files"), min(self._max_bytes, room))
        path.unlink()

    def _info(self, slide: Slide) -> SlideInfo:
        with self._processes.using(self._store.folder(slide.folder_name)) as process:
            # What opens may still be damaged where it is looked at first.
            process.tile(8, 0, 0)
            return process.info

    def _drop_stale(self) -> None:
        for slide in slides.arriving_since(utc_now() - STALE):
            # Another request may have dropped it.
            with suppress(FileNotFoundError):
                self.drop(slide)


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
