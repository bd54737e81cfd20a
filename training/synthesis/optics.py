"""The optics of a microscope and its camera: light, focus, camera, file."""

import cv2
import numpy as np

from training.images import decode, encode_jpeg
from training.synthesis.elements import Elements
from training.synthesis.stain import transmitted, vary_colour

_QUALITY = 95
# Plasma is tinted already: more would make it green, which no smear is.
_BALANCE = 0.02
# Log gains (blue, green, red) of plasma tints: grey, yellowish, lilac, bluish, rosy.
_TINTS = np.array(
    ((0, 0, 0), (-0.22, -0.05, 0), (-0.02, -0.1, 0), (0.05, 0, -0.06), (-0.12, -0.1, 0.02))
)


def photograph(
    density: np.ndarray, plasma: np.ndarray, elements: Elements, rng: np.random.Generator
) -> np.ndarray:
    """Photograph a smear.

    Args:
        density: Optical density over plasma, (H, W, 3), BGR.
        plasma: Colour of plasma, (3,) in 0..255, BGR.
        elements: Which elements are drawn.
        rng: Draws light, focus and camera.

    Returns:
        uint8 (H, W, 3), BGR.
    """
    light = _tint(plasma, rng) if elements.light else plasma
    image = transmitted(density, light.astype(np.float32))
    if elements.light:
        image = vary_colour(_whole(image * _unevenness(image.shape[:2], rng)), rng, _BALANCE)
    if elements.defocus:
        image = _through_camera(image, rng)
    return _whole(image)


def compressed(image: np.ndarray, elements: Elements, rng: np.random.Generator) -> bytes:
    """Return a picture as a JPEG file; some are compressed twice."""
    if not elements.jpeg:
        return encode_jpeg(image, _QUALITY)
    if rng.random() < 0.3:
        image = _saved_larger(image, rng)
    return encode_jpeg(image, int(rng.integers(55, 97)))


def _tint(plasma: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw the colour of plasma: its own, half as strong, or a usual tint."""
    if rng.random() < 0.25:
        return (plasma + plasma.mean()) / 2 * np.exp(rng.normal(0, 0.03, 3))
    tint = _TINTS[int(rng.integers(len(_TINTS)))] * rng.uniform(0.3, 1.3)
    return rng.uniform(160, 232) * np.exp(tint + rng.normal(0, 0.025, 3))


def _unevenness(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Return factors (H, W, 1): a slope, and vignetting about any centre."""
    y, x = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j].astype(np.float32)
    slope = rng.normal(0, 0.05, 2)
    middle = rng.uniform(-2.5, 2.5, 2)
    fall = rng.choice((0, rng.uniform(0, 0.03), rng.uniform(0.03, 0.055)))
    far = (x - middle[0]) ** 2 + (y - middle[1]) ** 2
    light = 1 + slope[0] * x + slope[1] * y - fall * (far - far.min())
    return np.clip(light, 0.45, 1.3)[..., None].astype(np.float32)


def _through_camera(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Defocus, fringes of colour, sharpening, noise (float32)."""
    image = image.astype(np.float32)
    if rng.random() < 0.4:
        image = _fringed(image, rng)
    if rng.random() < 0.5:
        image = cv2.GaussianBlur(image, (0, 0), float(rng.gamma(2, 0.35)) + 0.2)
    if rng.random() < 0.3:
        soft = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.7, 2))
        image = image + (image - soft) * np.float32(rng.uniform(0.3, 1.2))
    if rng.random() < 0.4:
        noise = rng.standard_normal(image.shape, np.float32) * np.float32(rng.uniform(1, 6))
        image = image + cv2.GaussianBlur(noise, (0, 0), rng.uniform(0.3, 0.8))
    return image


def _fringed(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Shift blue and red against green by up to a pixel, and blur them a little more."""
    shift = rng.normal(0, 0.35, 2)
    parts = list(cv2.split(image))
    for number, sign in ((0, 1), (2, -0.6)):
        move = np.array([[1, 0, sign * shift[0]], [0, 1, sign * shift[1]]], np.float32)
        size = image.shape[1::-1]
        moved = cv2.warpAffine(parts[number], move, size, borderMode=cv2.BORDER_REPLICATE)
        parts[number] = cv2.GaussianBlur(moved, (0, 0), rng.uniform(0.2, 0.8))
    return cv2.merge(parts)


def _saved_larger(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Compress a picture at up to twice its size, and shrink it again."""
    height, width = image.shape[:2]
    scale = rng.uniform(1, 2)
    large = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    large = decode(encode_jpeg(large, int(rng.integers(40, 92))))
    method = cv2.INTER_AREA if rng.random() < 0.5 else cv2.INTER_LINEAR
    return cv2.resize(large, (width, height), interpolation=method)


def _whole(image: np.ndarray) -> np.ndarray:
    return np.clip(image, 0, 255).astype(np.uint8)
