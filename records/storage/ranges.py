"""A file that is read in any order, and of which only what is read is fetched or made."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

Fetch = Callable[[int, int], bytes]
"""Returns so many bytes from a place on; it is never asked for what is behind the end."""


class Ranges(io.RawIOBase):
    """The bytes that a function gives, as a file of a known size."""

    def __init__(self, fetch: Fetch, size: int) -> None:
        super().__init__()
        self._fetch = fetch
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def seekable(self) -> bool:
        """Return that it can be read in any order."""
        return True

    def tell(self) -> int:
        """Return the place of the next byte."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a place, behind the end too; raises `OSError` before the beginning."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        self._at = start + offset
        return self._at

    def readall(self) -> bytes:
        """Return the rest."""
        length = self._size - self._at
        if length <= 0:
            return b""
        content = self._fetch(self._at, length)
        self._at = self._size
        return content

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fill as much of a buffer as there is; return how much that was."""
        view = memoryview(buffer).cast("B")
        length = min(len(view), self._size - self._at)
        if length <= 0:
            return 0
        view[:length] = self._fetch(self._at, length)
        self._at += length
        return length
