"""How much work a file may ask for, checked in one linear pass before any decoder sees it."""

from __future__ import annotations

from imaging.decoding import bmp, jpeg, png, tiff, webp
from imaging.decoding.errors import ImageError

PLAIN_PIXELS = 24_000_000
"""Pixels that a file of any size may have: one camera's field, however blank or dark."""

PIXELS_PER_BYTE = 500
"""Further pixels for each byte. Fields have 1 to 52, dark ones to 370; a blank RGB image reaches
344 as PNG, so that whatever is kept as PNG can be read again."""

MAX_ELONGATION = 20
"""Times that an image may be as long as it is wide: windows around its cells are square."""

_CHECKS = {
    "PNG": png.check,
    "JPEG": jpeg.check,
    "TIFF": tiff.check,
    "BMP": bmp.check,
    "WEBP": webp.check,
}


def check_structure(data: bytes, file_format: str) -> None:
    """Check that a file has no more parts than decoding allows.

    Raises:
        ImageError: If it has too many.
    """
    _CHECKS[file_format](data)


def check_density(width: int, height: int, file_bytes: int) -> None:
    """Check that a large image has some data behind its pixels.

    Raises:
        ImageError: If a few bytes claim a huge image.
    """
    if width * height > PLAIN_PIXELS + PIXELS_PER_BYTE * file_bytes:
        raise ImageError(
            f"The file claims {width} × {height} pixels but holds almost no data. "
            "Export the image again, or cut it into parts."
        )


def check_shape(width: int, height: int) -> None:
    """Check that an image is not a mere line.

    Raises:
        ImageError: If it is far longer than wide.
    """
    if max(width, height) > MAX_ELONGATION * min(width, height):
        raise ImageError(
            f"The image has {width} × {height} pixels; at most {MAX_ELONGATION} times as long as "
            "wide is taken. Cut it into parts."
        )
