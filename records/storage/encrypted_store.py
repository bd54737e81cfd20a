"""Images that are encrypted on their way into a store, and decrypted on their way out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from records.storage import sealing
from records.storage.image_keys import ImageKeys
from records.storage.image_store import ImageStore, StoredImage


class EncryptedStore(ImageStore):
    """Keeps encrypted images in another store, under the same names.

    Images that lie there in plain are read as they are, and without keys images are kept in plain:
    encryption may begin, and end, at any time. A missing key raises `UndecryptableError` then.
    """

    def __init__(self, kept_in: ImageStore, keys: ImageKeys) -> None:
        """Set up.

        Args:
            kept_in: The store with the encrypted files.
            keys: The first one encrypts, all decrypt.
        """
        self._kept_in = kept_in
        self._keys = keys

    def put_named(self, name: str, content: IO[bytes]) -> None:
        """Keep a file under the name that another store made (`ImageStore`)."""
        key = self._keys.writing
        encrypted = sealing.sealed(content, key, name) if key else content
        self._kept_in.put_named(name, encrypted)

    def read(self, name: str) -> bytes:
        """Return one image's bytes (`ImageStore`)."""
        return sealing.unseal(self._kept_in.read(name), self._keys, name)

    def open(self, name: str) -> IO[bytes]:
        """Open one file to be read in any order (`ImageStore`)."""
        kept = self._kept_in.open(name)
        try:
            return sealing.opened(kept, self._keys, name)
        except BaseException:
            kept.close()
            raise

    def delete(self, name: str) -> None:
        """Remove one file, a half-written one too (`ImageStore`)."""
        self._kept_in.delete(name)

    def names(self) -> set[str]:
        """Return the names of all images kept (`ImageStore`)."""
        return self._kept_in.names()

    def files(self) -> Iterator[StoredImage]:
        """Yield every file that a store made, half-written ones too (`ImageStore`)."""
        return self._kept_in.files()

    def place(self, name: str) -> str:
        """Say where a file is kept (`ImageStore`)."""
        return self._kept_in.place(name)
