"""How the formats are opened whose libraries only the decoding process loads."""

from __future__ import annotations

from collections.abc import Callable

from imaging.decoding.bounds import Picture
from imaging.decoding.dicom import open_dicom
from imaging.decoding.heif import open_avif, open_heif
from imaging.decoding.jpeg2000 import open_jpeg2000
from imaging.decoding.tiff import open_tiff

OPENERS: dict[str, Callable[[bytes], Picture]] = {
    "TIFF": open_tiff,
    "HEIF": open_heif,
    "AVIF": open_avif,
    "JPEG2000": open_jpeg2000,
    "DICOM": open_dicom,
}
