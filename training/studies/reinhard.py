"""Reinhard's colour transfer of cell images (tried, not served)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from models.classifier.cell_views import BLACK

_LEAST_DEVIATION = 1e-3


@dataclass(frozen=True)
class Reinhard:
    """Bring images to one mean and standard deviation of each CIE L*a*b* channel.

    After Reinhard et al. 2001 (doi 10.1109/38.946629); black surroundings are no part of it.

    Attributes:
        mean: Of the channels, (3,).
        deviation: Their standard deviations, (3,).
    """

    mean: np.ndarray
    deviation: np.ndarray

    @classmethod
    def learn(cls, images: Iterable[np.ndarray]) -> Reinhard:
        """Take the colours that uint8 BGR images have on average."""
        mean, deviation = np.mean([_statistics(_lab(bgr)[_seen(bgr)]) for bgr in images], axis=0)
        return cls(mean, deviation)

    def __call__(self, bgr: np.ndarray) -> np.ndarray:
        """Return a uint8 BGR image (H, W, 3) in these colours."""
        seen, lab = _seen(bgr), _lab(bgr)
        if not seen.any():
            return bgr
        mean, deviation = _statistics(lab[seen])
        scale = self.deviation / np.maximum(deviation, _LEAST_DEVIATION)
        lab[seen] = (lab[seen] - mean) * scale + self.mean
        back = cv2.cvtColor(lab, cv2.COLOR_LAB2BGR)
        return np.where(seen[..., None], (back.clip(0, 1) * 255).round(), bgr).astype(np.uint8)


def _seen(bgr: np.ndarray) -> np.ndarray:
    return bgr.max(axis=2) > BLACK


def _lab(bgr: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(bgr.astype(np.float32) / 255, cv2.COLOR_BGR2LAB)


def _statistics(pixels: np.ndarray) -> np.ndarray:
    """Return mean and deviation (2, 3) of pixels (n, 3)."""
    return np.stack((pixels.mean(axis=0), pixels.std(axis=0)))
