"""Encrypting the images that an installation keeps in plain, or under a former key; and back."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO

from records import db, opening
from records.audit.audit import Event
from records.storage import sealing, serving_lock
from records.storage.image_keys import ImageKey, ImageKeys
from records.storage.image_store import ImageStore, UndecryptableError
from records.storage.image_stores import ImageStores, kept_stores
from records.storage.instance_lock import held
from services.audit import audit
from services.instance.image_files import for_all, names_of, sha256_of, words_of
from settings import Settings

MOST_IN_MEMORY = 16 * 1024 * 1024
"""Bytes of a file up to which its copy stays in memory; larger ones have it in the instance."""

NO_KEY = (
    "No key is set. Make one with flask --app app images-key new FILE, and set "
    "LEUKOSCOPE_IMAGES_KEY_FILE to that file."
)
CANNOT = (
    "It stopped midway: {} No image is lost. Run it again: it goes on with those that are left."
)
DIFFERENT = (
    "{} was not kept as it was written, and is again as it was before. Check the disk, or the "
    "store, and run this again."
)


class EncryptError(Exception):
    """Images cannot be encrypted; the text is a sentence for the administrator."""


class _Done(Enum):
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class EncryptedImages:
    """What became of all images and uploads.

    Attributes:
        key: The key that they are encrypted with now; None where they were decrypted.
        changed: How many were encrypted, or decrypted.
        unchanged: How many were so already.
        unreadable: Where those are that cannot be decrypted, and were left as they are.
    """

    key: ImageKey | None
    changed: int
    unchanged: int
    unreadable: tuple[str, ...]


def encrypt_images(settings: Settings, *, decrypt: bool = False) -> EncryptedImages:
    """Encrypt every image and upload with the first key, or decrypt all, where they are.

    Each is replaced whole, and read again; until then its former content is at hand. Stopped at any
    time, it leaves images that are all readable, and another run goes on with the others.

    Args:
        settings: Those of the instance; an application context of its database is needed.
        decrypt: Keep all images in plain.

    Raises:
        EncryptError: There is no key, or an image cannot be kept.
        SettingsError: A server runs on the instance, or it cannot be used.
    """
    keys = ImageKeys(settings.images_key_file)
    with held(settings.instance_dir), opening.usable(settings), serving_lock.alone():
        opening.check_finished(settings)
        opening.check_present(settings)
        if keys.writing is None:
            raise EncryptError(NO_KEY)
        stores = kept_stores(settings)
        stores.check_whole()
        event = Event.DECRYPT_IMAGES if decrypt else Event.ENCRYPT_IMAGES
        audit.keep(event, key=str(keys.writing))
        # No transaction stays open meanwhile.
        db.session.remove()
        # They are made again, as the images are.
        shutil.rmtree(settings.thumbnails_dir, ignore_errors=True)
        key = None if decrypt else keys.writing
        try:
            return _change_all(_Change(keys, key, settings.instance_dir), stores)
        except OSError as error:
            raise EncryptError(CANNOT.format(words_of(error))) from error


@dataclass(frozen=True)
class _Change:
    """What is to be done with each file.

    Attributes:
        keys: Decrypt what is encrypted.
        key: Is to encrypt it; None to keep it in plain.
        folder: Has the copy of a large one for as long as it is replaced.
    """

    keys: ImageKeys
    key: ImageKey | None
    folder: Path

    def apply(self, store: ImageStore, name: str) -> _Done:
        """Replace one file unless it is as wanted; raises `OSError` or `EncryptError`."""
        try:
            with SpooledTemporaryFile(MOST_IN_MEMORY, dir=str(self.folder)) as former:
                with store.open(name) as kept:
                    if self._is_wanted(kept):
                        return _Done.UNCHANGED
                    shutil.copyfileobj(kept, former, sealing.PIECE)
                self._replace(store, name, former)
        except UndecryptableError:
            return _Done.UNREADABLE
        return _Done.CHANGED

    def _is_wanted(self, kept: IO[bytes]) -> bool:
        """Look how a file begins, and go back to its beginning."""
        header = sealing.header_of(kept.read(sealing.HEADER))
        kept.seek(0)
        return (header and header.key_id) == (self.key and self.key.id)

    def _replace(self, store: ImageStore, name: str, former: IO[bytes]) -> None:
        former.seek(0)
        plain = sealing.opened(former, self.keys, name)
        wanted = sha256_of(plain)
        plain.seek(0)
        store.put_named(name, sealing.sealed(plain, self.key, name) if self.key else plain)
        if not self._is_kept(store, name, wanted):
            former.seek(0)
            store.put_named(name, former)
            raise EncryptError(DIFFERENT.format(store.place(name)))

    def _is_kept(self, store: ImageStore, name: str, wanted: str) -> bool:
        with store.open(name) as kept:
            if not self._is_wanted(kept):
                return False
            try:
                return sha256_of(sealing.opened(kept, self.keys, name)) == wanted
            except UndecryptableError:
                return False


def _change_all(change: _Change, stores: ImageStores) -> EncryptedImages:
    files = list(_files(stores))
    done = for_all(lambda file: change.apply(*file), files)
    unreadable = (
        store.place(name)
        for (store, name), each in zip(files, done, strict=True)
        if each is _Done.UNREADABLE
    )
    return EncryptedImages(
        change.key, done.count(_Done.CHANGED), done.count(_Done.UNCHANGED), tuple(unreadable)
    )


def _files(stores: ImageStores) -> Iterator[tuple[ImageStore, str]]:
    for store in stores.by_folder().values():
        for name in sorted(names_of(store)):
            yield store, name
