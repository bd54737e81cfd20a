"""Slides in sRGB, as fields are, where a scanner embeds its profile."""

from __future__ import annotations

from dataclasses import dataclass

from imaging.decoding.color import ToSrgb, profile_to_srgb
from imaging.decoding.raster import ColorModel
from imaging.images import RgbImage
from imaging.slides.slide import Slide, SlideInfo


def in_srgb(slide: Slide) -> Slide:
    """Return a slide whose regions are sRGB; the same one where its profile changes nothing."""
    if slide.profile is None:
        return slide
    convert, _ = profile_to_srgb(slide.profile, ColorModel.RGB)
    return slide if convert is None else _Converted(slide, convert)


@dataclass(frozen=True)
class _Converted:
    """A slide whose regions are converted as they are read."""

    slide: Slide
    convert: ToSrgb
    profile: None = None

    @property
    def info(self) -> SlideInfo:
        """Return what the file says of itself."""
        return self.slide.info

    def read(self, level: int, left: int, top: int, width: int, height: int) -> RgbImage:
        """Read a region of a level: see `Slide.read`."""
        return self.convert(self.slide.read(level, left, top, width, height))

    def close(self) -> None:
        """Close the file."""
        self.slide.close()
