"""Files that a killed server left and no row names: patients' images that nobody could delete."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from core.ids import is_id
from records.analyses import analyses
from records.audit.audit import Event
from records.opening import RESTORE_DRAFT
from records.storage import stored_files
from records.storage.image_store import ImageStore
from records.storage.image_stores import image_stores
from records.storage.slide_store import SlideStore
from records.storage.stored_files import IMAGES, SLIDES, UPLOADS
from services.audit import audit, check
from settings import Settings

log = logging.getLogger(__name__)

MOST_OF_A_CRASH = 200
"""More files than a killed server leaves: a few for each of its threads."""

_DRAFT = re.compile(r"secret_key\.[0-9a-f]{16}|server\.\d+")

REMOVED = "Removed %d files that no row names, left by a server that was killed: %s"
FOREIGN = (
    "%d files are named by no row and were left where they are: the audit trail of this database "
    "does not fit its hash log, so it may not be the database that these images belong to. If it "
    "is, remove them with: flask --app app leftovers --delete"
)
TOO_MANY = (
    "%d files are named by no row and were left where they are: they are more than a killed server "
    "leaves, so this may not be the database that these images belong to. If it is, remove them "
    "with: flask --app app leftovers --delete"
)


@dataclass(frozen=True)
class Leftover:
    """One of these files: where it is, for people, and what removes it."""

    place: str
    remove: Callable[[], None]


@dataclass(frozen=True)
class Leftovers:
    """Files that no row names; `derived` ones can be made again."""

    images: tuple[Leftover, ...] = ()
    uploads: tuple[Leftover, ...] = ()
    slides: tuple[Leftover, ...] = ()
    derived: tuple[Leftover, ...] = ()

    def __len__(self) -> int:
        return self.irreplaceable + len(self.derived)

    @property
    def irreplaceable(self) -> int:
        """How many of them cannot be made again."""
        return len(self.images) + len(self.uploads) + len(self.slides)

    def removed(self) -> Leftovers:
        """Remove them; those that are gone."""
        kinds = (self.images, self.uploads, self.slides, self.derived)
        return Leftovers(*(tuple(filter(_gone, kind)) for kind in kinds))

    def counts(self) -> dict[str, int]:
        """Count the files, by kind."""
        numbers = {name: len(kind) for name, kind in vars(self).items()}
        return {name: number for name, number in numbers.items() if number}

    def __str__(self) -> str:
        return ", ".join(f"{name} {number}" for name, number in self.counts().items())


def find(settings: Settings, before: float) -> Leftovers:
    """Look for files that no row names and that were last written before this time.

    Args:
        settings: those of the instance; an application context of its database is needed.
        before: seconds since the epoch; what a running server has just written has no row yet.

    Raises `records.storage.image_store.StoreError` where a bucket has the images and cannot be
    reached.
    """
    stores = image_stores(settings)
    return replace(
        _of_instance(settings, before),
        images=_unnamed(stores.images, IMAGES, before),
        uploads=_unnamed(stores.uploads, UPLOADS, before),
    )


def _of_instance(settings: Settings, before: float) -> Leftovers:
    return Leftovers(
        slides=_old(_of_no_slide(settings.slides_dir), before),
        derived=_old([*_thumbnails(settings.thumbnails_dir), *_drafts(settings)], before),
    )


def sweep(settings: Settings, started: float) -> Leftovers:
    """Remove what a killed server left, before requests are taken; what was removed.

    Images and uploads stay, and the log says so, where the database may be another one than theirs.
    In a bucket nothing is looked for: no lock of the instance says that nobody else keeps files
    there, and the list of a large one would hold the start up.
    """
    look = _of_instance if settings.images_bucket else find
    leftovers = look(settings, started)
    if leftovers.irreplaceable and (doubt := _doubt(leftovers)):
        log.warning(doubt, leftovers.irreplaceable)
        leftovers = Leftovers(derived=leftovers.derived)
    return remove(leftovers)


def remove(leftovers: Leftovers) -> Leftovers:
    """Remove files, and note it in the log and the audit trail; what was removed."""
    removed = leftovers.removed()
    if len(removed):
        log.warning(REMOVED, len(removed), removed)
        audit.keep(Event.SWEEP, **removed.counts())
    return removed


def _doubt(leftovers: Leftovers) -> str | None:
    if leftovers.irreplaceable > MOST_OF_A_CRASH:
        return TOO_MANY
    return None if check.fits_external_log() else FOREIGN


def _unnamed(store: ImageStore, folder: str, before: float) -> tuple[Leftover, ...]:
    # The files first: a row may come to name one that is already there, and not the reverse.
    files = list(store.files())
    named = stored_files.named(folder) if files else set()
    return tuple(
        Leftover(store.place(file.name), partial(store.delete, file.name))
        for file in files
        if file.name not in named and file.modified < before
    )


def _of_no_slide(root: Path) -> Iterator[Path]:
    files = list(SlideStore(root).files())
    named = stored_files.named(SLIDES) if files else set()
    return (path for name, path in files if name not in named)


def _thumbnails(root: Path) -> Iterator[Path]:
    files = [path for path in root.glob("*/*") if is_id(path.parent.name)]
    kept = analyses.all_ids() if files else set()
    return (path for path in files if path.parent.name not in kept or path.suffix != ".jpg")


def _drafts(settings: Settings) -> Iterator[Path]:
    yield from (settings.instance_dir / RESTORE_DRAFT).rglob("*")
    yield from (path for path in settings.instance_dir.glob("*") if _DRAFT.fullmatch(path.name))


def _old(paths: Iterable[Path], before: float) -> tuple[Leftover, ...]:
    return tuple(
        Leftover(str(path), partial(path.unlink, missing_ok=True))
        for path in paths
        if path.is_file() and path.stat().st_mtime < before
    )


def _gone(leftover: Leftover) -> bool:
    try:
        leftover.remove()
    except OSError as error:
        place, why = leftover.place, error.strerror
        log.warning("%s is named by no row and cannot be removed: %s", place, why)
        return False
    return True
