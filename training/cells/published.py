"""Read a published network back, to go on training from it.

OpenVINO has merged each batch normalisation into the convolution before it. What is read has the
merged weights, and a normalisation that changes nothing but adds the offset: it gives the same
outputs, to the precision of f16, as long as its statistics are kept.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import openvino as ov
import torch
from torch import nn

from models.manifest import load_manifest
from training.cells.network import ARCHITECTURES, CellNetwork
from training.data import DataError
from training.published import constant_of, inputs_of, offset_of

_CONVOLUTIONS = ("Convolution", "GroupConvolution")


def load_published(folder: Path) -> CellNetwork:
    """Read a published classifier; its teacher's head is random.

    Args:
        folder: Of one version of the weights.

    Raises:
        WeightsError: There are none, or they were altered.
        DataError: They are of another network.
    """
    manifest = load_manifest(folder, "classifier")
    architecture = manifest.architecture
    if architecture not in ARCHITECTURES:
        raise DataError(f"{folder} has {manifest.architecture}, not {' or '.join(ARCHITECTURES)}.")
    network = CellNetwork(architecture)
    model = ov.Core().read_model(manifest.network)
    try:
        _fill(network, model)
    except (RuntimeError, StopIteration, ValueError) as error:
        raise DataError(f"{folder} does not hold {architecture} as it is trained.") from error
    return network


@torch.no_grad()
def _fill(network: CellNetwork, model: ov.Model) -> None:
    operations = list(model.get_ordered_ops())
    convolutions = [one for one in operations if one.get_type_name() in _CONVOLUTIONS]
    for operation, module in zip(convolutions, _convolutions(network), strict=True):
        _copy(module.convolution.weight, constant_of(operation))
        if module.norm is None:
            _copy(module.convolution.bias, offset_of(operation))
        else:
            _make_neutral(module.norm, offset_of(operation))
    heads = {head.out_features: head for head in (network.blast, network.kind, network.attributes)}
    for operation in operations:
        weight = constant_of(operation) if operation.get_type_name() == "MatMul" else None
        if weight is not None and (head := heads.pop(len(weight), None)):
            _copy(head.weight, weight)
            _copy(head.bias, offset_of(operation))
    if heads:
        raise ValueError(f"there are no heads of {', '.join(map(str, heads))} outputs")
    _standardise(network, convolutions[0])


def _standardise(network: CellNetwork, first: ov.Node) -> None:
    """Read what the image is standardised with before the first convolution."""
    division = next(inputs_of(first))
    mean, deviation = constant_of(next(inputs_of(division))), constant_of(division)
    if mean is None or deviation is None:
        raise ValueError("the image is not standardised")
    _copy(network.mean, -mean)
    _copy(network.variance, deviation**2)


class _Convolution(NamedTuple):
    convolution: nn.Conv2d
    norm: nn.BatchNorm2d | None


def _convolutions(network: CellNetwork) -> list[_Convolution]:
    """Return the trunk's convolutions in the order of computing, and what normalises each."""
    found: list[_Convolution] = []
    for module in network.trunk.modules():
        if isinstance(module, nn.Conv2d):
            found.append(_Convolution(module, None))
        elif isinstance(module, nn.BatchNorm2d):
            found[-1] = found[-1]._replace(norm=module)
    return found


def _make_neutral(norm: nn.BatchNorm2d, offset: np.ndarray | None) -> None:
    _copy(norm.running_mean, np.zeros(norm.num_features))
    _copy(norm.running_var, np.full(norm.num_features, 1 - norm.eps))
    _copy(norm.weight, np.ones(norm.num_features))
    _copy(norm.bias, offset)


def _copy(parameter: torch.Tensor | None, values: np.ndarray | None) -> None:
    """Copy values; none are 0, which OpenVINO leaves out."""
    if parameter is None:
        raise ValueError("a layer has no such parameter")
    values = np.zeros(parameter.numel()) if values is None else values
    parameter.copy_(torch.from_numpy(values.astype(np.float32)).reshape(parameter.shape))
