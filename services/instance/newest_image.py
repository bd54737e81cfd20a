"""Whether images can be decrypted, which the newest one tells for all."""

from __future__ import annotations

import logging

from sqlalchemy.exc import SQLAlchemyError

from records.analyses import analyses
from records.storage.image_store import ImageStore, UndecryptableError
from records.storage.image_stores import ImageStores
from settings import SettingsError

log = logging.getLogger(__name__)

NO_KEY_FILE = (
    "The images of this installation are encrypted, and LEUKOSCOPE_IMAGES_KEY_FILE is not set. Set "
    "it to the file with their keys. If that is lost for ever, set it to a new one, which "
    "flask --app app images-key new FILE makes: what is sent from then on is encrypted with that."
)


class NewestImage:
    """Tries to decrypt the image that was analysed last; an application context is needed."""

    def __init__(self, images: ImageStore) -> None:
        self._images = images
        self._decrypted: str | None = None

    def check(self) -> None:
        """Decrypt its beginning, unless that was done before.

        Raises:
            UndecryptableError: Its key is missing, or it is damaged.
            OSError: The store does not answer (`StoreError`), the disk fails, or the keys cannot
                be read.
        """
        try:
            name = analyses.newest_image()
        except SQLAlchemyError:
            # That the database fails is told by another check.
            return
        if name is None or name == self._decrypted:
            return
        try:
            with self._images.open(name) as file:
                file.read(1)
        except UndecryptableError:
            raise
        except FileNotFoundError:
            return
        self._decrypted = name


def check_keys(stores: ImageStores) -> None:
    """Check at the start that images can be decrypted, or that at least none is kept in plain.

    Raises:
        SettingsError: There are encrypted images, and no key file: the next ones would be plain.
        OSError: As `NewestImage.check` raises it.
    """
    try:
        NewestImage(stores.images).check()
    except UndecryptableError as error:
        if stores.keys.writing is None:
            raise SettingsError(NO_KEY_FILE) from error
