"""Files that were analysed more than once in the same way."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar


class AnalysedFile(Protocol):
    """An uploaded file and how it was analysed."""

    @property
    def kind(self) -> str:
        """The kind of analysis."""
        ...

    @property
    def sha256(self) -> str:
        """The hash of the file."""
        ...


Image = TypeVar("Image", bound=AnalysedFile)


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
