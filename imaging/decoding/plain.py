"""PNG of up to 8 bits, JPEG, BMP and WebP: decoded by Pillow."""

from __future__ import annotations

import io
from functools import partial

import numpy as np
from PIL import Image

from core.translatable import translatable
from imaging.decoding import bmp, jpeg, png, webp
from imaging.decoding.bounds import Picture
from imaging.decoding.color import adobe_rgb_profile, primaries_profile
from imaging.decoding.errors import DAMAGED, ImageError, several, unread
from imaging.decoding.formats import BY_KEY
from imaging.decoding.raster import Alpha, ColorModel, Raster, Samples

# The limit is ours, checked on the header of every file before a pixel is decoded;
# Pillow's own would refuse stitched fields that we allow.
Image.MAX_IMAGE_PIXELS = None

# Kept from here: where ultralytics is loaded too, it replaces Image.open by one that, for files of
# no known kind, looks for a further package and fails otherwise.
open_image = Image.open

CHECKS = {"PNG": png.check, "JPEG": jpeg.check, "BMP": bmp.check, "WEBP": webp.check}

_MODELS = {
    "1": (ColorModel.GREY, "L"),
    "L": (ColorModel.GREY, "L"),
    "LA": (ColorModel.GREY, "LA"),
    "P": (ColorModel.RGB, "RGB"),
    "RGB": (ColorModel.RGB, "RGB"),
    "RGBA": (ColorModel.RGB, "RGBA"),
    "CMYK": (ColorModel.CMYK, "CMYK"),
}
_UNSUPPORTED_BMP = "Unsupported BMP"
_ORIENTATION, _INTEROP, _INTEROP_INDEX = 0x0112, 0xA005, 1
_SRGB_GAMMA, _NEAR, _LEAST_GAMMA = 0.45455, 0.02, 0.2


def open_plain(data: bytes, file_format: str) -> Picture:
    """Read and check the header of a file that Pillow decodes.

    Raises:
        ImageError: If it has too many parts, several pictures or pixels that Pillow reads wrongly.
        Exception: Whatever Pillow raises.
    """
    CHECKS[file_format](data)
    if file_format == "JPEG":
        _check_jpeg(data)
    image = _open(data, file_format)
    # MPO is a camera's JPEG with further views behind the first, which is the picture itself.
    if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":
        raise several(translatable("an animation"))
    if image.mode == "CMYK" and "adobe" not in image.info:
        # Pillow takes 0 for full ink, as Adobe does; others take it for none.
        raise unread(translatable("a JPEG of inks that does not state which end is white"))
    if image.mode not in _MODELS:
        raise unread(
            translatable("a {} with pixels of type {}").format(BY_KEY[file_format].name, image.mode)
        )
    width, height = image.size
    return Picture(width, height, 4, partial(_decode, image, data, file_format))


def _open(data: bytes, file_format: str) -> Image.Image:
    try:
        return open_image(io.BytesIO(data), formats=(file_format,))
    except OSError as error:
        if str(error).startswith(_UNSUPPORTED_BMP):
            raise unread(translatable("a BMP of a rare kind")) from error
        raise


def orientation_of(exif: Image.Exif) -> int:
    """Return EXIF's orientation, 1..8; 1 for what makes no sense."""
    value = exif.get(_ORIENTATION, 1)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def marked_adobe_rgb(exif: Image.Exif) -> bool:
    """Tell whether a camera marked Adobe RGB, as DCF 2.0 has it, without a profile."""
    return exif.get_ifd(_INTEROP).get(_INTEROP_INDEX) == "R03"


def _check_jpeg(data: bytes) -> None:
    frame = jpeg.frame_of(data)
    if frame is None:
        raise ImageError(DAMAGED)
    if frame.bits != 8 or frame.kind not in jpeg.READ:
        raise unread(f"a JPEG of {frame.bits} bits, {jpeg.KINDS.get(frame.kind, 'of a rare kind')}")


def _decode(image: Image.Image, data: bytes, file_format: str) -> Raster:
    if file_format == "PNG":
        png.check_sums(data)
    image.load()
    if file_format == "JPEG":
        jpeg.check_pixels(data)
    _check_palette(image)
    _scale_transparent_grey(image, data, file_format)
    exif = image.getexif()
    raster = _raster(image, file_format)
    raster.orientation = orientation_of(exif)
    raster.profile = _profile(image, data, file_format)
    if raster.profile is None and file_format == "JPEG" and marked_adobe_rgb(exif):
        raster.profile = adobe_rgb_profile()
    if file_format == "PNG":
        color_of_png(raster, image, data)
    return raster


def _check_palette(image: Image.Image) -> None:
    """Check that no pixel lies beyond the end of its palette, where Pillow shows black."""
    if image.mode == "P" and image.palette is not None:
        highest = int(np.asarray(image).max())
        if highest >= len(image.palette.palette) // len(image.palette.mode):
            raise ImageError(DAMAGED)


def _scale_transparent_grey(image: Image.Image, data: bytes, file_format: str) -> None:
    """Bring the grey that is transparent to 8 bits, as Pillow does with the pixels alone."""
    level = image.info.get("transparency")
    if file_format == "PNG" and image.mode == "L" and isinstance(level, int):
        image.info["transparency"] = level * 255 // (2 ** png.depth_of(data) - 1)


def _raster(image: Image.Image, file_format: str) -> Raster:
    model, mode = _MODELS[image.mode]
    if image.has_transparency_data and mode in ("L", "RGB"):
        # A colour, or entries of the palette, that stand for transparent.
        model, mode = (ColorModel.GREY, "LA") if mode == "L" else (ColorModel.RGB, "RGBA")
    transparent = mode in ("LA", "RGBA")

    def rows(top: int, end: int) -> Samples:
        strip = image.crop((0, top, image.width, end))
        pixels = np.asarray(strip if strip.mode == mode else strip.convert(mode))
        return pixels if pixels.ndim == 3 else pixels[..., None]

    return Raster(
        rows,
        image.height,
        image.width,
        np.dtype(np.uint8),
        file_format,
        model,
        alpha=Alpha.STRAIGHT if transparent else Alpha.NONE,
    )


def color_of_png(raster: Raster, image: Image.Image, data: bytes) -> None:
    """Take code points, profile or gamma of a PNG, in the order of its standard."""
    if points := png.code_points(data):
        raster.profile, raster.gamma = points.profile_and_gamma("PNG")
    elif png.is_profiled(data):
        # What Pillow could not unpack is damaged, and told so.
        raster.profile = raster.profile or b"unread"
    elif "srgb" not in image.info:
        _gamma_and_primaries(raster, image.info.get("gamma") or None, data)


def _gamma_and_primaries(raster: Raster, stated: float | None, data: bytes) -> None:
    if stated and not _LEAST_GAMMA <= stated <= 1 / _LEAST_GAMMA:
        raise unread(
            translatable("a {} with an unusual transfer function ({})").format("PNG", stated)
        )
    raster.profile = primaries_profile(*png.chromaticities(data), stated and 1 / stated)
    if stated and abs(stated - _SRGB_GAMMA) > _NEAR:
        raster.gamma = 1 / stated


def _profile(image: Image.Image, data: bytes, file_format: str) -> bytes | None:
    if file_format == "BMP":
        return bmp.profile_of(data)
    profile = image.info.get("icc_profile")
    if isinstance(profile, bytes) and profile:
        return profile
    # A JPEG's in parts, of which some are missing or come twice, is None there.
    return b"unread" if "icc_profile" in image.info else None
