"""Keeping and reading images of one megabyte: on disk, and in a bucket of Swift on this machine.

`python -m benchmarks.object_store [rounds]`. Swift encrypts, keeps one copy, and has no cache.
"""

from __future__ import annotations

import os
import sys
import tempfile
from functools import partial
from pathlib import Path

from benchmarks.timing import Way, median_milliseconds
from records.storage.image_store import DiskStore, ImageStore
from records.storage.image_stores import in_bucket
from settings import Bucket
from tests import object_server

BYTES = 1024 * 1024


def main(rounds: int = 50) -> None:
    """Print the median milliseconds of each, and how many times those of the disk they are."""
    with object_server.running() as server, tempfile.TemporaryDirectory() as folder:
        os.environ.update(server.environment)
        bucket = in_bucket(Bucket(server.bucket(), encryption="AES256")).images
        ways = {**_ways("disk", DiskStore(Path(folder))), **_ways("bucket", bucket)}
        medians = median_milliseconds(ways, rounds)
    for act in ("put", "read"):
        disk, there = medians[f"disk {act}"], medians[f"bucket {act}"]
        print(f"{act:5} disk {disk:7.2f} ms   bucket {there:7.2f} ms   ratio {there / disk:5.1f}")


def _ways(place: str, store: ImageStore) -> dict[str, Way]:
    content = os.urandom(BYTES)
    kept = store.put(content)
    return {f"{place} put": partial(store.put, content), f"{place} read": partial(store.read, kept)}


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
