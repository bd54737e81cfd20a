"""The network as it is served: one graph with all heads and the activation map."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openvino as ov
import torch
from sklearn.decomposition import PCA
from torch import nn

from training.cells.network import CellNetwork
from training.cells.pack import SIZE

OUTPUTS = ("logits", "cam", "embedding", "kind", "attributes")
"""Names of the served network's outputs, in their order."""

_COMPONENTS = 32


@dataclass(frozen=True)
class Whitening:
    """A map of features to uncorrelated ones of variance 1: x @ kernel + bias.

    Attributes:
        kernel: float32 (features, k).
        bias: float32 (k,).
    """

    kernel: np.ndarray
    bias: np.ndarray

    def scores(self, features: np.ndarray) -> np.ndarray:
        """Return out-of-distribution scores (n,) of features (n, features); 1 is usual."""
        return np.sqrt(((features @ self.kernel + self.bias) ** 2).mean(axis=1))


def fit_whitening(features: np.ndarray) -> Whitening:
    """Fit a whitening to the first principal components of features.

    Args:
        features: float32 (n, features) of training cells, n above the number of components.
    """
    pca = PCA(_COMPONENTS, whiten=True, svd_solver="full").fit(features)
    deviations = np.sqrt(np.asarray(pca.explained_variance_))
    kernel = (np.asarray(pca.components_) / deviations[:, None]).T
    bias = -np.asarray(pca.mean_) @ kernel
    return Whitening(kernel.astype(np.float32), bias.astype(np.float32))


class ServedNetwork(nn.Module):
    """Map RGB float (n, SIZE, SIZE, 3), 0..1, to `OUTPUTS`.

    "logits" (n, 2), normal and blast; "cam" (n, h, w, 2), whose mean over all places they are
    (class activation mapping, Zhou et al. 2016); "embedding" (n, k), whitened features; "kind" and
    "attributes", logits as in `training.cells.network.Outputs`.
    """

    def __init__(self, network: CellNetwork, whitening: Whitening) -> None:
        super().__init__()
        self.network = network
        self.whitening = nn.Linear(network.size, whitening.bias.size)
        with torch.no_grad():
            self.whitening.weight.copy_(torch.from_numpy(whitening.kernel.T))
            self.whitening.bias.copy_(torch.from_numpy(whitening.bias))

    def forward(self, rgb: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return the outputs for a batch."""
        network = self.network
        standard = (rgb.permute(0, 3, 1, 2) - network.mean) / network.variance.sqrt()
        maps = network.trunk(standard)
        features = maps.mean(dim=(2, 3))
        # Half for either class: their difference is the logit that was trained.
        blast = network.blast(maps.permute(0, 2, 3, 1)) / 2
        cam = torch.cat((-blast, blast), dim=3)
        return (
            cam.mean(dim=(1, 2)),
            cam,
            self.whitening(features),
            network.kind(features),
            network.attributes(features),
        )


def write_network(network: CellNetwork, whitening: Whitening, folder: Path) -> None:
    """Write network.xml and network.bin, f16 weights, for any batch size."""
    served = ServedNetwork(network, whitening).eval()
    # Of two, since a batch of one would be taken for a fixed size.
    example = torch.zeros(2, SIZE, SIZE, 3)
    program = torch.export.export(
        served, (example,), dynamic_shapes={"rgb": {0: torch.export.Dim("cells", min=1, max=4096)}}
    )
    converted = ov.convert_model(program)
    for port, name in zip(converted.outputs, OUTPUTS, strict=True):
        port.get_tensor().set_names({name})
    ov.save_model(converted, folder / "network.xml", compress_to_fp16=True)
