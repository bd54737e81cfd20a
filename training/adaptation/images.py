"""The images of a laboratory's folder: each read once, and of whom it is."""

from __future__ import annotations

import hashlib
from pathlib import Path

from imaging.decoding.errors import ImageError
from imaging.images import RgbImage, read_image
from models.laboratory.folders import Archive
from training.data import DataError

PATIENT, FIELD = "patient:", "field:"
"""Beginnings of the name of a group: a patient, or a field that stands for itself."""

_NO_LABELS = "It has no label file."


class FolderImages:
    """Read images one by one, and note those that cannot be used.

    Attributes:
        left_out: Images that could not be used, and why.
        seen: The image of each SHA-256.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.left_out: dict[Path, str] = {}
        self.seen: dict[str, Path] = {}

    def pixels(self, path: Path) -> RgbImage | None:
        """Read an image, None where it cannot be; raises DataError where it was read before."""
        try:
            data = path.read_bytes()
            rgb = read_image(data, file_name=path.name).rgb
        except (ImageError, OSError) as error:
            self.left_out[path] = str(error)
            return None
        first = self.seen.setdefault(hashlib.sha256(data).hexdigest(), path)
        if first != path:
            raise DataError(f"{first} and {path} are the same image. Keep one of them.")
        return rgb

    def group(self, path: Path) -> str:
        """Name the patient whose folder an image lies in, else the field."""
        inside = path.relative_to(self._folder).parts[1:]
        return f"{PATIENT}{inside[0]}" if len(inside) > 1 else f"{FIELD}{path.name}"


def without_labels(archive: Archive) -> dict[Path, str]:
    """Return the fields that nothing is known of, and why they are left out."""
    return dict.fromkeys(archive.without_labels, _NO_LABELS)
