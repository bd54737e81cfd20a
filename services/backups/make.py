"""Making a backup of an instance, complete and consistent, while its server runs."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from models.manifest import WeightsError, read_manifest, sha256_of
from models.versions import ACTIVE, active_folder
from records import db, opening, utc_now
from records.audit import audit as trail
from records.audit import external_log
from records.audit.audit import Event
from records.faults import Fault, fault_of
from records.storage import stored_files
from records.storage.image_store import StoreError
from records.storage.image_stores import kept_stores
from records.storage.slide_store import SlideStore
from records.storage.stored_files import SLIDES
from services.audit import audit
from services.audit.check import Verdict, verify
from services.backups import copying, manifest
from services.backups.copying import Source
from services.backups.manifest import SECRET_KEY, WEIGHTS, BackupError, Kept, Manifest
from settings import DATABASE, Settings

ROUNDS = 10
"""Times that the database is copied until every file that it names is there."""

GOING_SECONDS = 5.0
"""How long the row of a file that was just removed may go on naming it."""

MODELS = ("classifier", "detector")

NO_INSTANCE = "There is no database in {}: nothing to back up."
NOT_EMPTY = "{} is not empty. Name a folder that is new or empty."
INSIDE = "{} is inside of the instance. Name a folder outside, on another disk if possible."
FULL = "There is no room left in {}. What was copied there is removed again."
UNREACHABLE = "{} Nothing was kept; try again when it answers."
CANNOT = "{} cannot be written: {}. What was copied there is removed again."
SWITCHED = "Another version of the {} was activated meanwhile. Nothing was kept; try again."
TOO_BUSY = (
    "Files were deleted faster than they could be copied. Nothing was kept; try again when the "
    "server has less to do."
)
OF_POSTGRESQL = (
    "The database of this installation is on a PostgreSQL server, and this command copies SQLite "
    "alone. Nothing was kept. Use pg_dump, and copy {}, as docs/deploy.md says."
)
BROKEN = "The database is damaged ({}). Nothing was kept; restore an earlier backup."


@dataclass(frozen=True)
class Made:
    """A finished backup, and what `audit verify` says of the trail in it."""

    manifest: Manifest
    verdict: Verdict


def back_up(settings: Settings, target: Path) -> Made:
    """Copy all that an instance keeps into a folder, and read the copy again.

    Args:
        settings: those of the instance; an application context of its database is needed.
        target: a new or empty folder.

    Raises:
        BackupError: it cannot be made; nothing of it is left.
        SettingsError: the instance cannot be used.
    """
    _check(settings, target)
    with opening.usable(settings):
        opening.check_finished(settings)
        schema = opening.check_present(settings)
        # First, so that the copy says so as well.
        audit.keep(Event.BACKUP)
        # No transaction stays open meanwhile.
        db.session.remove()
    with _removed_on_failure(target):
        files, missing = _Copy(settings, target).all_files()
        copying.flush()
        made = _described(settings, target, schema, files, missing)
        manifest.write(target, made)
        copying.flush()
        return Made(made, check(target, made))


def check(folder: Path, made: Manifest) -> Verdict:
    """Read a whole backup again; return what is wrong with its audit trail.

    Raises `BackupError` where it is not what it was.
    """
    manifest.check_files(folder, made)
    with opening.read_only(folder):
        return verify(made.head)


class _Copy:
    """The files of an instance on their way into a backup."""

    def __init__(self, settings: Settings, target: Path) -> None:
        self._settings = settings
        self._target = target
        self._kept: dict[str, Kept] = {}
        # Encrypted images stay so: whoever has a backup does not have their key.
        self._stores = kept_stores(settings).by_folder()
        self._slides = SlideStore(settings.slides_dir)

    def all_files(self) -> tuple[dict[str, Kept], set[str]]:
        """Copy everything; the files by name, and those that rows name and nobody has.

        Files that rows name are written before these rows and removed before or with them. So what
        a copied database names is there, unless it was deleted since; then a newer copy of the
        database no longer names it.
        """
        self._add(SECRET_KEY, copying.on_disk(self._settings.instance_dir / SECRET_KEY))
        for path in _weights(self._settings):
            name = path.relative_to(self._settings.weights_dir).as_posix()
            self._add(f"{WEIGHTS}/{name}", copying.on_disk(path))
        self._add_named()
        for _ in range(ROUNDS):
            self._copy_records()
            with opening.read_only(self._target):
                named = self._add_named()
            missing = named - self._kept.keys()
            if missing == self._lost(missing):
                self._forget_others(named)
                return self._kept, missing
        raise BackupError(TOO_BUSY)

    def _lost(self, missing: set[str]) -> set[str]:
        """Return the missing files that rows still name after a second look."""
        end = time.monotonic() + GOING_SECONDS
        while missing:
            named = missing & self._named().keys()
            if named != missing or time.monotonic() > end:
                return named
            time.sleep(0.1)
        return set()

    def _copy_records(self) -> None:
        """Copy the external hash log, then the database, which has every row that the log names.

        The log gets its line after a row is committed. In the reverse order it would name rows that
        the copied database lacks, which is what a cut-off trail looks like.
        """
        for name in (DATABASE, external_log.FILE):
            (self._target / name).unlink(missing_ok=True)
            self._kept.pop(name, None)
        self._add(external_log.FILE, copying.on_disk(external_log.path()))
        _copy_database(self._target / DATABASE)
        self._kept[DATABASE] = Kept(
            sha256_of(self._target / DATABASE), (self._target / DATABASE).stat().st_size
        )

    def _add_named(self) -> set[str]:
        """Copy the files that rows of the present database name; all these names."""
        named = self._named()
        for name, source in named.items():
            if name not in self._kept:
                self._add(name, source)
        return set(named)

    def _named(self) -> dict[str, Source]:
        """Find the files that rows of the present database name, by their name here."""
        named: dict[str, Source] = {
            f"{folder}/{name[:2]}/{name}": partial(store.open, name)
            for folder, store in self._stores.items()
            for name in stored_files.named(folder)
        }
        for name in stored_files.named(SLIDES):
            folder = self._slides.folder(name)
            # A slide without files is one that is missing, and named as such.
            for path in self._slides.files_of(name) or [self._slides.arriving(name)]:
                key = f"{SLIDES}/{name[:2]}/{name}/{path.relative_to(folder).as_posix()}"
                named[key] = copying.on_disk(path)
        # Nobody needs to wait for this transaction.
        db.session.remove()
        return named

    def _add(self, name: str, source: Source) -> None:
        try:
            self._kept[name] = copying.copy(source, self._target / name)
        except FileNotFoundError:
            # Deleted since, or lost: the caller finds out which.
            return

    def _forget_others(self, named: set[str]) -> None:
        """Remove the images that were deleted meanwhile: nobody must find them in a backup."""
        for folder in (*self._stores, SLIDES):
            for name in [name for name in self._kept if name.startswith(f"{folder}/")]:
                if name not in named:
                    (self._target / name).unlink()
                    del self._kept[name]


def _copy_database(target: Path) -> None:
    """Copy one consistent state of the database while others go on writing."""
    target.touch(mode=0o600)
    with closing(sqlite3.connect(target)) as copy:
        live = db.engine.raw_connection()
        try:
            # All pages in one step: a single read transaction, which no writer waits for.
            source = live.driver_connection
            if not isinstance(source, sqlite3.Connection):
                raise TypeError("the database is not SQLite")
            source.backup(copy)
        finally:
            live.close()
        # A backup may lie where nothing can be written, which a write-ahead log needs.
        copy.execute("PRAGMA journal_mode = DELETE")


def _described(
    settings: Settings, target: Path, schema: str, files: dict[str, Kept], missing: set[str]
) -> Manifest:
    with opening.read_only(target):
        if problems := opening.damage():
            raise BackupError(BROKEN.format(problems[0]))
        head = trail.head(db.session())
    if head is None:
        raise BackupError(BROKEN.format("its audit trail is empty"))
    return Manifest(
        made_at=utc_now().isoformat(timespec="seconds"),
        schema=schema,
        head=head,
        models={model: _version(settings, model) for model in MODELS},
        missing=tuple(sorted(missing)),
        files=dict(sorted(files.items())),
    )


def _weights(settings: Settings) -> Iterator[Path]:
    """Give the files of the active versions, and the pointers to these."""
    for model in MODELS:
        active = _active(settings, model)
        yield from (path for path in active.rglob("*") if path.is_file())
        yield settings.weights_dir / model / ACTIVE
        if _active(settings, model) != active:
            raise BackupError(SWITCHED.format(model))


def _active(settings: Settings, model: str) -> Path:
    try:
        return active_folder(settings.weights_dir, model)
    except WeightsError as error:
        raise BackupError(str(error)) from error


def _version(settings: Settings, model: str) -> str:
    try:
        return read_manifest(_active(settings, model), model).version
    except WeightsError as error:
        raise BackupError(str(error)) from error


def _check(settings: Settings, target: Path) -> None:
    if settings.database != settings.sqlite:
        raise BackupError(OF_POSTGRESQL.format(settings.instance_dir))
    if not (settings.instance_dir / DATABASE).is_file():
        raise BackupError(NO_INSTANCE.format(settings.instance_dir))
    if target.resolve().is_relative_to(settings.instance_dir.resolve()):
        raise BackupError(INSIDE.format(target))
    try:
        occupied = target.exists() and (not target.is_dir() or any(target.iterdir()))
    except OSError as error:
        raise BackupError(CANNOT.format(target, error.strerror)) from error
    if occupied:
        raise BackupError(NOT_EMPTY.format(target))


@contextmanager
def _removed_on_failure(target: Path) -> Generator[None]:
    """Leave nothing of a backup that is not finished, and say in a sentence why it is not."""
    try:
        target.mkdir(parents=True, exist_ok=True, mode=0o700)
        target.chmod(0o700)
        yield
    except BaseException as error:
        for path in target.iterdir() if target.is_dir() else ():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        if isinstance(error, OSError | sqlite3.Error | DBAPIError):
            raise BackupError(_why(target, error)) from error
        raise


def _why(target: Path, error: OSError | sqlite3.Error | DBAPIError) -> str:
    if isinstance(error, StoreError):
        return UNREACHABLE.format(error)
    fault = fault_of(error, target)
    if fault is Fault.FULL:
        return FULL.format(target)
    if fault is Fault.UNREADABLE:
        return BROKEN.format(error)
    return CANNOT.format(target, getattr(error, "strerror", None) or error)
