"""Who reads cell images and computes activation maps: this process, or workers."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from records.analyses.analyses import Analysis
from records.analyses.cell_tasks import CellTask
from services.analyses.analysis import Analyst, Upload
from services.analyses.explanations import Explainer

ActivationMap = NDArray[np.float32]
"""(h, w) in log odds, as `Classifier.activation_map` gives it."""


PATIENCE = 8.0
"""Seconds that a request waits for what workers read."""


class CellReader(Protocol):
    """Reads cell images; what it cannot read at once it gives as a task that waits."""

    def classify(self, owner_id: str, upload: Upload) -> Analysis | CellTask:
        """Read one cell image and keep it with the answer, or let it wait.

        Raises:
            ImageError: It is refused.
            OtherUploadError: Another image was sent under its id.
            QueueFullError: As many wait as one person may have.
            NoRoomError: The disk takes no further file.
        """
        ...

    def override_quality_check(self, analysis: Analysis) -> Analysis | CellTask:
        """Read a cell image whose quality speaks against it, as a new analysis, or let it wait.

        Raises:
            FileNotFoundError: The image is gone.
        """
        ...

    def wait(self, asked: Analysis | CellTask, seconds: float) -> Analysis | CellTask:
        """Wait for what was asked for, at most so many seconds; give how it stands then.

        Raises:
            ImageError: The image was refused; nothing is kept of it.
        """
        ...

    def activation_map(self, analysis: Analysis) -> ActivationMap:
        """Return the activation map of an answer that can be explained.

        Raises:
            BusyError: It is not computed yet.
            FileNotFoundError: The image is gone.
        """
        ...


class LocalReader:
    """Reads with the networks of this process, at once."""

    def __init__(self, analyst: Analyst, explainer: Explainer) -> None:
        self.classify = analyst.classify
        self.override_quality_check = analyst.override_quality_check
        self.activation_map = explainer.activation_map

    def wait(self, asked: Analysis | CellTask, seconds: float) -> Analysis | CellTask:
        """Give what is read already, as `CellReader` says."""
        return asked
