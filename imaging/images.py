"""Bytes to checked RGB arrays, and arrays to what the networks take in."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.geometry import Boxes
from imaging.decoding.bounds import ImageLimits, check_bytes
from imaging.decoding.decode import check, decode, is_isolated
from imaging.decoding.errors import decoder_errors_refused
from imaging.decoding.formats import check_extension, format_of
from imaging.decoding.process import check_isolated, decode_isolated
from imaging.decoding.render import Reading

RgbImage = NDArray[np.uint8]
"""uint8, shape (height, width, 3), RGB, 0..255."""

LETTERBOX_GREY = 114


@dataclass(frozen=True)
class UploadedImage:
    """One decoded upload.

    Attributes:
        rgb: uint8 (h, w, 3), upright sRGB.
        format: Of the file, a key of `imaging.decoding.formats.FORMATS`.
        sha256: Of the file's bytes, in hexadecimal.
        reading: How its values became pixels.
        notes: What was scaled and converted, a sentence each.
    """

    rgb: RgbImage
    format: str
    sha256: str
    reading: Reading
    notes: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """Width of the upright image in pixels."""
        return self.rgb.shape[1]

    @property
    def height(self) -> int:
        """Height of the upright image in pixels."""
        return self.rgb.shape[0]

    def reading_to_dict(self) -> dict[str, Any]:
        """Serialise how it was read, and what was said of it, to values that JSON takes."""
        return {**self.reading.to_dict(), "notes": list(self.notes)}


def read_image(
    data: bytes, limits: ImageLimits | None = None, file_name: str = ""
) -> UploadedImage:
    """Decode an uploaded file into upright 8-bit sRGB.

    Args:
        data: The whole file.
        limits: The largest file and image taken.
        file_name: The name that the person gave it; its extension must fit the content.

    Raises:
        ImageError: When it is empty, too large in bytes or pixels, of no format in
            `imaging.decoding.formats.FORMATS`, named as another format, made to cost far more than
            an image does, of several pictures, incomplete, damaged, or of a kind whose values or
            colours cannot be told.
    """
    limits = limits or ImageLimits()
    with decoder_errors_refused():
        kind = _checked_format(data, limits, file_name)
        read = decode_isolated if is_isolated(data, kind) else decode
        rgb, reading, notes = read(data, kind, limits)
    return UploadedImage(rgb, kind, hashlib.sha256(data).hexdigest(), reading, notes)


def check_image(data: bytes, limits: ImageLimits | None = None, file_name: str = "") -> None:
    """Check an uploaded file without decoding a pixel.

    Raises:
        ImageError: As `read_image` does, but for what is incomplete or damaged further on.
    """
    limits = limits or ImageLimits()
    with decoder_errors_refused():
        kind = _checked_format(data, limits, file_name)
        (check_isolated if is_isolated(data, kind) else check)(data, kind, limits)


def encode_png(rgb: RgbImage, compress_level: int = 3) -> bytes:
    """Encode pixels as PNG without any metadata.

    Args:
        rgb: uint8 (h, w, 3) RGB.
        compress_level: 0 (fast and large) to 9 (slow and small).
    """
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "PNG", compress_level=compress_level)
    return buffer.getvalue()


def resize(rgb: RgbImage, width: int, height: int, reducing_gap: float | None = None) -> RgbImage:
    """Resize pixels bilinearly, antialiased when shrinking.

    Args:
        rgb: uint8 (h, w, 3) RGB.
        width: Wanted, in pixels.
        height: Wanted, in pixels.
        reducing_gap: Averages whole blocks first, as long as the image stays so many times larger
            than wanted: twice as fast, a third of a grey level off on average.

    Returns:
        uint8 (height, width, 3) RGB; the same array where it has that size.
    """
    if rgb.shape[:2] == (height, width):
        return rgb
    image = Image.fromarray(rgb).resize(
        (width, height), Image.Resampling.BILINEAR, reducing_gap=reducing_gap
    )
    return np.asarray(image)


def centre_square(rgb: RgbImage) -> RgbImage:
    """Cut the largest centred square (a view, not a copy)."""
    height, width = rgb.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return rgb[top : top + side, left : left + side]


def min_max(rgb: NDArray[Any]) -> NDArray[np.float32]:
    """Rescale an image to 0..1 by its own minimum and maximum.

    The paper's normalisation: (pixel - min) / (max - min).

    Args:
        rgb: (h, w, 3), of any range.

    Returns:
        float32 of the same shape, in 0..1; a flat image gives 0.
    """
    values = rgb.astype(np.float32)
    low, high = float(values.min()), float(values.max())
    return (values - low) / max(high - low, 1.0)


def classifier_input(rgb: RgbImage, size: int = 300, stretched: bool = True) -> NDArray[np.float32]:
    """Prepare one cell image for the classifier.

    Args:
        rgb: uint8 (h, w, 3) RGB.
        size: Side of what the network takes in, in pixels.
        stretched: Rescale it by its own minimum and maximum, as the paper does; else by 255, so
            that it stays as dark and as pale as it is.

    Returns:
        float32 (size, size, 3) RGB in 0..1.
    """
    square = resize(centre_square(rgb), size, size)
    return min_max(square) if stretched else np.divide(square, 255, dtype=np.float32)


@dataclass(frozen=True)
class Letterbox:
    """A field in the middle of a grey frame, and how to undo it.

    Attributes:
        pixels: float32 (3, h, w) RGB in 0..1.
        scale: Network pixels for one of the field.
        left: Grey columns at the left, in network pixels.
        top: Grey rows at the top, in network pixels.
    """

    pixels: NDArray[np.float32]
    scale: float
    left: int
    top: int

    def to_field(self, boxes: Boxes) -> Boxes:
        """Map boxes (n, 4) from network pixels to field pixels."""
        offset = np.array([self.left, self.top, self.left, self.top], np.float32)
        return (boxes - offset) / np.float32(self.scale)


def scaled_size(rgb: RgbImage, scale: float) -> tuple[int, int]:
    """Compute height and width in pixels of an image at a scale."""
    height, width = rgb.shape[:2]
    return max(1, round(height * scale)), max(1, round(width * scale))


def detector_input(rgb: RgbImage, frame: tuple[int, int], scale: float) -> Letterbox:
    """Fit a field into the middle of a grey frame.

    Args:
        rgb: uint8 (h, w, 3) RGB.
        frame: Height and width of the frame, in pixels.
        scale: By what the field is resized, so that it fits.
    """
    height, width = scaled_size(rgb, scale)
    top, left = (frame[0] - height) // 2, (frame[1] - width) // 2
    canvas = np.full((*frame, 3), LETTERBOX_GREY, np.uint8)
    canvas[top : top + height, left : left + width] = resize(rgb, width, height, reducing_gap=1.3)
    pixels = np.ascontiguousarray(canvas.transpose(2, 0, 1), np.float32) / np.float32(255)
    return Letterbox(pixels, scale, left, top)


def _checked_format(data: bytes, limits: ImageLimits, file_name: str) -> str:
    check_bytes(data, limits)
    kind = format_of(data)
    check_extension(file_name, kind)
    return kind
