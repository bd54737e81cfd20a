"""Where an installation keeps its images: in its folder, or in a bucket; encrypted or not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from records.storage.encrypted_store import EncryptedStore
from records.storage.image_keys import ImageKeys
from records.storage.image_store import DiskStore, ImageStore
from records.storage.stored_files import IMAGES, UPLOADS
from settings import Bucket, Settings


def _nothing() -> None:
    """Leave a folder to those who look after the disk."""


@dataclass(frozen=True)
class ImageStores:
    """The stores of one installation.

    Attributes:
        images: what analyses keep.
        uploads: what arrived and waits.
        check: raises `records.storage.image_store.StoreError` where they cannot be reached.
        check_whole: the same, where files cannot be written, read and removed.
        keys: those that encrypt them, none in a store of files as they are kept.
    """

    images: ImageStore
    uploads: ImageStore
    check: Callable[[], None] = _nothing
    check_whole: Callable[[], None] = _nothing
    keys: ImageKeys = field(default_factory=ImageKeys)

    def by_folder(self) -> dict[str, ImageStore]:
        """Return both by the folder that columns name (`records.storage.stored_files`)."""
        return {IMAGES: self.images, UPLOADS: self.uploads}


def image_stores(settings: Settings) -> ImageStores:
    """Return the stores that the settings name, which encrypt and decrypt; raises `SettingsError`.

    The key file is read when a key is first needed, or the stores are checked.
    """
    return encrypted(kept_stores(settings), settings.images_key_file)


def kept_stores(settings: Settings) -> ImageStores:
    """Return these stores with the files as they are kept, encrypted ones too."""
    if settings.images_bucket is None:
        return on_disk(settings)
    return in_bucket(settings.images_bucket)


def encrypted(kept: ImageStores, key_file: Path | None) -> ImageStores:
    """Return stores that encrypt what these keep with the keys of a file, if there is one."""
    keys = ImageKeys(key_file)

    def checked(check: Callable[[], None]) -> Callable[[], None]:
        def check_keys_too() -> None:
            keys.check()
            check()

        return check_keys_too

    return ImageStores(
        EncryptedStore(kept.images, keys),
        EncryptedStore(kept.uploads, keys),
        checked(kept.check),
        checked(kept.check_whole),
        keys,
    )


def on_disk(settings: Settings) -> ImageStores:
    """Return the stores in the instance folder."""
    return ImageStores(DiskStore(settings.images_dir), DiskStore(settings.uploads_dir))


def in_bucket(bucket: Bucket) -> ImageStores:
    """Return the stores in a bucket; raises `SettingsError` where a variable is wrong."""
    # The library of the client takes memory and time to load.
    from records.storage.object_store import ObjectStore, client_of

    client = client_of(bucket)
    images, uploads = (ObjectStore(client, str(bucket), folder) for folder in (IMAGES, UPLOADS))
    return ImageStores(images, uploads, images.check, images.check_whole)
