"""Image files of one installation, under generated names, as they came or encoded anew."""

from __future__ import annotations

import errno
import io
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, Protocol

from core.ids import new_id
from records.storage.names import place_of

ImageType = Literal["png", "jpg", "upload"]
"""What the file is; an upload is as it came, of any format, and no page ever shows it."""

CONTENT_TYPES: dict[str, str] = {".png": "image/png", ".jpg": "image/jpeg"}
NAME = re.compile(r"[0-9a-f]{32}\.(?:png|jpg|upload)")
"""What a store names a file."""

_PART = re.compile(r"[0-9a-f]{32}\.part")


class StoreError(OSError):
    """A store does not answer, or refuses; the text is a sentence for the administrator."""

    def __init__(self, sentence: str) -> None:
        super().__init__(errno.EIO, sentence)

    def __str__(self) -> str:
        return self.strerror or ""


class MissingImageError(FileNotFoundError):
    """There is no such file in a store that is no folder; the text has its name."""


class UndecryptableError(MissingImageError):
    """A file is there and cannot be decrypted; the text is a sentence for the administrator.

    Pages show what they show of a missing image, but nothing that belongs to it may be removed: its
    key, or the file itself, may come back.
    """

    def __init__(self, sentence: str) -> None:
        super().__init__(errno.ENOENT, sentence)

    def __str__(self) -> str:
        return self.strerror or ""


@dataclass(frozen=True)
class StoredImage:
    """One file of a store: its name, and when it was last written, in seconds since the epoch."""

    name: str
    modified: float


class ImageStore(Protocol):
    """Keeps encoded images; a name is made here and never taken from a person.

    A file appears whole or not at all. Besides what its methods name, each raises `OSError` when
    the disk fails and `StoreError`, which is one, when the store does not answer or refuses.
    """

    def put(self, content: bytes, image_type: ImageType = "png") -> str:
        """Keep one image file and give its new name, 32 hexadecimal digits and a suffix.

        Raises `OSError` when there is no room; nothing of it stays then.
        """
        return self.put_stream(io.BytesIO(content), image_type)

    def put_stream(self, content: IO[bytes], image_type: ImageType) -> str:
        """Keep a file that need not fit into memory, as `put` does; it is read in any order."""
        name = f"{new_id()}.{image_type}"
        self.put_named(name, content)
        return name

    def put_named(self, name: str, content: IO[bytes]) -> None:
        """Keep a file under the name that another store made; one of that name is replaced.

        Raises:
            ValueError: no store made that name.
        """
        ...

    def read(self, name: str) -> bytes:
        """Return one image's bytes.

        Raises:
            FileNotFoundError: it is gone, or cannot be decrypted (`UndecryptableError`).
            ValueError: the name was not made here.
        """
        ...

    def open(self, name: str) -> IO[bytes]:
        """Open one file to be read in any order, to be closed by the caller; raises as `read`.

        Where a file cannot be decrypted, that may show only when the place is read.
        """
        ...

    def delete(self, name: str) -> None:
        """Remove one file, a half-written one too; one that is already gone is no error."""
        ...

    def names(self) -> set[str]:
        """Return the names of all images kept."""
        ...

    def files(self) -> Iterator[StoredImage]:
        """Yield every file that this store made, half-written ones too."""
        ...

    def place(self, name: str) -> str:
        """Say for people where a file is kept, existing or not."""
        ...


class DiskStore(ImageStore):
    """Keeps images in files under `root`, which only the account that serves can read."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put_named(self, name: str, content: IO[bytes]) -> None:
        """Keep a file under the name that another store made (`ImageStore`)."""
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = path.with_suffix(".part")
        try:
            _write(temporary, content)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)

    def path(self, name: str) -> Path:
        """Return where `name` is kept, existing or not.

        Raises:
            ValueError: the name was not made here.
        """
        return place_of(name, NAME, self._root)

    def read(self, name: str) -> bytes:
        """Return one image's bytes (`ImageStore`)."""
        return self.path(name).read_bytes()

    def open(self, name: str) -> IO[bytes]:
        """Open one file to be read in any order (`ImageStore`)."""
        return self.path(name).open("rb")

    def delete(self, name: str) -> None:
        """Remove one file, a half-written one too (`ImageStore`)."""
        made = _PART if _PART.fullmatch(name) else NAME
        place_of(name, made, self._root).unlink(missing_ok=True)

    def names(self) -> set[str]:
        """Return the names of all images kept (`ImageStore`)."""
        return {path.name for path in self._paths() if NAME.fullmatch(path.name)}

    def files(self) -> Iterator[StoredImage]:
        """Yield every file that this class made, half-written ones too (`ImageStore`)."""
        for path in self._paths():
            if path.is_file():
                yield StoredImage(path.name, path.stat().st_mtime)

    def place(self, name: str) -> str:
        """Say where a file is kept (`ImageStore`)."""
        return str(self._root / name[:2] / name)

    def _paths(self) -> Iterator[Path]:
        for path in self._root.glob("??/*"):
            if NAME.fullmatch(path.name) or _PART.fullmatch(path.name):
                yield path


def content_type(name: str) -> str:
    """Return the MIME type of a kept image, by the suffix of its name."""
    return CONTENT_TYPES[Path(name).suffix]


def _write(path: Path, content: IO[bytes]) -> None:
    """Write and flush to the disk, so that a row never names a file that a crash emptied."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        shutil.copyfileobj(content, stream)
        stream.flush()
        os.fsync(stream.fileno())
