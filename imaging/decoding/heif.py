"""HEIC, by libheif through pillow-heif, and AVIF, by libavif through Pillow."""

from __future__ import annotations

import io
from functools import partial

import numpy as np
import pillow_heif
from PIL import Image

from core.translatable import translatable
from imaging.decoding import iso_media
from imaging.decoding.bounds import Picture
from imaging.decoding.errors import DAMAGED, ImageError, several, unread
from imaging.decoding.plain import open_image, orientation_of
from imaging.decoding.raster import Alpha, ColorModel, Raster, in_memory

pillow_heif.options.DECODE_THREADS = 2
pillow_heif.options.THUMBNAILS = False
pillow_heif.options.DEPTH_IMAGES = False
pillow_heif.options.AUX_IMAGES = False

_KINDS = {
    "L": (ColorModel.GREY, Alpha.NONE),
    "I": (ColorModel.GREY, Alpha.NONE),
    "LA": (ColorModel.GREY, Alpha.STRAIGHT),
    "La": (ColorModel.GREY, Alpha.PREMULTIPLIED),
    "RGB": (ColorModel.RGB, Alpha.NONE),
    "RGBA": (ColorModel.RGB, Alpha.STRAIGHT),
    "RGBa": (ColorModel.RGB, Alpha.PREMULTIPLIED),
}


def open_heif(data: bytes) -> Picture:
    """Read and check the header of a HEIC file.

    Raises:
        ImageError: If it holds several pictures or is of a kind that is not read.
        Exception: Whatever libheif raises.
    """
    found = _checked_sizes(data)
    file = pillow_heif.open_heif(data, convert_hdr_to_8bit=False, hdr_to_16bit=False)
    if len(file) != 1:
        raise several(translatable("{} in one HEIC").format(len(file)))
    image = file[0]
    if image.mode.partition(";")[0] not in _KINDS:
        raise unread(translatable("a HEIC with pixels of type {}").format(image.mode))
    width, height = image.size
    deep = ";" in image.mode
    return Picture(width, height, 8 if deep else 4, partial(_decode_heif, image, found))


def open_avif(data: bytes) -> Picture:
    """Read and check the header of an AVIF file.

    Raises:
        ImageError: If it holds several pictures or is of a kind that is not read.
        Exception: Whatever Pillow raises.
    """
    found = _checked_sizes(data)
    image = open_image(io.BytesIO(data), formats=("AVIF",))
    if getattr(image, "n_frames", 1) > 1:
        raise several(translatable("an animation"))
    if image.mode not in _KINDS:
        raise unread(translatable("an AVIF with pixels of type {}").format(image.mode))
    return Picture(*image.size, 4, partial(_decode_avif, image, found))


def _checked_sizes(data: bytes) -> iso_media.Properties:
    """Check that a file states its size; libheif and libavif allocate by that of each item."""
    found = iso_media.properties(data)
    if not found.sizes:
        raise ImageError(DAMAGED)
    return found


def _decode_heif(image: pillow_heif.HeifImage, found: iso_media.Properties) -> Raster:
    mode, _, deep = image.mode.partition(";")
    model, alpha = _KINDS[mode]
    bits = int(image.info.get("bit_depth", 8))
    samples = np.asarray(image)
    if samples.dtype != (np.uint16 if deep else np.uint8):
        raise ImageError(DAMAGED)
    if image.premultiplied_alpha and alpha is Alpha.STRAIGHT:
        alpha = Alpha.PREMULTIPLIED
    # Turned upright by libheif already: EXIF repeats what the file's own boxes say.
    raster = Raster(
        *in_memory(samples),
        file_format="HEIF",
        model=model,
        alpha=alpha,
        bits=bits if deep else None,
    )
    _color(raster, image.info.get("icc_profile"), found)
    return raster


def _decode_avif(image: Image.Image, found: iso_media.Properties) -> Raster:
    image.load()
    model, alpha = _KINDS[image.mode]
    raster = Raster(*in_memory(np.asarray(image)), file_format="AVIF", model=model, alpha=alpha)
    raster.orientation = orientation_of(image.getexif())
    _color(raster, image.info.get("icc_profile"), found)
    if max(found.bits, default=8) > 8:
        raster.notes.append(translatable("{}-bit AVIF, decoded to 8 bits.").format(max(found.bits)))
    return raster


def _color(raster: Raster, profile: object, found: iso_media.Properties) -> None:
    if isinstance(profile, bytes) and profile:
        raster.profile = profile
    elif found.profiled:
        raster.profile = b"unread"
    elif found.colors:
        name = "HEIC" if raster.file_format == "HEIF" else "AVIF"
        raster.profile, raster.gamma = found.colors[0].profile_and_gamma(name)
