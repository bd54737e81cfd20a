"""One cell image to ALL blast, normal or uncertain."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.findings import ALL_BLAST, NORMAL, UNCERTAIN, Classification
from models.gate import reason_not_usable
from models.images import RgbImage, classifier_input
from models.runtime import Network, Precision
from models.weights import Manifest, load_manifest


class Classifier:
    """EfficientNetB3 served by OpenVINO, with calibrated probabilities and an uncertain band."""

    def __init__(self, network: Network, manifest: Manifest) -> None:
        self._network = network
        self._manifest = manifest
        self._blast = manifest.classes.index(ALL_BLAST)

    @classmethod
    def load(cls, folder: Path, precision: Precision = "auto") -> Classifier:
        """Check and compile the network in `folder`; raises `WeightsError`."""
        manifest = load_manifest(folder, "classifier")
        return cls(Network(manifest.network, precision), manifest)

    @property
    def version(self) -> str:
        """Version of the weights, as the manifest states it."""
        return self._manifest.version

    @property
    def manifest(self) -> Manifest:
        """What the weights say of themselves."""
        return self._manifest

    def classify(self, rgb: RgbImage) -> Classification:
        """Read one cell image, uint8 (height, width, 3) RGB of any size."""
        reason = reason_not_usable(rgb)
        if reason:
            return Classification(None, None, False, reason, self.version)
        probability = float(self.probabilities([rgb])[0])
        return Classification(self.label(probability), probability, True, None, self.version)

    def probabilities(self, images: Sequence[RgbImage]) -> NDArray[np.float64]:
        """Calibrated P(ALL blast) in 0..1 of each image, without asking whether it is usable."""
        size = self._manifest.input_size
        return np.array([self._probability(classifier_input(rgb, size)) for rgb in images])

    def label(self, probability: float) -> str:
        """Name a calibrated probability: normal below the uncertain band, ALL blast at its top."""
        if probability >= self._manifest.thresholds["uncertain_high"]:
            return ALL_BLAST
        if probability < self._manifest.thresholds["uncertain_low"]:
            return NORMAL
        return UNCERTAIN

    def _probability(self, pixels: NDArray[np.float32]) -> float:
        logits = self._network.run(pixels[None])["logits"][0].astype(np.float64)
        return float(softmax(logits / self._manifest.temperature)[self._blast])


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Exponentiate and normalise the last axis to sum 1, without overflow."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)
