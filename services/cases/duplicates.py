"""Files that were analysed more than once in the same way."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from records.analyses.analyses import Analysis
    from services.cases.snapshot import ImageSnapshot

Image = TypeVar("Image", "Analysis", "ImageSnapshot")


def duplicates_of(images: Iterable[Image]) -> list[Image]:
    """Return the images whose file comes before them in the same kind of analysis, in order."""
    seen: set[tuple[str, str]] = set()
    duplicates = []
    for image in images:
        analysed = (image.kind, image.sha256)
        if analysed in seen:
            duplicates.append(image)
        seen.add(analysed)
    return duplicates
