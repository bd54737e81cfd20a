"""Keeping and reading images of five megabytes on disk, in plain and encrypted.

`python -m benchmarks.encrypted_images [rounds]`. Files of 64 MB go through as streams as well, to
show how much memory that takes.
"""

from __future__ import annotations

import os
import sys
import tempfile
import tracemalloc
from functools import partial
from pathlib import Path

from benchmarks.timing import Way, median_milliseconds
from records.storage.encrypted_store import EncryptedStore
from records.storage.image_keys import ImageKeys, make_key_file
from records.storage.image_store import DiskStore, ImageStore

BYTES = 5 * 1024 * 1024
LARGE = 64 * 1024 * 1024
MEBIBYTE = 1024 * 1024


def main(rounds: int = 50) -> None:
    """Print the median milliseconds of each, and the most memory that a large file took."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        make_key_file(place / "keys", "today")
        plain = DiskStore(place / "images")
        encrypted = EncryptedStore(plain, ImageKeys(place / "keys"))
        ways = {**_ways("plain", plain), **_ways("encrypted", encrypted)}
        medians = median_milliseconds(ways, rounds)
        stores: dict[str, ImageStore] = {"plain": plain, "encrypted": encrypted}
        peaks = {name: _peak(store, place) for name, store in stores.items()}
    for act in ("put", "read"):
        without, with_key = medians[f"plain {act}"], medians[f"encrypted {act}"]
        print(f"{act:5} plain {without:7.2f} ms   encrypted {with_key:7.2f} ms")
    for name, peak in peaks.items():
        print(f"a stream of 64 MB, {name}: at most {peak:.1f} MB of memory")


def _ways(place: str, store: ImageStore) -> dict[str, Way]:
    content = os.urandom(BYTES)
    kept = store.put(content)

    def put() -> None:
        store.delete(store.put(content))

    return {f"{place} put": put, f"{place} read": partial(store.read, kept)}


def _peak(store: ImageStore, folder: Path) -> float:
    """Put a large file from a stream and read it in parts; the most megabytes meanwhile."""
    large = folder / "large"
    large.write_bytes(os.urandom(LARGE))
    tracemalloc.start()
    with large.open("rb") as content:
        name = store.put_stream(content, "upload")
    with store.open(name) as kept:
        while kept.read(MEBIBYTE):
            pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / MEBIBYTE


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
