"""TIFF: which of its pages is the picture, and its samples."""

from __future__ import annotations

import io
from functools import partial

import numpy as np
from tifffile import TiffFile, TiffPage

from core.translatable import translatable
from imaging.decoding import tiff_structure
from imaging.decoding.bounds import Picture
from imaging.decoding.errors import overloaded, several, unread
from imaging.decoding.raster import ColorModel, Raster
from imaging.decoding.tiff_channels import Channels, channels_of
from imaging.decoding.tiff_samples import check_page, decode_page, page_raster, pixel_bytes

PREVIEWS = translatable("Reduced copies and masks in the file were left out.")
JOINED = translatable("Its three channel pages were read as red, green and blue.")

_OLD_SUBFILE, _OLD_REDUCED = 255, 2
_SLIDES = {
    "is_svs": "Aperio SVS",
    "is_ndpi": "Hamamatsu NDPI",
    "is_scn": "Leica SCN",
    "is_bif": "Ventana BIF",
    "is_philips": "Philips TIFF",
    "is_qpi": "PerkinElmer QPTIFF",
    "is_avs": "Argos AVS",
    "is_indica": "Indica Labs TIFF",
}


def open_tiff(data: bytes) -> Picture:
    """Find the one picture in a TIFF and check that it can be read exactly.

    One rule for several pages: what is marked as reduced copy or mask is left out, the three
    channels of ImageJ and OME-TIFF are one picture, and anything else that is several is refused.

    Raises:
        ImageError: If it has too many parts or several pictures, or is of a kind that is not read.
        Exception: Whatever tifffile raises.
    """
    tiff_structure.check(data)
    file = TiffFile(io.BytesIO(data), _multifile=False)
    _check_kind(file)
    pages = _all_pages(file)
    full = [page for page in pages if not _is_aside(page)] or pages
    channels = channels_of(file, len(full))
    notes = [PREVIEWS] if len(full) < len(pages) else []
    if len(full) == 1:
        return _picture(full, channels, [*notes])
    if channels.order is None:
        raise several(f"{len(full)} pages")
    return _picture([full[place] for place in channels.order], channels, [*notes, JOINED])


def _check_kind(file: TiffFile) -> None:
    for flag, name in _SLIDES.items():
        if getattr(file, flag) or getattr(file.pages.first, flag, False):
            raise unread(
                translatable("a whole-slide image ({})").format(name),
                translatable("Export the field that you mean as PNG or TIFF."),
            )
    if file.is_dng or file.is_tiffep:
        raise unread(
            translatable("a camera's raw file (DNG)"),
            translatable("Develop it and save it as TIFF or JPEG."),
        )


def _all_pages(file: TiffFile) -> list[TiffPage]:
    """Return all directories, those below others too."""
    pages: list[TiffPage] = []
    # Not iterated: a chain that leads back to its start would go on for ever.
    for page in (file.pages[place] for place in range(len(file.pages))):
        below = list(page.pages or ()) if page.subifds else []
        pages.extend(each for each in (page, *below) if isinstance(each, TiffPage))
        if len(pages) > tiff_structure.MAX_DIRECTORIES:
            raise overloaded("pages")
    return pages


def _is_aside(page: TiffPage) -> bool:
    """Tell whether a page is marked as a reduced copy or a mask of another."""
    old = page.tags.valueof(_OLD_SUBFILE, 0) == _OLD_REDUCED
    return bool(page.is_reduced or page.is_mask or old)


def _picture(pages: list[TiffPage], channels: Channels, notes: list[str]) -> Picture:
    first = pages[0]
    for page in pages:
        check_page(page)
        if len(pages) > 1 and (page.shape, page.dtype, page.samplesperpixel) != (
            first.shape,
            first.dtype,
            1,
        ):
            raise several(translatable("channels of unlike pages"))
    size = pixel_bytes(first) * len(pages)
    decode = partial(_decode, pages, channels, notes)
    return Picture(first.imagewidth, first.imagelength, size, decode)


def _decode(pages: list[TiffPage], channels: Channels, notes: list[str]) -> Raster:
    samples = [decode_page(page) for page in pages]
    raster = page_raster(pages[0], samples[0] if len(samples) == 1 else np.dstack(samples))
    if len(samples) > 1:
        raster.model = ColorModel.RGB
    raster.bits = raster.bits or channels.bits
    raster.notes[:0] = notes
    return raster
