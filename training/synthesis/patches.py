"""A cell prepared to be blended into a field's optical density."""

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Patch:
    """A cell prepared to be blended in.

    Attributes:
        density: Optical density, float32 (H, W, 3), BGR.
        opacity: float32 (H, W), 0..1.
    """

    density: np.ndarray
    opacity: np.ndarray

    @property
    def radius(self) -> float:
        """Return the radius in pixels of the disc with the cell's area."""
        return float(np.sqrt((self.opacity > 0.5).sum() / np.pi))


def feathered(inside: np.ndarray, sigma: float) -> np.ndarray:
    """Return a mask (H, W) as float32 0..1, its border blurred by `sigma` pixels."""
    return cv2.GaussianBlur(inside.astype(np.float32), (0, 0), max(sigma, 0.5))
