"""Image files to arrays and back, with OpenCV."""

from pathlib import Path

import cv2
import numpy as np

from imaging.images import RgbImage
from training.data import DataError


def read_bgr(path: Path, flags: int = cv2.IMREAD_COLOR) -> np.ndarray:
    """Read an image file, uint8 (H, W, 3) BGR unless `flags` of OpenCV ask otherwise.

    Raises:
        DataError: There is no such file, or it is no image.
    """
    image = cv2.imread(str(path), flags)
    if image is None:
        raise DataError(f"{path} cannot be read as an image.")
    return image


def read_rgb(path: Path) -> RgbImage:
    """Read an image file as RGB; raise DataError where that fails."""
    return np.ascontiguousarray(read_bgr(path)[..., ::-1])


def decode(data: bytes | np.ndarray, flags: int = cv2.IMREAD_COLOR) -> np.ndarray:
    """Decode what was encoded here: uint8 (H, W, 3) BGR unless `flags` ask otherwise."""
    image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if image is None:
        raise DataError("A packed image cannot be decoded.")
    return image


def encode(bgr: np.ndarray, suffix: str, *options: int) -> bytes:
    """Encode a uint8 image as a file of a type, such as ".png".

    Args:
        bgr: (H, W, 3) BGR, or (H, W).
        suffix: Of the file type.
        options: OpenCV's IMWRITE flags and their values, in turn.
    """
    return cv2.imencode(suffix, bgr, options)[1].tobytes()


def encode_jpeg(bgr: np.ndarray, quality: int) -> bytes:
    """Encode a uint8 BGR image as a JPEG file of a quality 0..100."""
    return encode(bgr, ".jpg", cv2.IMWRITE_JPEG_QUALITY, quality)
