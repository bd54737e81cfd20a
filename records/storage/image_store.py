"""Image files of one installation, on disk under generated names, as they came or encoded anew."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from core.ids import new_id

ImageType = Literal["png", "jpg", "upload"]
"""What the file is; an upload is as it came, of any format, and no page ever shows it."""

CONTENT_TYPES: dict[str, str] = {".png": "image/png", ".jpg": "image/jpeg"}
_NAME = re.compile(r"[0-9a-f]{32}\.(?:png|jpg|upload)")
_PART = re.compile(r"[0-9a-f]{32}\.part")


class ImageStore:
    """Keeps encoded images under `root`; a name is made here and never taken from a person.

    A file appears whole or not at all, and only the account that serves can read it.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, content: bytes, image_type: ImageType = "png") -> str:
        """Keep one image file and give its new name, 32 hexadecimal digits and a suffix.

        Raises `OSError` when the disk is full; nothing of it stays then.
        """
        name = f"{new_id()}.{image_type}"
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = path.with_suffix(".part")
        try:
            _write(temporary, content)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        return name

    def path(self, name: str) -> Path:
        """Return where `name` is kept, existing or not.

        Raises:
            ValueError: the name was not made here.
        """
        if not _NAME.fullmatch(name):
            raise ValueError("not a name of the image store")
        return self._root / name[:2] / name

    def read(self, name: str) -> bytes:
        """Return one image's bytes; raises `FileNotFoundError` when it is gone."""
        return self.path(name).read_bytes()

    def delete(self, name: str) -> None:
        """Remove one image; one that is already gone is no error."""
        self.path(name).unlink(missing_ok=True)

    def names(self) -> set[str]:
        """Return the names of all images kept."""
        return {path.name for path in self.files() if _NAME.fullmatch(path.name)}

    def files(self) -> Iterator[Path]:
        """Yield every file that this class made, half-written ones too."""
        for path in self._root.glob("??/*"):
            if _NAME.fullmatch(path.name) or _PART.fullmatch(path.name):
                yield path


def content_type(name: str) -> str:
    """Return the MIME type of a kept image, by the suffix of its name."""
    return CONTENT_TYPES[Path(name).suffix]


def _write(path: Path, content: bytes) -> None:
    """Write and flush to the disk, so that a row never names a file that a crash emptied."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
