"""Which library opens a slide, and what is said of a file that is none."""

from __future__ import annotations

from pathlib import Path

from imaging.slides.openslide_reader import OpenSlideReader
from imaging.slides.slide import Slide, SlideError, check
from imaging.slides.tiff_reader import TiffReader

SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"BM", "a BMP image"),
    (b"RIFF", "a WebP image"),
    (b"%PDF", "a PDF document"),
    (b"II*\0", "a plain TIFF image"),
    (b"MM\0*", "a plain TIFF image"),
    (b"II+\0", "a plain TIFF image"),
    (b"MM\0+", "a plain TIFF image"),
)
FIELD = (
    "This is {}, not a whole slide. Upload it under Detect, or export the slide as SVS, NDPI, SCN, "
    "or pyramidal TIFF."
)
OTHER = "This is {}, not a whole slide. Export the slide as SVS, NDPI, SCN, or pyramidal TIFF."
UNKNOWN = (
    "No slide was found in this file. Taken are SVS, NDPI, SCN and pyramidal TIFF, and MRXS and "
    "DICOM slides as a ZIP of their folder."
)
EMPTY = "The file is empty. Choose the slide again."
LONE_MRXS = (
    "An MRXS slide is a file and a folder of the same name. Pack both into one ZIP and upload that."
)

MRXS = ".mrxs"
_DICOM_MARK = slice(128, 132)


def open_slide(folder: Path) -> Slide:
    """Open the slide in a folder.

    Args:
        folder: With one file, or with the files that belong to one slide.

    Raises:
        SlideError: There is none, or it cannot be shown; other errors where it is damaged.
    """
    path = _entry(folder)
    slide = _reader(path)
    try:
        check(slide.info)
    except SlideError:
        slide.close()
        raise
    return slide


def _reader(path: Path) -> Slide:
    # First, because OpenSlide sees but the largest level of these.
    if TiffReader.knows(path) and not _is_scanners(path):
        return TiffReader(path)
    if OpenSlideReader.knows(path):
        return OpenSlideReader(path)
    raise SlideError(_refusal(path))


def _is_scanners(path: Path) -> bool:
    """Return whether OpenSlide knows more of a TIFF than that it is one."""
    from openslide import OpenSlide

    return OpenSlide.detect_format(path) not in (None, "generic-tiff")


def _entry(folder: Path) -> Path:
    """Find the file by which a slide of several is opened.

    Raises:
        SlideError: None of the files is one.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if len(files) == 1:
        return files[0]
    # An MRXS file leads to a folder of data; of a DICOM slide any file leads to all.
    for path in (
        *(one for one in files if one.suffix.lower() == ".mrxs"),
        *filter(_is_dicom, files),
    ):
        if OpenSlideReader.knows(path):
            return path
    raise SlideError(UNKNOWN)


def _is_dicom(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(_DICOM_MARK.stop)[_DICOM_MARK] == b"DICM"


def _refusal(path: Path) -> str:
    """Say what a file is that is no slide, and what to do."""
    with path.open("rb") as file:
        start = file.read(8)
    if not start:
        return EMPTY
    if path.suffix.lower() == MRXS:
        return LONE_MRXS
    for signature, name in SIGNATURES:
        if start.startswith(signature):
            return (FIELD if "image" in name else OTHER).format(name)
    return UNKNOWN
