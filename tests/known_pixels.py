"""Pictures whose pixels are known, and the values that a camera of any depth has for them."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from imaging.images import RgbImage, UploadedImage, read_image

HEIGHT, WIDTH = 40, 48
GUESSED_BITS = (8, 10, 12, 14, 16)


def known_rgb() -> RgbImage:
    """Colours from black to white, uint8 (40, 48, 3); smooth, so that lossy codecs keep them."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    red, green = x * 255 / (WIDTH - 1), y * 255 / (HEIGHT - 1)
    return np.stack([red, green, 255 - (red + green) / 2], axis=-1).round().astype(np.uint8)


def known_grey() -> NDArray[np.uint8]:
    """A ramp from black to white, uint8 (40, 48)."""
    return np.linspace(0, 255, HEIGHT * WIDTH).round().astype(np.uint8).reshape(HEIGHT, WIDTH)


def known_alpha() -> NDArray[np.uint8]:
    """Opacity from 0 to 255, uint8 (40, 48)."""
    return known_rgb()[..., 1]


def known_adobe_rgb_in_srgb() -> NDArray[np.float64]:
    """The known colours, were they Adobe RGB (1998), in sRGB of 0 to 255."""
    to_srgb = np.array(
        [[1.39836, -0.39836, 0], [0, 1, 0], [0, -0.04293, 1.04293]],
    )
    light = np.clip((known_rgb() / 255) ** (563 / 256) @ to_srgb.T, 0, 1)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def as_bits(pixels: NDArray[np.uint8], bits: int, dtype: str = "u2") -> NDArray[Any]:
    """The same picture in values of 0 to 2**bits - 1."""
    return np.floor(pixels * ((2**bits - 1) / 255) + 0.5).astype(dtype)


def tiff(pixels: NDArray[Any], **options: Any) -> bytes:
    """A TIFF as tifffile writes it, without its own description unless one is given."""
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels, **{"metadata": None, **options})
    return buffer.getvalue()


def assert_reads(data: bytes, wanted: NDArray[Any], within: int = 1) -> UploadedImage:
    """Read a file and compare its pixels with (h, w) or (h, w, 3) known ones."""
    upload = read_image(data)
    known = wanted if wanted.ndim == 3 else np.repeat(wanted[..., None], 3, axis=2)
    assert upload.rgb.shape == known.shape
    assert int(np.abs(upload.rgb.astype(int) - known).max()) <= within
    return upload
