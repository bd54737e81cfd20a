"""Read a published network back, to go on training from it.

OpenVINO has merged each batch normalisation into the convolution before it. What is read has the
merged weights, and a normalisation that changes nothing but adds the offset: it gives the same
outputs, to the precision of f16, as long as its statistics are kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import openvino as ov
import torch
from torch import nn

from models.manifest import load_manifest
from training.cells.network import ARCHITECTURES, CellNetwork
from training.data import DataError

_PREFIX = "__module.network."
_MEAN, _DEVIATION = "aten::sub/Subtract", "aten::div/Divide"
_MEAN, _DEVIATION = "aten::sub/Subtract", "aten::div/Divide"
_WEIGHTED = ("Convolution", "GroupConvolution", "MatMul")


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
    except (AttributeError, KeyError, RuntimeError, StopIteration) as error:
        raise DataError(f"{folder} does not hold {architecture} as it is trained.") from error
    return network


@torch.no_grad()
def _fill(network: CellNetwork, model: ov.Model) -> None:
    before = _convolution_before(network)
    operations = list(model.get_ordered_ops())
    for operation in operations:
        name = operation.get_friendly_name()
        offset = _constant(operation)
        if operation.get_type_name() != "Add" or not name.startswith(_PREFIX) or offset is None:
            continue
        module = network.get_submodule(name.removeprefix(_PREFIX).split("/")[0])
        weight = torch.from_numpy(_weight(operation))
        bias = torch.from_numpy(offset.ravel())
        if isinstance(module, nn.BatchNorm2d):
            _copy(before[module].weight, weight)
            _make_neutral(module, bias)
        elif isinstance(module, (nn.Conv2d, nn.Linear)):
            _copy(module.weight, weight)
            _copy(module.bias, bias)
    named = {operation.get_friendly_name(): operation for operation in operations}
    mean, deviation = _constant(named[_MEAN]), _constant(named[_DEVIATION])
    if mean is None or deviation is None:
        raise KeyError("the input is not standardised")
    network.mean.copy_(-torch.from_numpy(mean))
    network.variance.copy_(torch.from_numpy(deviation) ** 2)


def _convolution_before(network: CellNetwork) -> dict[nn.BatchNorm2d, nn.Conv2d]:
    """Return the convolution of each normalisation, which comes next before it."""
    before: dict[nn.BatchNorm2d, nn.Conv2d] = {}
    last = None
    for module in network.trunk.modules():
        if isinstance(module, nn.Conv2d):
            last = module
        elif isinstance(module, nn.BatchNorm2d) and last is not None:
            before[module] = last
    return before


def _make_neutral(norm: nn.BatchNorm2d, bias: torch.Tensor) -> None:
    _copy(norm.running_mean, torch.zeros(norm.num_features))
    _copy(norm.running_var, torch.full((norm.num_features,), 1 - norm.eps))
    _copy(norm.weight, torch.ones(norm.num_features))
    _copy(norm.bias, bias)


def _copy(parameter: torch.Tensor | None, values: torch.Tensor) -> None:
    if parameter is None or parameter.numel() != values.numel():
        raise KeyError("a parameter has another size")
    parameter.copy_(values.reshape(parameter.shape))


def _weight(addition: ov.Node) -> np.ndarray:
    """Return what the operation before an addition multiplies with."""
    weighted = next(one for one in _inputs(addition) if one.get_type_name() in _WEIGHTED)
    weight = _constant(weighted)
    if weight is None:
        raise KeyError(f"{weighted.get_friendly_name()} has no weight")
    return weight


def _constant(operation: ov.Node) -> np.ndarray | None:
    """Return the constant that an operation takes in, float32, if it takes one."""
    for given in _inputs(operation):
        if given.get_type_name() == "Convert":
            given = next(_inputs(given))
        if given.get_type_name() == "Constant":
            return np.array(given.data, np.float32)
    return None


def _inputs(operation: ov.Node) -> Iterator[ov.Node]:
    return (port.get_node() for port in operation.input_values())
