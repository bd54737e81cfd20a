"""Files that a killed server left and no row names: patients' images that nobody could delete."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from records.analyses import analyses
from records.audit.audit import Event
from records.opening import RESTORE_DRAFT
from records.storage import stored_files
from records.storage.image_store import ImageStore
from records.storage.slide_store import SlideStore
from records.storage.stored_files import IMAGES, SLIDES, UPLOADS
from services.audit import audit, check
from settings import Settings

log = logging.getLogger(__name__)

MOST_OF_A_CRASH = 200
"""More files than a killed server leaves: a few for each of its threads."""

_DRAFT = re.compile(r"secret_key\.[0-9a-f]{16}|server\.\d+")
_ANALYSIS = re.compile(r"[0-9a-f]{32}")

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
class Leftovers:
    """Files that no row names; `derived` ones can be made again."""

    images: tuple[Path, ...] = ()
    uploads: tuple[Path, ...] = ()
    slides: tuple[Path, ...] = ()
    derived: tuple[Path, ...] = ()

    def __len__(self) -> int:
        return self.irreplaceable + len(self.derived)

    @property
    def irreplaceable(self) -> int:
        """How many of them cannot be made again."""
        return len(self.images) + len(self.uploads) + len(self.slides)

    def removed(self) -> Leftovers:
        """Remove them; those that are gone."""
        kinds = (self.images, self.uploads, self.slides, self.derived)
        return Leftovers(*(_remove(paths) for paths in kinds))

    def counts(self) -> dict[str, int]:
        """Count the files, by kind."""
        numbers = {name: len(paths) for name, paths in vars(self).items()}
        return {name: number for name, number in numbers.items() if number}

    def __str__(self) -> str:
        return ", ".join(f"{name} {number}" for name, number in self.counts().items())


def find(settings: Settings, before: float) -> Leftovers:
    """Look for files that no row names and that were last written before this time.

    Args:
        settings: those of the instance; an application context of its database is needed.
        before: seconds since the epoch; what a running server has just written has no row yet.
    """
    return Leftovers(
        images=_old(_unnamed(settings.images_dir, IMAGES), before),
        uploads=_old(_unnamed(settings.uploads_dir, UPLOADS), before),
        slides=_old(_of_no_slide(settings.slides_dir), before),
        derived=_old([*_thumbnails(settings.thumbnails_dir), *_drafts(settings)], before),
    )


def sweep(settings: Settings, started: float) -> Leftovers:
    """Remove what a killed server left, before requests are taken; what was removed.

    Images and uploads stay, and the log says so, where the database may be another one than theirs.
    """
    leftovers = find(settings, started)
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


def _unnamed(root: Path, folder: str) -> Iterator[Path]:
    # The files first: a row may come to name one that is already there, and not the reverse.
    files = list(ImageStore(root).files())
    named = stored_files.named(folder) if files else set()
    return (path for path in files if path.name not in named)


def _of_no_slide(root: Path) -> Iterator[Path]:
    files = list(SlideStore(root).files())
    named = stored_files.named(SLIDES) if files else set()
    return (path for name, path in files if name not in named)


def _thumbnails(root: Path) -> Iterator[Path]:
    files = [path for path in root.glob("*/*") if _ANALYSIS.fullmatch(path.parent.name)]
    kept = analyses.all_ids() if files else set()
    return (path for path in files if path.parent.name not in kept or path.suffix != ".jpg")


def _drafts(settings: Settings) -> Iterator[Path]:
    yield from (settings.instance_dir / RESTORE_DRAFT).rglob("*")
    yield from (path for path in settings.instance_dir.glob("*") if _DRAFT.fullmatch(path.name))


def _old(paths: Iterable[Path], before: float) -> tuple[Path, ...]:
    return tuple(path for path in paths if path.is_file() and path.stat().st_mtime < before)


def _remove(paths: Iterable[Path]) -> tuple[Path, ...]:
    return tuple(path for path in paths if _gone(path))


def _gone(path: Path) -> bool:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("%s is named by no row and cannot be removed: %s", path, error.strerror)
        return False
    return True
