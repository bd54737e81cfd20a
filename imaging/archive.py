"""A ZIP of images: listed by its directory, read one entry at a time, nothing written to a disk."""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from typing import IO

MAX_FILES = 1_000
"""Images of one ZIP."""

MAX_TOTAL_BYTES = 4 * 2**30
"""Bytes of all images of a ZIP together, unpacked."""

MAX_RATIO = 100
"""Times that an image may be larger than it is packed, beyond the first `BLOCK`: uncompressed ones
of cells on black shrink to a tenth, a bomb to a thousandth."""

MAX_DIRECTORY_BYTES = 2 * 2**20
"""The largest directory of a ZIP: it is read as a whole."""

BLOCK = 2**20

SIGNATURES = (b"PK\3\4", b"PK\5\6")
"""The first bytes of a ZIP, and of an empty one."""

# The others unpack without a bound on what a few bytes become.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

_END, _END_BYTES = b"PK\5\6", 22
_SYSTEM_FILES = {"thumbs.db", "desktop.ini", "ehthumbs.db", "icon\r"}
_SYSTEM_FOLDERS = {"__macosx", "$recycle.bin", "system volume information"}
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_DAMAGE = (
    *(zipfile.BadZipFile, NotImplementedError, RuntimeError),
    *(EOFError, OSError, ValueError, OverflowError, zlib.error),
)


class Fault(StrEnum):
    """Why a ZIP, or an entry of one, is not read."""

    DAMAGED = "damaged"
    EMPTY = "empty"
    TOO_MANY = "too many files"
    TOO_LARGE = "too large in all"
    ENCRYPTED = "encrypted"
    NESTED = "an archive in the archive"
    LINK = "a link"
    METHOD = "packed in another way"
    FILE_TOO_LARGE = "a file too large"
    BOMB = "a file that unpacks to far more than it is packed"
    FILE_DAMAGED = "a file that is damaged"


class ArchiveError(Exception):
    """A ZIP, or one entry of it, that is not read."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault


@dataclass(frozen=True)
class Entry:
    """One file of a ZIP.

    Attributes:
        place: Among all entries of the directory, from 0.
        name: With its folders, as the ZIP states it: not a path to be opened.
        bytes: Unpacked, as the ZIP states it.
        fault: Why it is refused before it is read.
    """

    place: int
    name: str
    bytes: int
    fault: Fault | None = None


@dataclass(frozen=True)
class Listing:
    """The files of a ZIP, and how many files of operating systems are left out."""

    entries: tuple[Entry, ...]
    left_out: int


class Archive:
    """An open ZIP whose directory is within the bounds; `opened` makes one."""

    def __init__(self, packed: zipfile.ZipFile, max_bytes: int) -> None:
        self._packed = packed
        self._max_bytes = max_bytes

    def list(self) -> Listing:
        """List the files.

        Raises:
            ArchiveError: There are none or too many, or they are too large in all.
        """
        files = [each for each in enumerate(self._packed.infolist()) if not each[1].is_dir()]
        images = [each for each in files if not is_system_file(each[1].filename)]
        if not images:
            raise ArchiveError(Fault.EMPTY)
        if len(images) > MAX_FILES:
            raise ArchiveError(Fault.TOO_MANY)
        if sum(member.file_size for _, member in images) > MAX_TOTAL_BYTES:
            raise ArchiveError(Fault.TOO_LARGE)
        entries = tuple(self._entry(place, member) for place, member in images)
        return Listing(entries, len(files) - len(images))

    def entry(self, place: int) -> Entry:
        """Return the entry at a place; raises `LookupError` where there is no file."""
        for entry in self.list().entries:
            if entry.place == place:
                return entry
        raise LookupError(place)

    def read(self, entry: Entry) -> bytes:
        """Unpack one entry into memory, within the bounds on what really comes out.

        Raises:
            ArchiveError: It is refused, damaged, or becomes larger than it may.
        """
        if entry.fault:
            raise ArchiveError(entry.fault)
        member = self._packed.infolist()[entry.place]
        most = min(self._max_bytes, BLOCK + MAX_RATIO * member.compress_size)
        try:
            with self._packed.open(member) as file:
                content = _read_bounded(file, most)
        except _DAMAGE as error:
            raise ArchiveError(Fault.FILE_DAMAGED) from error
        if len(content) > most:
            raise ArchiveError(_of_size(most, self._max_bytes))
        return content

    def _entry(self, place: int, member: zipfile.ZipInfo) -> Entry:
        return Entry(place, member.filename, member.file_size, self._fault(member))

    def _fault(self, member: zipfile.ZipInfo) -> Fault | None:
        """Find what the directory alone tells against a file."""
        if member.flag_bits & _ENCRYPTED:
            return Fault.ENCRYPTED
        if stat.S_ISLNK(member.external_attr >> 16):
            return Fault.LINK
        if PurePosixPath(member.filename).suffix.lower() == ".zip":
            return Fault.NESTED
        if member.compress_type not in _METHODS:
            return Fault.METHOD
        if member.file_size > self._max_bytes:
            return Fault.FILE_TOO_LARGE
        if member.file_size > BLOCK + MAX_RATIO * member.compress_size:
            return Fault.BOMB
        return None


@contextmanager
def opened(file: IO[bytes], max_bytes: int) -> Generator[Archive]:
    """Open a ZIP for reading.

    Args:
        file: The ZIP; it stays open.
        max_bytes: The largest file that is unpacked.

    Raises:
        ArchiveError: It is no whole ZIP, or its directory is too large.
    """
    try:
        packed = zipfile.ZipFile(_Guarded(file))
    except _DAMAGE as error:
        raise ArchiveError(Fault.DAMAGED) from error
    with packed:
        _check_end(file, packed)
        yield Archive(packed, max_bytes)


def is_archive(start: bytes) -> bool:
    """Return whether a file with these first bytes is a ZIP."""
    return start.startswith(SIGNATURES)


def is_system_file(name: str) -> bool:
    """Return whether an operating system put this file beside a person's own, or hides it."""
    *folders, last = name.replace("\\", "/").lower().split("/")
    hidden = any(part.startswith(".") and part.strip(".") for part in (*folders, last))
    return hidden or last in _SYSTEM_FILES or any(part in _SYSTEM_FOLDERS for part in folders)


class _Guarded:
    """A file of which no more is read at once than a ZIP's directory may have."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, count: int = -1, /) -> bytes:
        most = MAX_DIRECTORY_BYTES + 1
        content = self._file.read(min(count, most) if count >= 0 else most)
        if len(content) == most:
            raise ArchiveError(Fault.TOO_MANY)
        return content

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True


def _check_end(file: IO[bytes], packed: zipfile.ZipFile) -> None:
    """Check that the directory is at the end: of a ZIP cut off, that of one inside it is found."""
    file.seek(-_END_BYTES - len(packed.comment), io.SEEK_END)
    if file.read(4) != _END:
        raise ArchiveError(Fault.DAMAGED)


def _read_bounded(file: IO[bytes], most: int) -> bytes:
    """Read a file, and one byte more than it may have where it has that many."""
    return b"".join(_blocks(file, most + 1))


def _blocks(file: IO[bytes], most: int) -> Iterator[bytes]:
    while most > 0 and (block := file.read(min(BLOCK, most))):
        most -= len(block)
        yield block


def _of_size(most: int, max_bytes: int) -> Fault:
    return Fault.FILE_TOO_LARGE if most == max_bytes else Fault.BOMB
