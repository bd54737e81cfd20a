"""Which library opens a slide."""

from __future__ import annotations

from pathlib import Path

from openslide import OpenSlide

from imaging.slides.color import in_srgb
from imaging.slides.openslide_reader import OpenSlideReader
from imaging.slides.signatures import MRXS, NEEDED, UNKNOWN, refusal_of_unopened
from imaging.slides.slide import Slide, SlideError, check
from imaging.slides.tiff_reader import TiffReader

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
    return in_srgb(slide)


def _reader(path: Path) -> Slide:
    # First, because OpenSlide sees but the largest level of these.
    if TiffReader.knows(path) and not _is_scanners(path):
        return TiffReader(path)
    if OpenSlideReader.knows(path):
        return OpenSlideReader(path)
    with path.open("rb") as file:
        raise SlideError(refusal_of_unopened(file.read(NEEDED), path.suffix))


def _is_scanners(path: Path) -> bool:
    """Return whether OpenSlide knows more of a TIFF than that it is one."""
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
    leading = [path for path in files if path.suffix.lower() == MRXS]
    for path in (*leading, *filter(_is_dicom, files)):
        if OpenSlideReader.knows(path):
            return path
    raise SlideError(UNKNOWN)


def _is_dicom(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(_DICOM_MARK.stop)[_DICOM_MARK] == b"DICM"
