"""Files that were read more than once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar


class Read(Protocol):
    """A file that was read: `kind` says how, `sha256` which file."""

    kind: str
    sha256: str


Image = TypeVar("Image", bound=Read)


def read_again(images: Iterable[Image]) -> list[Image]:
    """Those whose file was read the same way before among these, in order."""
    found: set[tuple[str, str]] = set()
    again = []
    for image in images:
        read = (image.kind, image.sha256)
        if read in found:
            again.append(image)
        found.add(read)
    return again
