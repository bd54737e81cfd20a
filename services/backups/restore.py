"""Restoring a backup into an instance whose server is stopped."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from records import db, opening, utc_now
from records.audit import external_log
from records.audit.audit import Event
from records.faults import Fault, fault_of
from records.storage.image_stores import image_stores
from records.storage.instance_lock import held
from records.storage.stored_files import IMAGES, SLIDES, UPLOADS
from services.accounts.accounts import Accounts
from services.audit import audit
from services.audit.check import Verdict, verify
from services.backups import copying, manifest
from services.backups.manifest import SECRET_KEY, WEIGHTS, BackupError, Kept, Manifest
from services.instance.newest_image import NewestImage
from settings import DATABASE, QUEUES, Settings

_OWN = (
    *(f"{DATABASE}{suffix}" for suffix in ("", "-wal", "-shm", "-journal")),
    *(QUEUES, external_log.FILE, IMAGES, UPLOADS, SLIDES, "thumbnails"),
)
"""What makes an instance more than empty. The key does not: this command makes it."""

OCCUPIED = (
    "{} is not empty: it has {}. Restore into an empty instance (LEUKOSCOPE_INSTANCE), or with "
    "--replace, which keeps what is there in a folder beside it."
)
NEWER = "The backup {} has the schema {} of a newer version. Restore it with that version."
OF_POSTGRESQL = (
    "A backup is restored into SQLite, and LEUKOSCOPE_DATABASE_URL names a PostgreSQL database. "
    "Unset it, restore, and then use: flask --app app move-to URL. Nothing was changed."
)
OF_BUCKET = (
    "A backup is restored into the instance folder, and LEUKOSCOPE_IMAGES_URL names {}. Unset it, "
    "restore, and then use: flask --app app move-images URL. Nothing was changed."
)
MOUNTED = "{} is a disk of its own, which cannot be moved aside. Unmount it first."
FULL = "There is no room left in {}. Nothing of the instance was changed."
CANNOT = "{} cannot be restored: {}. Nothing of the instance was changed."
MIDWAY = (
    "The restore stopped midway: {}. The server does not start until this command, with --replace, "
    "has come to its end. What was there before is in {}."
)


@dataclass(frozen=True)
class Restored:
    """What was restored.

    `weights` is where the models of the backup are now, if they are not those that are installed;
    `replaced` where the previous instance is kept, if there was one; `unreadable` why its images
    cannot be read, empty if they can be.
    """

    manifest: Manifest
    verdict: Verdict
    weights: Path | None
    replaced: Path | None
    unreadable: str = ""


def restore(settings: Settings, accounts: Accounts, source: Path, replace: bool) -> Restored:
    """Put a backup in the place of an instance and bring its database up to date.

    Args:
        settings: those of the instance; an application context of its database is needed.
        accounts: those of the instance.
        source: the backup.
        replace: move aside what the instance has already.

    Raises:
        BackupError: it cannot be restored.
        SettingsError: a server runs on the instance, or the instance cannot be used.
    """
    if settings.database != settings.sqlite:
        raise BackupError(OF_POSTGRESQL)
    if settings.images_bucket:
        raise BackupError(OF_BUCKET.format(settings.images_bucket))
    with held(settings.instance_dir):
        kept = _checked(source)
        wanted = _wanted(settings, source, kept)
        parts = {name.split("/")[0] for name in wanted}
        occupied = [name for name in _OWN if _any(settings.instance_dir / name)]
        if WEIGHTS in parts and _any(settings.instance_dir / WEIGHTS):
            occupied.append(WEIGHTS)
        if occupied and not replace:
            raise BackupError(OCCUPIED.format(settings.instance_dir, ", ".join(occupied)))
        _copy(settings, source, kept, wanted)
        replaced = _move(settings, occupied)
        with opening.usable(settings):
            opening.bring_up_to_date(settings)
            # Who signed out since the backup would be signed in again.
            accounts.end_all_sessions()
            audit.keep(Event.RESTORE, made_at=kept.made_at, head=kept.head.number)
            verdict = verify(kept.head)
            unreadable = _unreadable(settings)
    weights = settings.instance_dir / WEIGHTS if WEIGHTS in parts else None
    return Restored(kept, verdict, weights, replaced, unreadable)


def _unreadable(settings: Settings) -> str:
    """Say why the images cannot be read; empty if they can be."""
    try:
        NewestImage(image_stores(settings).images).check()
    except OSError as error:
        return str(error)
    return ""


def _checked(source: Path) -> Manifest:
    """Read what a backup says of itself and check all of it; raises `BackupError`."""
    kept = manifest.read(source)
    if opening.unknown_revision(kept.schema):
        raise BackupError(NEWER.format(source, kept.schema))
    try:
        manifest.check_files(source, kept)
    except OSError as error:
        raise BackupError(CANNOT.format(source, error.strerror)) from error
    return kept


def _copy(settings: Settings, source: Path, kept: Manifest, wanted: list[str]) -> None:
    """Copy a backup beside the instance that it will be; raises `BackupError`."""
    draft = settings.instance_dir / opening.RESTORE_DRAFT
    try:
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        for name in wanted:
            if copying.copy(copying.on_disk(source / name), draft / name) != kept.files[name]:
                raise BackupError(manifest.DAMAGED.format(source, f"{name} is changed"))
        copying.flush()
    except BaseException as error:
        shutil.rmtree(draft, ignore_errors=True)
        if isinstance(error, OSError):
            full = fault_of(error, settings.instance_dir) is Fault.FULL
            sentence = FULL.format(settings.instance_dir)
            raise BackupError(
                sentence if full else CANNOT.format(source, error.strerror)
            ) from error
        raise


def _wanted(settings: Settings, source: Path, kept: Manifest) -> list[str]:
    """Choose the files to copy: models only where others, or none, are installed."""
    models = {
        name.removeprefix(f"{WEIGHTS}/"): file
        for name, file in kept.files.items()
        if name.startswith(f"{WEIGHTS}/")
    }
    stay = not settings.weights_dir.resolve().is_relative_to(source.resolve())
    installed = stay and _are_installed(settings.weights_dir, models)
    return [name for name in kept.files if not (installed and name.startswith(f"{WEIGHTS}/"))]


def _are_installed(weights: Path, models: dict[str, Kept]) -> bool:
    """Return whether what a manifest proves, and the manifest, is that of the backup."""
    return all(
        (weights / name).is_file() and manifest.sha256_of(weights / name) == file.sha256
        for name, file in models.items()
    )


def _move(settings: Settings, occupied: list[str]) -> Path | None:
    """Move the previous instance aside and the copy into its place; raises `BackupError`.

    A start that finds `opening.RESTORING` refuses, since files of both may be mixed.
    """
    instance = settings.instance_dir
    replaced = instance / f"replaced-{utc_now():%Y%m%d-%H%M%S-%f}"
    ready = instance / opening.RESTORING
    # Its connections would go on with the database that is moved aside.
    db.session.remove()
    db.engine.dispose()
    try:
        # Left by a restore that stopped midway.
        shutil.rmtree(ready, ignore_errors=True)
        (instance / opening.RESTORE_DRAFT).rename(ready)
        if occupied:
            replaced.mkdir(mode=0o700)
        for name in [*occupied, SECRET_KEY] if occupied else []:
            if (instance / name).exists():
                (instance / name).rename(replaced / name)
        for path in ready.iterdir():
            _remove_empty(instance / path.name)
            path.replace(instance / path.name)
        copying.flush()
        ready.rmdir()
    except OSError as error:
        raise BackupError(MIDWAY.format(error.strerror, replaced)) from error
    return replaced if occupied else None


def _any(path: Path) -> bool:
    """Return whether there is a file, a link, or a folder with a file."""
    if path.is_mount():
        raise BackupError(MOUNTED.format(path))
    return path.is_file() or path.is_symlink() or any(each.is_file() for each in path.rglob("*"))


def _remove_empty(path: Path) -> None:
    """Remove a folder in which there are at most folders."""
    if path.is_dir():
        for each in sorted(path.rglob("*"), reverse=True):
            each.rmdir()
        path.rmdir()
