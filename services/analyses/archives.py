"""ZIPs of images: kept as they came, and read entry by entry as each image's turn comes."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from typing import IO

from sqlalchemy.exc import IntegrityError

from imaging import archive as zips
from imaging.archive import Archive, Entry, Listing
from records import utc_now
from records.analyses import archives
from records.analyses.archives import UploadedArchive
from records.storage.image_store import ImageStore
from services.analyses.field_queue import NoRoomError

log = logging.getLogger(__name__)

MOST_KEPT = 5
"""ZIPs of one person; whoever sends one more loses the first."""

STALE = timedelta(hours=24)
"""Age at which a ZIP is removed whose images nobody asked for any more."""


class Archives:
    """Keeps ZIPs in the store of uploads; of each, one entry at a time is in memory."""

    def __init__(self, store: ImageStore, max_bytes: int) -> None:
        self._store = store
        self._max_bytes = max_bytes

    def take(self, owner_id: str, archive_id: str, content: IO[bytes]) -> Listing:
        """Keep a ZIP and list it; once more under the same id, it is only listed.

        Raises:
            ArchiveError: It is damaged, empty or beyond the bounds; nothing is kept.
            NoRoomError: It cannot be kept.
        """
        listing = self.look(content)
        if archives.find(owner_id, archive_id) is None:
            self._drop_superfluous(owner_id)
            self._keep(owner_id, archive_id, content)
        return listing

    def look(self, content: IO[bytes]) -> Listing:
        """List a ZIP that is not kept; raises `ArchiveError`."""
        with self.opened(content) as opened:
            return opened.list()

    @contextmanager
    def opened(self, content: IO[bytes]) -> Generator[Archive]:
        """Open a ZIP that is not kept; raises `ArchiveError`."""
        with zips.opened(content, self._max_bytes) as opened:
            yield opened

    def read(self, owner_id: str, archive_id: str, place: int) -> tuple[Entry, bytes]:
        """Unpack one entry of a kept ZIP.

        Raises:
            ArchiveError: The entry is refused.
            LookupError: The ZIP, or such an entry, is not there.
        """
        kept = archives.find(owner_id, archive_id)
        if kept is None:
            raise LookupError(archive_id)
        try:
            with self._store.open(kept.upload_name) as file, self.opened(file) as opened:
                entry = opened.entry(place)
                return entry, opened.read(entry)
        except FileNotFoundError as error:
            raise LookupError(archive_id) from error

    def drop(self, owner_id: str, archive_id: str) -> None:
        """Remove a ZIP of which nothing more is wanted; one that is gone is no error."""
        if kept := archives.find(owner_id, archive_id):
            self._remove(kept)

    def _keep(self, owner_id: str, archive_id: str, content: IO[bytes]) -> None:
        content.seek(0)
        try:
            name = self._store.put_stream(content, "upload")
        except OSError as error:
            log.exception("A ZIP could not be kept")
            raise NoRoomError.after(error) from error
        kept = UploadedArchive(id=archive_id, owner_id=owner_id, upload_name=name)
        try:
            archives.add(kept)
        except IntegrityError:
            # Sent again before the first answer, it arrives twice at the same time.
            self._store.delete(name)
        except BaseException:
            self._store.delete(name)
            raise

    def _drop_superfluous(self, owner_id: str) -> None:
        for kept in archives.of_owner(owner_id)[MOST_KEPT - 1 :]:
            self._remove(kept)
        for kept in archives.older_than(utc_now() - STALE):
            self._remove(kept)

    def _remove(self, kept: UploadedArchive) -> None:
        name = kept.upload_name
        archives.remove(kept)
        self._store.delete(name)
