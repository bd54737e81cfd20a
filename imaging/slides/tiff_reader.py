"""TIFF pyramids whose levels lie below the largest one (OME-TIFF), read by tifffile."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

import numpy as np
import tifffile

from core.translatable import translatable
from imaging.images import RgbImage
from imaging.slides.slide import DAMAGED, Level, SlideError, SlideInfo, plausible

PLAIN_RGB = translatable(
    "The slide’s pixels are not 8-bit RGB, as those of a stained smear are. Export it again as an "
    "RGB slide."
)
UNTILED = translatable(
    "The slide is not stored in tiles, so no part can be read by itself. Export it again."
)

MAX_SEGMENT_PIXELS = 2**24
"""Pixels of one tile: it is decoded whole, whatever little of it is wanted."""

_PROFILE = 34675
# Programs that write OME-TIFF call three channels of a page grey.
_PLAIN = (tifffile.PHOTOMETRIC.RGB, tifffile.PHOTOMETRIC.MINISBLACK)
_YCBCR = tifffile.PHOTOMETRIC.YCBCR
_MICROMETRES = {"µm": 1.0, "nm": 1e-3, "mm": 1e3, "cm": 1e4}
_CENTIMETRE = 10_000.0


class TiffReader:
    """One pyramid of RGB tiles."""

    def __init__(self, path: Path) -> None:
        self._file = tifffile.TiffFile(path)
        try:
            self._pages = [_page(level) for level in self._file.series[0].levels]
            self.info = self._info()
            self.profile = _profile(self._pages[0])
        except BaseException:
            self.close()
            raise

    @staticmethod
    def knows(path: Path) -> bool:
        """Return whether the file is a TIFF with smaller copies of its first picture."""
        with suppress(tifffile.TiffFileError), tifffile.TiffFile(path) as file:
            return bool(file.series) and len(file.series[0].levels) > 1
        return False

    def read(self, level: int, left: int, top: int, width: int, height: int) -> RgbImage:
        """Read a region of a level: see `Slide.read`."""
        page = self._pages[level]
        rgb = np.full((height, width, 3), 255, np.uint8)
        across = -(-page.imagewidth // page.tilewidth)
        for row in range(top // page.tilelength, -(-(top + height) // page.tilelength)):
            for column in range(left // page.tilewidth, -(-(left + width) // page.tilewidth)):
                tile = self._tile(page, row * across + column)
                if tile is not None:
                    _paste(rgb, tile, column * page.tilewidth - left, row * page.tilelength - top)
        return rgb

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _tile(self, page: tifffile.TiffPage, index: int) -> RgbImage | None:
        """Decode a tile; None for one that was left out because nothing is in it."""
        offset, count = page.dataoffsets[index], page.databytecounts[index]
        if not count:
            return None
        decode, tables = page.decode, page.jpegtables
        # After both, which read the file themselves.
        self._file.filehandle.seek(offset)
        data = self._file.filehandle.read(count)
        segment, _, _ = decode(data, index, jpegtables=tables)
        return None if segment is None else segment[0]

    def _info(self) -> SlideInfo:
        largest = self._pages[0]
        levels = tuple(
            Level(page.imagewidth, page.imagelength, largest.imagewidth / page.imagewidth)
            for page in self._pages
        )
        name = "OME-TIFF" if self._file.is_ome else "TIFF"
        return SlideInfo(name, levels, plausible(self._micrometres()))

    def _micrometres(self) -> float | None:
        """Read the size of a pixel from OME's description, else from TIFF's resolution."""
        described = re.search(r'PhysicalSizeX="([\d.eE+-]+)"', self._file.ome_metadata or "")
        if described:
            unit = re.search(r'PhysicalSizeXUnit="([^"]+)"', self._file.ome_metadata or "")
            with suppress(ValueError):
                return float(described[1]) * _MICROMETRES.get(unit[1] if unit else "µm", 0.0)
        page = self._pages[0]
        if page.resolutionunit == tifffile.RESUNIT.NONE or "XResolution" not in page.tags:
            return None
        with suppress(ZeroDivisionError):
            return _CENTIMETRE / page.get_resolution(tifffile.RESUNIT.CENTIMETER)[0]
        return None


def _page(level: tifffile.TiffPageSeries) -> tifffile.TiffPage:
    """Return the one page of a level.

    Raises:
        SlideError: Its pixels are none that can be read here.
    """
    first = level.pages[0]
    page = first.aspage() if isinstance(first, tifffile.TiffFrame) else first
    if page is None:
        raise SlideError(DAMAGED)
    interleaved = page.planarconfig == tifffile.PLANARCONFIG.CONTIG
    if page.dtype != np.uint8 or page.samplesperpixel != 3 or not interleaved:
        raise SlideError(PLAIN_RGB)
    of_jpeg = page.compression == tifffile.COMPRESSION.JPEG
    if page.photometric not in _PLAIN and not (of_jpeg and page.photometric == _YCBCR):
        raise SlideError(PLAIN_RGB)
    if not page.is_tiled or not 0 < page.tilewidth * page.tilelength <= MAX_SEGMENT_PIXELS:
        raise SlideError(UNTILED)
    return page


def _profile(page: tifffile.TiffPage) -> bytes | None:
    value = page.tags.valueof(_PROFILE)
    return value if isinstance(value, bytes) else None


def _paste(rgb: RgbImage, tile: RgbImage, left: int, top: int) -> None:
    """Copy a tile into a picture of which it may cover a part, and reach beyond it."""
    height, width = rgb.shape[:2]
    y1, y2 = max(0, top), min(height, top + tile.shape[0])
    x1, x2 = max(0, left), min(width, left + tile.shape[1])
    rgb[y1:y2, x1:x2] = tile[y1 - top : y2 - top, x1 - left : x2 - left]
