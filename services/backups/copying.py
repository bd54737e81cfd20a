"""Copying files with their hashes, so that what arrives is known to be what was read."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from services.backups.manifest import Kept

BLOCK = 1024 * 1024


def copy(source: Path, target: Path) -> Kept:
    """Copy one file for the present account only; its hash and size as they were read.

    Raises `FileNotFoundError` where the source is gone, `FileExistsError` where the target is not.
    """
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as reading:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as writing:
            while block := reading.read(BLOCK):
                digest.update(block)
                writing.write(block)
                size += len(block)
    return Kept(digest.hexdigest(), size)


def flush() -> None:
    """Flush everything to the disk: for thousands of files, cheaper than each."""
    if hasattr(os, "sync"):
        os.sync()
