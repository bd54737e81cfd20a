"""Restaining in optical density (Beer-Lambert), and the colour and optics of a whole field.

Optical density of a channel is -ln(value / light): stains add in it, and scaling it changes how
deeply a cell is stained but not where.
"""

import cv2
import numpy as np

_LIGHT = 256.0


def optical_density(bgr: np.ndarray) -> np.ndarray:
    """Return the optical density (float32, >= 0) of a uint8 image lit by white."""
    return -np.log((bgr.astype(np.float32) + 1.0) / _LIGHT)


def transmitted(density: np.ndarray, light: np.ndarray | np.float32) -> np.ndarray:
    """Return the image of light through a density, by Beer and Lambert's law.

    Args:
        density: Optical density, (H, W, 3).
        light: Light of each channel, (3,) or one for all, in 0..255.

    Returns:
        float32 (H, W, 3), 0..255.
    """
    return light * np.exp(-density)


def nucleus_density(density: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Return the mean density (3,) of the darker half of a cell (`inside`: mask H, W)."""
    pixels = density[inside]
    green = pixels[:, 1]
    return pixels[green >= np.median(green)].mean(axis=0)


def random_stain(rng: np.random.Generator) -> np.ndarray:
    """Draw the optical density (3,; blue, green, red) of nuclei in one field."""
    green = rng.uniform(0.8, 2.2)
    return green * np.array((rng.uniform(0.1, 0.6), 1.0, rng.uniform(0.3, 0.85)), np.float32)


def field_stain(rng: np.random.Generator) -> np.ndarray:
    """Draw the density (3,; blue, green, red) of a field's nuclei over plasma.

    The bounds are those measured in TXL-PBC's four microscopes, a little widened.
    """
    green = np.exp(rng.uniform(np.log(0.6), np.log(2.2)))
    red = rng.uniform(0.28, 0.8)
    # Where blue is absorbed more than red, nuclei would be brown.
    return green * np.array((rng.uniform(0, min(0.4, 0.75 * red)), 1.0, red), np.float32)


def restain(density: np.ndarray, inside: np.ndarray, stain: np.ndarray) -> np.ndarray:
    """Scale a cell's density so that its nucleus gets the density `stain` (3,)."""
    return density * (stain / np.maximum(nucleus_density(density, inside), 0.05))


def crisper(density: np.ndarray, sigma: float, amount: float) -> np.ndarray:
    """Sharpen the structure of a density map (unsharp mask of `sigma` pixels)."""
    return np.maximum(density + amount * (density - cv2.GaussianBlur(density, (0, 0), sigma)), 0)


def vary_field(bgr: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Vary colour, light, sharpness and noise of a whole uint8 field as microscopes do."""
    image = vary_colour(bgr, rng)
    if rng.random() < 0.35:
        image = _light_unevenly(image, rng)
    if rng.random() < 0.5:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 1.5))
    if rng.random() < 0.4:
        image = image + rng.normal(0, rng.uniform(1, 6), bgr.shape).astype(np.float32)
    return np.clip(image, 0, 255).astype(np.uint8)


def vary_colour(bgr: np.ndarray, rng: np.random.Generator, balance: float = 0.07) -> np.ndarray:
    """Vary gamma, gain, white balance and saturation.

    Args:
        bgr: uint8 (H, W, 3), BGR.
        rng: Draws how much.
        balance: Standard deviation of the logarithm of each channel's gain.

    Returns:
        float32 (H, W, 3), 0..255.
    """
    gains = rng.uniform(0.75, 1.15) * np.exp(rng.normal(0, balance, 3))
    gamma = np.exp(rng.normal(0, 0.18))
    levels = np.linspace(0, 1, 256)[:, None] ** gamma * 255 * gains
    image = cv2.LUT(bgr, np.clip(levels, 0, 255).astype(np.float32).reshape(256, 1, 3))
    grey = image.mean(axis=2, keepdims=True)
    return grey + (image - grey) * np.float32(rng.uniform(0.6, 1.4))


def _light_unevenly(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    height, width = image.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    slope, fall = rng.uniform(-0.15, 0.15, 2), rng.uniform(0, 0.2)
    light = 1 + slope[0] * x + slope[1] * y - fall * (x * x + y * y)
    return image * light[..., None].astype(np.float32)
