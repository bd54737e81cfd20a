"""PNG of 16 bits, which Pillow cuts to 8: decoded by libpng through imagecodecs."""

from __future__ import annotations

import io
from functools import partial

import imagecodecs
import numpy as np
from PIL import Image

from core.translatable import translatable
from imaging.decoding import png
from imaging.decoding.bounds import Picture
from imaging.decoding.errors import DAMAGED, ImageError, several
from imaging.decoding.plain import color_of_png, open_image, orientation_of
from imaging.decoding.raster import Alpha, ColorModel, Raster, in_memory


def open_png16(data: bytes) -> Picture:
    """Read and check the header of a PNG of 16 bits.

    Raises:
        ImageError: If it has too many parts or is an animation.
        Exception: Whatever Pillow raises.
    """
    png.check(data)
    image = open_image(io.BytesIO(data), formats=("PNG",))
    if getattr(image, "n_frames", 1) > 1:
        raise several(translatable("an animation"))
    return Picture(*image.size, 8, partial(_decode, image, data))


def _decode(image: Image.Image, data: bytes) -> Raster:
    png.check_sums(data)
    samples = np.asarray(imagecodecs.png_decode(data))
    samples = samples if samples.ndim == 3 else samples[..., None]
    if samples.shape[:2] != (image.height, image.width) or samples.dtype != np.uint16:
        raise ImageError(DAMAGED)
    channels = samples.shape[2]
    profile = image.info.get("icc_profile")
    raster = Raster(
        *in_memory(samples),
        file_format="PNG",
        model=ColorModel.RGB if channels >= 3 else ColorModel.GREY,
        alpha=Alpha.STRAIGHT if channels in (2, 4) else Alpha.NONE,
        profile=profile if isinstance(profile, bytes) and profile else None,
    )
    color_of_png(raster, image, data)
    # Behind the pixels too, so that all must be read first.
    image.load()
    raster.orientation = orientation_of(image.getexif())
    return raster
