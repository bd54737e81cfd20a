"""Read a published network's constants, and replace them, for whoever trains it on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import openvino as ov
import openvino.opset13 as ops


def offset_of(operation: ov.Node) -> np.ndarray | None:
    """Return what is added to the output of an operation, float32, if anything is."""
    added = addition_to(operation)
    return None if added is None else constant_of(added)


def addition_to(operation: ov.Node) -> ov.Node | None:
    """Return the operation that adds something to the output of another, if any does."""
    targets = (target.get_node() for target in operation.output(0).get_target_inputs())
    return next((one for one in targets if one.get_type_name() == "Add"), None)


def constant_of(operation: ov.Node) -> np.ndarray | None:
    """Return the constant that an operation takes in, float32, if it takes one."""
    source = _constant(operation)
    return None if source is None else np.array(source.data, np.float32)


def replace_constant(operation: ov.Node, values: np.ndarray) -> None:
    """Have an operation take in other values; their shape and precision stay.

    Raises:
        ValueError: It takes in no constant, or one with another number of values.
    """
    source = _constant(operation)
    if source is None:
        raise ValueError(f"{operation.get_friendly_name()} takes in no constant")
    # OpenVINO takes the memory as it lies, and a trained network's may lie channels last.
    kept = np.ascontiguousarray(values.reshape(source.data.shape), source.data.dtype)
    constant = ops.constant(kept)
    constant.set_friendly_name(source.get_friendly_name())
    source.output(0).replace(constant.output(0))


def _constant(operation: ov.Node) -> Any | None:  # noqa: ANN401  OpenVINO's stubs know no data
    for given in inputs_of(operation):
        source = next(inputs_of(given)) if given.get_type_name() == "Convert" else given
        if source.get_type_name() == "Constant":
            return source
    return None


def inputs_of(operation: ov.Node) -> Iterator[ov.Node]:
    """Yield the operations whose outputs an operation takes in."""
    return (port.get_node() for port in operation.input_values())
