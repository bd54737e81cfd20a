"""Limit the size of a file and its image, by the header, before anything is decoded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.translatable import translatable
from imaging.decoding.errors import DAMAGED, ImageError
from imaging.decoding.raster import Raster

MIN_SIDE = 16

PLAIN_PIXELS = 24_000_000
"""Pixels that a file of any size may have: one camera's field, however blank or dark."""

PIXELS_PER_BYTE = 500
"""Further pixels for each byte. Fields have 1 to 52, dark ones to 370; a blank RGB image reaches
344 as PNG, so that whatever is kept as PNG can be read again."""

MAX_ELONGATION = 20
"""Times that an image may be as long as it is wide: windows around its cells are square."""

MAX_ZEROS = 1024
"""Zeros at the end of compressed data; some programs fill up to a whole sector of 512 bytes."""

BYTES_PER_PIXEL = 8
"""Decoded samples of one pixel at the largest size: four channels of 16 bits."""


@dataclass(frozen=True)
class ImageLimits:
    """The largest file taken: `max_bytes` of upload, `max_pixels` of decoded image."""

    max_bytes: int = 64 * 2**20
    max_pixels: int = 120_000_000


@dataclass(frozen=True)
class Picture:
    """Describe the image in a file by its header, and how to decode it.

    Attributes:
        width: In pixels, before it is turned upright.
        height: Likewise.
        pixel_bytes: Decoded bytes of one pixel.
        decode: Decodes the samples.
    """

    width: int
    height: int
    pixel_bytes: int
    decode: Callable[[], Raster]


def check_bytes(data: bytes, limits: ImageLimits) -> None:
    """Check that a file is neither empty nor too large.

    Raises:
        ImageError: If it is.
    """
    if not data:
        raise ImageError(translatable("The file is empty. Choose the image again."))
    if len(data) > limits.max_bytes:
        raise ImageError(
            translatable(
                "The file is too large: at most {:.0f} MiB are taken. Save it as PNG or JPEG, "
                "or cut it into parts."
            ).format(limits.max_bytes / 2**20)
        )


def check_picture(picture: Picture, file_bytes: int, limits: ImageLimits) -> None:
    """Check size, shape and density of what a header promises.

    Raises:
        ImageError: If it is too large, too small, a mere line or nearly without data.
    """
    width, height = picture.width, picture.height
    if width * height > limits.max_pixels:
        raise ImageError(
            translatable(
                "The image has {} × {} pixels; at most {:.0f} megapixels are taken. Cut it "
                "into parts."
            ).format(width, height, limits.max_pixels / 1e6)
        )
    if min(width, height) < MIN_SIDE:
        raise ImageError(
            translatable("The image is only {} × {} pixels; at least {} × {} are needed.").format(
                width, height, MIN_SIDE, MIN_SIDE
            )
        )
    if width * height * picture.pixel_bytes > limits.max_pixels * BYTES_PER_PIXEL:
        raise ImageError(
            translatable(
                "The image has {} × {} pixels of {} bytes each, more than is taken. Save it "
                "with 8 bits a channel, or cut it into parts."
            ).format(width, height, picture.pixel_bytes)
        )
    check_shape(width, height)
    check_density(width, height, file_bytes)


def check_end(compressed: bytes) -> None:
    """Check that compressed data does not end in zeros, as where copying was interrupted.

    Decoders of WebP, HEIC, AVIF, JPEG and JPEG 2000 make a picture of them, grey or smeared.

    Raises:
        ImageError: If it does.
    """
    if len(compressed) > MAX_ZEROS and not any(compressed[-MAX_ZEROS:]):
        raise ImageError(DAMAGED)


def check_density(width: int, height: int, file_bytes: int) -> None:
    """Check that a large image has some data behind its pixels.

    Raises:
        ImageError: If a few bytes claim a huge image.
    """
    if width * height > PLAIN_PIXELS + PIXELS_PER_BYTE * file_bytes:
        raise ImageError(
            translatable(
                "The file claims {} × {} pixels but holds almost no data. Export the image "
                "again, or cut it into parts."
            ).format(width, height)
        )


def check_shape(width: int, height: int) -> None:
    """Check that an image is not a mere line.

    Raises:
        ImageError: If it is far longer than wide.
    """
    if max(width, height) > MAX_ELONGATION * min(width, height):
        raise ImageError(
            translatable(
                "The image has {} × {} pixels; at most {} times as long as wide is taken. Cut "
                "it into parts."
            ).format(width, height, MAX_ELONGATION)
        )
