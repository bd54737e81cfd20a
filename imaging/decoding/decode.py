"""The one way from the bytes of a file to pixels, whatever format it has."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from imaging.decoding import png
from imaging.decoding.bounds import ImageLimits, Picture, check_end, check_picture
from imaging.decoding.formats import BY_KEY
from imaging.decoding.plain import open_plain
from imaging.decoding.render import Reading, Rgb, render

_DEEP = 16
_ALWAYS_COMPRESSED = ("WEBP", "HEIF", "AVIF", "JPEG2000")
"""A JPEG's end is its marker, which may be followed by zeros, and PNG has sums."""


def is_isolated(data: bytes, file_format: str) -> bool:
    """Tell whether a file is decoded in a process of its own."""
    return BY_KEY[file_format].isolated or _is_deep_png(data, file_format)


def check(data: bytes, file_format: str, limits: ImageLimits) -> Picture:
    """Read and check the header of a file, in this process.

    Raises:
        ImageError: If it is refused.
        Exception: Whatever a library raises for a damaged one.
    """
    picture = _opener(data, file_format)(data)
    check_picture(picture, len(data), limits)
    if file_format in _ALWAYS_COMPRESSED:
        check_end(data)
    return picture


def decode(
    data: bytes, file_format: str, limits: ImageLimits
) -> tuple[Rgb, Reading, tuple[str, ...]]:
    """Decode a file in this process.

    Returns:
        As `render.render` does.

    Raises:
        ImageError: If it is refused.
        Exception: Whatever a library raises for a damaged one.
    """
    return render(check(data, file_format, limits).decode())


def _opener(data: bytes, file_format: str) -> Callable[[bytes], Picture]:
    if _is_deep_png(data, file_format):
        from imaging.decoding.png16 import open_png16

        return open_png16
    if not BY_KEY[file_format].isolated:
        return partial(open_plain, file_format=file_format)
    # Loaded by the process that decodes with them, and by no other.
    from imaging.decoding.isolated_formats import OPENERS

    return OPENERS[file_format]


def _is_deep_png(data: bytes, file_format: str) -> bool:
    return file_format == "PNG" and png.depth_of(data) == _DEEP
