"""A stand-in for the reading of fields that a test holds and lets go."""

from __future__ import annotations

import threading

import numpy as np

from models.findings import Progress
from models.registry import Models


class Reading:
    """Stands in for the reading of fields; holds on until it is let go, and may fail."""

    def __init__(self) -> None:
        self.begun: list[tuple[int, int]] = []
        self.go_on = threading.Event()
        self.go_on.set()
        self.error: BaseException | None = None

    def read_field(self, models: Models, rgb: np.ndarray, progress: Progress):
        self.begun.append(rgb.shape[:2])
        progress(0, 10)
        while not self.go_on.wait(0.01):
            progress(3, 10)
        if self.error:
            raise self.error
        return models.detector.find(rgb)
