"""Slides of scanners, read by OpenSlide."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
import openslide

from imaging.images import RgbImage
from imaging.slides.slide import Level, SlideInfo, plausible

FORMATS = {
    "aperio": "SVS",
    "dicom": "DICOM",
    "generic-tiff": "TIFF",
    "hamamatsu": "NDPI",
    "leica": "SCN",
    "mirax": "MRXS",
    "philips-tiff": "Philips TIFF",
    "ventana": "BIF",
    "zeiss": "CZI",
}
"""The formats by OpenSlide's names of their vendors; another goes by its vendor."""

WHITE = 255


class OpenSlideReader:
    """One slide, as OpenSlide reads it."""

    def __init__(self, path: Path) -> None:
        self._slide = openslide.OpenSlide(path)
        self.info = _info(self._slide)
        self.profile = _profile(self._slide)

    @staticmethod
    def knows(path: Path) -> bool:
        """Return whether OpenSlide takes the file for a slide."""
        return openslide.OpenSlide.detect_format(path) is not None

    def read(self, level: int, left: int, top: int, width: int, height: int) -> RgbImage:
        """Read a region of a level: see `Slide.read`."""
        downsample = self._slide.level_downsamples[level]
        # OpenSlide counts places in pixels of the largest level, whatever level is read.
        place = round(left * downsample), round(top * downsample)
        rgba = np.asarray(self._slide.read_region(place, level, (width, height)))
        rgb = np.ascontiguousarray(rgba[..., :3])
        # What was not scanned is transparent and black.
        rgb[rgba[..., 3] == 0] = WHITE
        return rgb

    def close(self) -> None:
        """Close the file."""
        self._slide.close()


def _info(slide: openslide.OpenSlide) -> SlideInfo:
    properties = slide.properties
    vendor = properties.get(openslide.PROPERTY_NAME_VENDOR, "slide")
    sizes = zip(slide.level_dimensions, slide.level_downsamples, strict=True)
    return SlideInfo(
        FORMATS.get(vendor, vendor),
        tuple(Level(width, height, downsample) for (width, height), downsample in sizes),
        plausible(_number(properties, openslide.PROPERTY_NAME_MPP_X)),
        _number(properties, openslide.PROPERTY_NAME_OBJECTIVE_POWER),
    )


def _profile(slide: openslide.OpenSlide) -> bytes | None:
    # A damaged one is left out, as a field's is.
    with suppress(openslide.OpenSlideError, OSError):
        profile = slide.color_profile
        return profile and profile.tobytes()
    return None


def _number(properties: Mapping[str, str], name: str) -> float | None:
    with suppress(KeyError, ValueError):
        return float(properties[name])
    return None
