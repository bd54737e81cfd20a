"""A cell ready to be laid into a field's optical density."""

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Patch:
    """A cell ready to lay: optical density (H, W, 3) and opacity (H, W, 0..1), both float32."""

    density: np.ndarray
    opacity: np.ndarray

    @property
    def radius(self) -> float:
        """Radius in pixels of the disc with the cell's area."""
        return float(np.sqrt((self.opacity > 0.5).sum() / np.pi))


def feathered(inside: np.ndarray, sigma: float) -> np.ndarray:
    """Return a mask (H, W) as float32 0..1, its border blurred by `sigma` pixels (0.5 at least)."""
    return cv2.GaussianBlur(inside.astype(np.float32), (0, 0), max(sigma, 0.5))
