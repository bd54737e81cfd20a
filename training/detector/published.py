"""Read a published detector back, to go on training from it, and write what was learnt.

OpenVINO has merged each batch normalisation into the convolution before it. What is read is merged
likewise (ultralytics' `fuse`), so that there are no statistics left to keep: it gives the same
outputs, to the precision of f16.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
import openvino as ov
import torch
from torch import nn
from ultralytics.cfg import get_cfg
from ultralytics.nn.modules.head import Detect

from models.manifest import load_manifest
from training.data import DataError
from training.detector.train import SmearModel
from training.published import addition_to, constant_of, offset_of, replace_constant

_ARCHITECTURE = "yolov8n.yaml"
_CONVOLUTION = "Convolution"
_EXPORTED = "__module."
"""Prefix of a module's path in the name of its operation."""

_OF_CLASSES = "model.22.cv3.0.0.conv"
"""The first convolution of the head's branch that names the classes."""

_FIXED = "model.22.dfl.conv"
"""It reads edges from a distribution, and is not learnt: its weights are 0, 1, 2 ..."""


class _Convolution(NamedTuple):
    weight: np.ndarray
    offset: np.ndarray

    @classmethod
    def of(cls, operation: ov.Node) -> _Convolution:
        weight, offset = constant_of(operation), offset_of(operation)
        if weight is None or offset is None:
            raise KeyError(operation.get_friendly_name())
        return cls(weight, offset)


def load_published(folder: Path) -> SmearModel:
    """Read a published detector, whose convolutions have biases and no normalisation.

    Args:
        folder: Of one version of the weights.

    Raises:
        WeightsError: There are none, or they were altered.
        DataError: They are of another network.
    """
    manifest = load_manifest(folder, "detector")
    model = ov.Core().read_model(manifest.network)
    try:
        convolutions = {
            path: _Convolution.of(one) for path, one in _operations(model) if path != _FIXED
        }
        network = _untrained(convolutions, manifest.classes)
        _fill(network, convolutions)
    except (KeyError, RuntimeError) as error:
        raise DataError(f"{folder} does not hold a YOLOv8n as it is trained.") from error
    return network


def layers_of(network: SmearModel) -> list[nn.Module]:
    """Return the layers as YOLOv8 numbers them, the head last."""
    return list(cast(nn.Sequential, network.model))


def write_trained(network: SmearModel, base: Path, folder: Path) -> None:
    """Write a network that was read from a published one, with all operations of that.

    Args:
        network: As `load_published` gave it, trained on.
        base: The published network's XML file.
        folder: Gets a file of the same name, and one with its weights (f16).
    """
    model = ov.Core().read_model(base)
    modules = dict(_learnt(network))
    for path, operation in _operations(model):
        added = addition_to(operation)
        if path in modules and added is not None:
            replace_constant(operation, modules[path].weight.numpy(force=True))
            replace_constant(added, _offset(modules[path]).numpy(force=True))
    ov.save_model(model, folder / base.name)


def _operations(model: ov.Model) -> list[tuple[str, ov.Node]]:
    """Return all convolutions with the path of their module."""
    return [
        (one.get_friendly_name().removeprefix(_EXPORTED).split("/")[0], one)
        for one in model.get_ordered_ops()
        if one.get_type_name() == _CONVOLUTION
    ]


def _untrained(convolutions: Mapping[str, _Convolution], classes: Sequence[str]) -> SmearModel:
    """Build the network, merged, with as many channels in its head as the published one has.

    They depend on the classes that its first training began with, COCO's.
    """
    channels = len(convolutions[_OF_CLASSES].weight)
    network = SmearModel(_ARCHITECTURE, nc=channels, verbose=False)
    network.fuse(verbose=False)
    head = _head(network)
    for branch in head.cv3:
        cast(nn.Sequential, branch)[-1] = nn.Conv2d(channels, len(classes), 1)
    head.nc = len(classes)
    head.no = head.nc + 4 * head.reg_max
    network.names = dict(enumerate(classes))
    # What ultralytics' loss asks for its weights; it is no parameter, as types of torch have it.
    vars(network)["args"] = get_cfg()
    return network


def _head(network: SmearModel) -> Detect:
    return cast(Detect, layers_of(network)[-1])


def _learnt(network: SmearModel) -> Iterator[tuple[str, nn.Conv2d]]:
    for path, module in network.named_modules():
        if isinstance(module, nn.Conv2d) and path != _FIXED:
            yield path, module


@torch.no_grad()
def _fill(network: SmearModel, convolutions: Mapping[str, _Convolution]) -> None:
    for path, module in _learnt(network):
        weight, offset = convolutions[path]
        module.weight.copy_(torch.from_numpy(weight))
        _offset(module).copy_(torch.from_numpy(offset.ravel()))
        # Merging has stopped it.
        module.requires_grad_()


def _offset(module: nn.Conv2d) -> torch.Tensor:
    if module.bias is None:
        raise KeyError("a convolution has no offset")
    return module.bias
