"""Work on every image file of an installation: several at a time, all or none."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import IO, TypeVar

from records import opening
from records.storage.image_store import ImageStore, StoreError, UndecryptableError

_File = TypeVar("_File")
_Done = TypeVar("_Done")

AT_ONCE = 8
"""Files that are worked on at the same time: in a bucket, most of the time one waits for it."""

BLOCK = 1024 * 1024


def for_all(work: Callable[[_File], _Done], files: Sequence[_File]) -> list[_Done]:
    """Do the same with every file, in threads; an error ends it, and none is begun after that."""
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        return list(pool.map(work, files))
    except BaseException:
        pool.shutdown(cancel_futures=True)
        raise
    finally:
        pool.shutdown()


def names_of(store: ImageStore) -> set[str]:
    """Return the names of all images, after removing what a run that was killed half wrote."""
    names = store.names()
    for half_written in {file.name for file in store.files()} - names:
        store.delete(half_written)
    return names


def sha256_of(content: IO[bytes]) -> str:
    """Return the hash of the rest of an open file, as hexadecimal digits."""
    digest = hashlib.sha256()
    while block := content.read(BLOCK):
        digest.update(block)
    return digest.hexdigest()


def words_of(error: OSError) -> str:
    """Return what an error of a store or of the disk says, in one line."""
    own = isinstance(error, StoreError | UndecryptableError)
    return str(error) if own else opening.words_of(error)
