"""Both networks, loaded together before serving begins."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from models.classifier import Classifier
from models.detector import Detector
from models.runtime import Precision


@dataclass(frozen=True)
class Models:
    """The two readers of an installation."""

    classifier: Classifier
    detector: Detector


def load_models(weights: Path, precision: Precision = "auto") -> Models:
    """Load `weights`/classifier and `weights`/detector; raises `WeightsError` with the reason."""
    return Models(
        Classifier.load(weights / "classifier", precision),
        Detector.load(weights / "detector", precision),
    )
