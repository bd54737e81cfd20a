"""A laboratory's logo: checked, and encoded anew, so that nothing else of the file is kept."""

from __future__ import annotations

import io

from PIL import Image, ImageOps

from imaging.decoding.errors import ImageError, decoder_errors_refused
from imaging.decoding.plain import open_image

MAX_BYTES = 512 * 1024
MIN_SIDE, MAX_SIDE = 32, 4000
PRINTED = (1200, 600)
"""The largest width and height in pixels that are kept: 300 dpi on some 10 by 5 cm."""

FORMATS = ("PNG", "JPEG")
EMPTY = "Choose a logo."
TOO_LARGE = f"The file is too large. A logo has at most {MAX_BYTES // 1024} kB."
NO_LOGO = "This is neither a PNG nor a JPEG. Save the logo as one of them."
WRONG_SIZE = f"Width and height of a logo must be {MIN_SIDE} to {MAX_SIDE} pixels each."


def read_logo(data: bytes) -> bytes:
    """Encode a logo as PNG in RGB, upright, on white, no larger than `PRINTED`.

    Args:
        data: A whole PNG or JPEG file.

    Raises:
        ImageError: It is empty, too large, of another format, damaged, or its sides are not within
            `MIN_SIDE` and `MAX_SIDE`.
    """
    if not data:
        raise ImageError(EMPTY)
    if len(data) > MAX_BYTES:
        raise ImageError(TOO_LARGE)
    with decoder_errors_refused():
        return _encoded(_opened(data))


def _opened(data: bytes) -> Image.Image:
    try:
        image = open_image(io.BytesIO(data), formats=FORMATS)
    except OSError as error:
        raise ImageError(NO_LOGO) from error
    if not all(MIN_SIDE <= side <= MAX_SIDE for side in image.size):
        raise ImageError(WRONG_SIZE)
    return image


def _encoded(image: Image.Image) -> bytes:
    upright = ImageOps.exif_transpose(image)
    if upright.has_transparency_data:
        paper = Image.new("RGBA", upright.size, "white")
        paper.alpha_composite(upright.convert("RGBA"))
        upright = paper
    printed = upright.convert("RGB")
    printed.thumbnail(PRINTED)
    # A new image: what the file said beside its pixels stays behind.
    clean = Image.frombytes("RGB", printed.size, printed.tobytes())
    buffer = io.BytesIO()
    clean.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
