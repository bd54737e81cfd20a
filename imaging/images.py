"""Bytes to checked RGB arrays, and arrays to what the networks take in."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps

from core.geometry import Boxes
from imaging.decoding.bounds import check_density, check_shape, check_structure
from imaging.decoding.errors import ImageError, decoder_errors_refused
from imaging.decoding.formats import check_extension, format_of

RgbImage = NDArray[np.uint8]
"""uint8, shape (height, width, 3), RGB, 0..255."""

MIN_SIDE = 16
LETTERBOX_GREY = 114
_STRIP = 256

# The limit is ours, checked on the header of every file before a pixel is decoded;
# Pillow's own would refuse stitched fields that we allow.
Image.MAX_IMAGE_PIXELS = None

# Kept from here: where ultralytics is loaded too, it replaces Image.open by one that, for files of
# no known kind, looks for a further package and fails otherwise.
_open_image = Image.open


@dataclass(frozen=True)
class ImageLimits:
    """The largest file taken: `max_bytes` of upload, `max_pixels` of decoded image."""

    max_bytes: int = 64 * 2**20
    max_pixels: int = 120_000_000


@dataclass(frozen=True)
class UploadedImage:
    """One decoded upload.

    Attributes:
        rgb: uint8 (h, w, 3), upright sRGB.
        format: Of the file, as Pillow names it.
        sha256: Of the file's bytes, in hexadecimal.
        notes: What was converted, a sentence each.
    """

    rgb: RgbImage
    format: str
    sha256: str
    notes: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """Width of the upright image in pixels."""
        return self.rgb.shape[1]

    @property
    def height(self) -> int:
        """Height of the upright image in pixels."""
        return self.rgb.shape[0]


def read_image(
    data: bytes, limits: ImageLimits | None = None, file_name: str = ""
) -> UploadedImage:
    """Decode an uploaded file into upright 8-bit sRGB.

    Args:
        data: The whole file.
        limits: The largest file and image taken.
        file_name: The name that the person gave it; its extension must fit the content.

    Raises:
        ImageError: When it is empty, too large in bytes or pixels, no PNG, JPEG, TIFF, BMP or
            WebP, named as another format, made to cost far more than an image does, animated, of
            several pages, incomplete, damaged, or of a pixel type without fixed range.
    """
    limits = limits or ImageLimits()
    with decoder_errors_refused(), _open_checked(data, limits, file_name) as image:
        rgb, notes = _to_rgb(_decode(image))
        kind = "JPEG" if image.format == "MPO" else str(image.format)
    return UploadedImage(rgb, kind, hashlib.sha256(data).hexdigest(), notes)


def check_image(data: bytes, limits: ImageLimits | None = None, file_name: str = "") -> None:
    """Check an uploaded file without decoding a pixel.

    Raises:
        ImageError: As `read_image` does, but for what is incomplete or damaged further on.
    """
    with decoder_errors_refused(), _open_checked(data, limits or ImageLimits(), file_name):
        pass


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


def _check_bytes(data: bytes, limits: ImageLimits) -> None:
    if not data:
        raise ImageError("The file is empty. Choose the image again.")
    if len(data) > limits.max_bytes:
        raise ImageError(
            f"The file is too large: at most {limits.max_bytes / 2**20:.0f} MiB are taken. "
            "Save it as PNG or JPEG, or cut it into parts."
        )


def _open_checked(data: bytes, limits: ImageLimits, file_name: str) -> Image.Image:
    """Open a file, and check all that can be without decoding a pixel."""
    _check_bytes(data, limits)
    file_format = format_of(data)
    check_extension(file_name, file_format)
    check_structure(data, file_format)
    image = _open_image(io.BytesIO(data), formats=(file_format,))
    _check_header(image, limits)
    check_shape(*image.size)
    check_density(*image.size, len(data))
    return image


def _check_header(image: Image.Image, limits: ImageLimits) -> None:
    width, height = image.size
    if width * height > limits.max_pixels:
        raise ImageError(
            f"The image has {width} × {height} pixels; at most "
            f"{limits.max_pixels / 1e6:.0f} megapixels are taken. Cut it into parts."
        )
    if min(width, height) < MIN_SIDE:
        raise ImageError(
            f"The image is only {width} × {height} pixels; at least {MIN_SIDE} × {MIN_SIDE} "
            "are needed."
        )
    if image.mode in ("I", "F"):
        raise ImageError(
            "The image has 32-bit pixels without a fixed range. Save it with 8 or 16 bits "
            "a channel."
        )
    # MPO is a camera's JPEG with further views behind the first, which is the picture itself.
    if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":
        raise ImageError(
            "The file holds several pictures (an animation or several pages). Save the one you "
            "mean as a file of its own."
        )


def _decode(image: Image.Image) -> Image.Image:
    image.load()
    ImageOps.exif_transpose(image, in_place=True)
    return image


def _to_rgb(image: Image.Image) -> tuple[RgbImage, tuple[str, ...]]:
    """Convert any pixel type to RGB uint8, telling what was changed."""
    if image.mode.startswith("I;16"):
        return _from_16_bit(image), ("16-bit grey values were scaled to 8 bits.",)
    notes: list[str] = []
    for step in (_apply_profile, _flatten_alpha, _plain_rgb):
        image, note = step(image)
        notes.extend([note] if note else [])
    return _pixels(image), tuple(notes)


def _strips(image: Image.Image) -> Iterator[tuple[int, int, int, int]]:
    """Cover an image with boxes: converted at once, it needs twice the memory."""
    for top in range(0, image.height, _STRIP):
        yield 0, top, image.width, min(image.height, top + _STRIP)


def _pixels(image: Image.Image) -> RgbImage:
    """Copy the pixels of an RGB image."""
    rgb = np.empty((image.height, image.width, 3), np.uint8)
    for box in _strips(image):
        rgb[box[1] : box[3]] = np.asarray(image.crop(box))
    return rgb


def _from_16_bit(image: Image.Image) -> RgbImage:
    rgb = np.empty((image.height, image.width, 3), np.uint8)
    for box in _strips(image):
        rgb[box[1] : box[3]] = (np.asarray(image.crop(box)) // 257)[..., None]
    return rgb


def _apply_profile(image: Image.Image) -> tuple[Image.Image, str | None]:
    """Convert by an embedded profile to sRGB; a broken one changes nothing."""
    profile = image.info.get("icc_profile")
    if not profile or image.mode not in ("RGB", "CMYK"):
        return image, None
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "srgb" in ImageCms.getProfileDescription(source).lower():
            return image, None
        target = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        return image, "The embedded colour profile is damaged and was left out."
    return converted or image, "Colours were converted to sRGB by the embedded profile."


def _flatten_alpha(image: Image.Image) -> tuple[Image.Image, str | None]:
    """Put transparent images on black, as cut-out cells are known."""
    if not image.has_transparency_data:
        return image, None
    flat, transparent = Image.new("RGB", image.size), False
    for box in _strips(image):
        strip = image.crop(box).convert("RGBA")
        transparent |= strip.getchannel("A").getextrema() != (255, 255)
        ground = Image.new("RGBA", strip.size, (0, 0, 0, 255))
        flat.paste(Image.alpha_composite(ground, strip).convert("RGB"), box)
    return flat, "Transparent parts were made black." if transparent else None


def _plain_rgb(image: Image.Image) -> tuple[Image.Image, str | None]:
    if image.mode == "RGB":
        return image, None
    note = "CMYK colours were converted to RGB." if image.mode == "CMYK" else None
    return image.convert("RGB"), note
