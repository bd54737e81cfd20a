"""One cell image to ALL blast, normal or uncertain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imaging.images import RgbImage, classifier_input
from models.findings import ALL_BLAST, NORMAL, UNCERTAIN
from models.manifest import Manifest, load_manifest
from models.runtime import Network, Precision

BATCHES = (1, 8)
"""Cells that the network is asked about at once; larger batches gain little and start slowly."""


@dataclass(frozen=True)
class Reading:
    """What the classifier says of one cell.

    Attributes:
        probability: Calibrated P(ALL blast) in 0..1.
        label: `ALL_BLAST`, `NORMAL` or `UNCERTAIN`.
        ood_score: How far the cell lies from those trained on; 1 is usual.
        in_distribution: Whether that is within the validated domain.
    """

    probability: float
    label: str
    ood_score: float
    in_distribution: bool


class Classifier:
    """The classifier served by OpenVINO: calibrated, with an uncertain band."""

    def __init__(self, network: Network, manifest: Manifest) -> None:
        self._network = network
        self._manifest = manifest
        self._blast = manifest.classes.index(ALL_BLAST)
        self._normal = manifest.classes.index(NORMAL)

    @classmethod
    def load(cls, folder: Path, precision: Precision = "auto") -> Classifier:
        """Check and compile the network in `folder`; raises `WeightsError`."""
        manifest = load_manifest(folder, "classifier")
        image = (manifest.input_size, manifest.input_size, 3)
        return cls(Network(manifest.network, image, BATCHES, precision), manifest)

    @property
    def version(self) -> str:
        """Version of the weights, as the manifest states it."""
        return self._manifest.version

    @property
    def manifest(self) -> Manifest:
        """What the weights say of themselves."""
        return self._manifest

    def read(self, window: RgbImage, view: str) -> Reading:
        """Read one cell.

        Args:
            window: uint8 (side, side, 3) RGB, from `cell_views.cut`.
            view: How it is seen, one of `cell_views.VIEWS`.
        """
        outputs = self.outputs(window)
        probability = self._probability(outputs["logits"], view)
        score = self.ood_score(outputs)
        in_distribution = score <= self._manifest.thresholds["familiar"]
        return Reading(probability, self.label(probability, view), score, in_distribution)

    def probabilities(self, windows: Sequence[RgbImage], view: str) -> NDArray[np.float64]:
        """Read several cells at once.

        Args:
            windows: uint8 (side, side, 3) RGB each, from `cell_views.cut`.
            view: How they are seen, one of `cell_views.VIEWS`.

        Returns:
            Calibrated P(ALL blast) in 0..1, (n,).
        """
        step = max(BATCHES)
        parts = (windows[at : at + step] for at in range(0, len(windows), step))
        logits = [logits for part in parts for logits in self._run(part)["logits"]]
        return np.array([self._probability(each, view) for each in logits])

    def activation_map(self, window: RgbImage) -> NDArray[np.float32]:
        """Compute what each place adds to the answer.

        Class activation mapping (Zhou et al. 2016) of a network that is pooled last.

        Args:
            window: uint8 (side, side, 3) RGB, from `cell_views.cut`.

        Returns:
            float32 (h, w) in log odds: above 0 for ALL blast, below for normal. Its mean is the
            difference of the two logits, exactly.
        """
        cam = self.outputs(window)["cam"]
        return cam[..., self._blast] - cam[..., self._normal]

    def label(self, probability: float, view: str) -> str:
        """Name a calibrated probability: below, in or above the uncertain band."""
        limits = self._manifest.views[view]
        if probability >= limits["uncertain_high"]:
            return ALL_BLAST
        if probability < limits["uncertain_low"]:
            return NORMAL
        return UNCERTAIN

    def outputs(self, window: RgbImage) -> dict[str, NDArray[np.float32]]:
        """Return all that the network says of one window, before calibration.

        "logits" (2,), "cam" (h, w, 2), "members" (networks, 2) and "embedding" (features,).
        """
        return {name: value[0] for name, value in self._run([window]).items()}

    @staticmethod
    def ood_score(outputs: dict[str, NDArray[np.float32]]) -> float:
        """Compute how unlike the trained-on cells this one is; 1 is usual.

        Root mean square of the whitened features: a Mahalanobis distance over their number.
        """
        return float(np.sqrt((outputs["embedding"] ** 2).mean()))

    def _run(self, windows: Sequence[RgbImage]) -> dict[str, NDArray[np.float32]]:
        size = self._manifest.input_size
        return self._network.run(np.stack([classifier_input(window, size) for window in windows]))

    def _probability(self, logits: NDArray[np.float32], view: str) -> float:
        temperature = self._manifest.views[view]["temperature"]
        return float(softmax(logits.astype(np.float64) / temperature)[self._blast])


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Exponentiate and normalise the last axis to sum 1, without overflow."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)
