"""General features of a cell, which a laboratory's head is fitted to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imaging.images import RgbImage, classifier_input
from models.manifest import Manifest, load_manifest
from models.runtime import Network, Precision

EMBEDDER = "embedder"
"""Name of its folder of weights."""

OUTPUT = "features"

BATCHES = (1, 8)


class Embedder:
    """EfficientNet-Lite0 as ImageNet left it, served by OpenVINO; it knows no blood cells."""

    def __init__(self, network: Network, manifest: Manifest) -> None:
        self._network = network
        self._manifest = manifest

    @classmethod
    def load(cls, folder: Path, precision: Precision = "auto") -> Embedder:
        """Check and compile the network in `folder`, a version's; raises `WeightsError`."""
        manifest = load_manifest(folder, EMBEDDER)
        image = (manifest.input_size, manifest.input_size, 3)
        return cls(Network(manifest.network, image, BATCHES, precision), manifest)

    @property
    def version(self) -> str:
        """Version of the weights, as the manifest states it."""
        return self._manifest.version

    def embed(self, windows: Sequence[RgbImage]) -> NDArray[np.float16]:
        """Compute the features of cells.

        Args:
            windows: uint8 (side, side, 3) RGB each, from `cell_views.cut`; at least one.

        Returns:
            (n, features), the means over the network's last maps.
        """
        size, step = self._manifest.input_size, max(BATCHES)
        parts = [
            self._network.run(
                np.stack(
                    [classifier_input(window, size, False) for window in windows[at : at + step]]
                )
            )[OUTPUT]
            for at in range(0, len(windows), step)
        ]
        return np.concatenate(parts).astype(np.float16)
