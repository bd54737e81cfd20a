"""Files that were analysed more than once in the same way."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar


class Analysed(Protocol):
    """An analysed file: `kind` says how, `sha256` which file."""

    @property
    def kind(self) -> str:
        """How it was analysed."""
        ...

    @property
    def sha256(self) -> str:
        """Hash of the file."""
        ...


Image = TypeVar("Image", bound=Analysed)


def duplicates_of(images: Iterable[Image]) -> list[Image]:
    """Return the images whose file comes before them in the same kind of analysis, in order."""
    found: set[tuple[str, str]] = set()
    duplicates = []
    for image in images:
        analysed = (image.kind, image.sha256)
        if analysed in found:
            duplicates.append(image)
        found.add(analysed)
    return duplicates
