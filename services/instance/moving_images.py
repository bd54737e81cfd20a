"""Moving the images of an installation from its folder into a bucket, or back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from records import db, opening
from records.audit.audit import Event
from records.storage import serving_lock, stored_files
from records.storage.image_store import ImageStore, UndecryptableError
from records.storage.image_stores import ImageStores, encrypted, image_stores, in_bucket, on_disk
from records.storage.instance_lock import held
from services.audit import audit
from services.instance.image_files import for_all, names_of, sha256_of, words_of
from services.instance.moving import MoveError
from settings import Bucket, Settings

SAME = "{} has the images of this installation already."
OCCUPIED = (
    "{} has files that are not of this installation, such as {}. Nothing was copied. Name a bucket "
    "or a prefix that nothing else uses; in the instance folder, move images and uploads aside."
)
CANNOT = "The images cannot be kept in {}: {} Nothing was kept there."
DIFFERENT = "{} is not in {} what was copied. Nothing was kept there. Try again."


@dataclass(frozen=True)
class MovedImages:
    """How many files were copied, and which ones rows name but nobody has."""

    copied: int
    missing: tuple[str, ...]


def place_of(settings: Settings, bucket: Bucket | None) -> str:
    """Name for people where images are: a bucket, or the folder of the instance."""
    return str(bucket or settings.instance_dir)


def move_images(settings: Settings, target: Bucket | None) -> MovedImages:
    """Copy all images and uploads that rows name to another place, and read them again there.

    Where there is a key, they are encrypted with it there, whatever they were before.

    Args:
        settings: those of the instance; an application context of its database is needed.
        target: a bucket, or None for the instance folder.

    Raises:
        MoveError: the place has other files, or cannot keep these, or one cannot be decrypted;
            nothing of them is there.
        SettingsError: a server runs on the instance, or it cannot be used.
    """
    place = place_of(settings, target)
    if place == place_of(settings, settings.images_bucket):
        raise MoveError(SAME.format(place))
    kept_there = in_bucket(target) if target else on_disk(settings)
    there = encrypted(kept_there, settings.images_key_file)
    with held(settings.instance_dir), opening.usable(settings), serving_lock.alone():
        opening.check_finished(settings)
        opening.check_present(settings)
        here = image_stores(settings)
        here.check()
        try:
            there.check_whole()
            files = list(_files(here, there, place))
            audit.keep(Event.MOVE_IMAGES, to=place)
            # No transaction stays open meanwhile.
            db.session.remove()
            return _copy_all(files, place)
        except OSError as error:
            raise MoveError(CANNOT.format(place, words_of(error))) from error


@dataclass(frozen=True)
class _File:
    """A file on its way; `arrived` is one that is there already, from an earlier attempt."""

    name: str
    here: ImageStore
    there: ImageStore
    arrived: bool

    def copy(self, place: str) -> bool:
        """Copy it; False where nobody has it. Raises `OSError` or `MoveError`."""
        wanted = _sha256(self.here, self.name)
        if wanted is None:
            return self.arrived
        if not self.arrived:
            with self.here.open(self.name) as content:
                self.there.put_named(self.name, content)
        if _sha256(self.there, self.name) != wanted:
            raise MoveError(DIFFERENT.format(self.name, place))
        return True


def _files(here: ImageStores, there: ImageStores, place: str) -> Iterator[_File]:
    """Yield what is to be copied; raises `MoveError` where there are files of somebody else."""
    for folder, store in here.by_folder().items():
        target = there.by_folder()[folder]
        named = stored_files.named(folder)
        if other := sorted(target.names() - named):
            raise MoveError(OCCUPIED.format(place, other[0]))
        present = names_of(target)
        for name in sorted(named):
            yield _File(name, store, target, name in present)


def _copy_all(files: list[_File], place: str) -> MovedImages:
    try:
        arrived = for_all(partial(_File.copy, place=place), files)
    except BaseException:
        _remove_all(files)
        raise
    missing = tuple(file.name for file, there in zip(files, arrived, strict=True) if not there)
    return MovedImages(sum(arrived), missing)


def _remove_all(files: list[_File]) -> None:
    """Remove what was copied, as far as the place answers; not what was there before."""
    with suppress(OSError):
        for file in files:
            if not file.arrived:
                file.there.delete(file.name)


def _sha256(store: ImageStore, name: str) -> str | None:
    """Return the hash of a file, None where it is missing."""
    try:
        with store.open(name) as content:
            return sha256_of(content)
    except UndecryptableError:
        raise
    except FileNotFoundError:
        return None
