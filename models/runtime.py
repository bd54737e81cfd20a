"""One compiled OpenVINO network, safe to call from many threads."""

from __future__ import annotations

import itertools
import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import LifoQueue
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from models.manifest import WeightsError

if TYPE_CHECKING:
    import openvino as ov

Precision = Literal["auto", "f32"]
Shape = tuple[int, ...]
Outputs = dict[str, NDArray[np.float32]]
"""Each output by its name; the first axis is the batch."""

_MOST_INSTRUCTIONS = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")
_WITH_BF16 = ("ALL", "DEFAULT", "BF16", "FP16", "AMX")
"""Environment variables that cap oneDNN's instruction set, and endings of caps that allow bf16."""

REQUESTS = 2
"""Inference requests of a network: one computes while another thread prepares its batch."""


class Network:
    """A network compiled once, with a fixed pool of inference requests.

    Every request is warmed up with every shape in the constructor, by one thread. A process whose
    first inferences come from several threads at once, or whose threads meet a new shape together,
    can hang for good inside OpenVINO and the NumPy bindings.

    Args:
        path: The network's XML file; the weights lie beside it.
        image: Shape of one image without the batch axis.
        batches: Batch sizes that the network is asked for, 1 among them.
        precision: "auto" computes in bf16 what is not quantised where the processor has it, "f32"
            never does.
        smaller: Further shapes of an image that are served, on no axis larger than `image`.

    Raises:
        WeightsError: OpenVINO cannot load the file, or not compute these shapes with it.
    """

    def __init__(
        self,
        path: Path,
        image: Shape,
        batches: Sequence[int] = (1,),
        precision: Precision = "auto",
        smaller: Sequence[Shape] = (),
    ) -> None:
        # The largest first: the memory of the others is part of its.
        self._images = (image, *smaller)
        self._batches = sorted(batches, reverse=True)
        try:
            self._compiled = _compile(_read(path, self._images, batches), precision)
            self._idle: LifoQueue[ov.InferRequest] = LifoQueue()
            for _ in range(REQUESTS):
                self._idle.put(self._warmed_up())
        except RuntimeError as error:
            raise WeightsError(f"{path} cannot be loaded by OpenVINO: {error}") from error

    def run(self, batch: NDArray[np.float32]) -> Outputs:
        """Infer images in batches of the sizes warmed up.

        Args:
            batch: float32, the batch axis first, of any length from 1 on.

        Returns:
            A copy of each output by its name.

        Raises:
            ValueError: The batch is empty, or its images have another shape than was warmed up.
        """
        if len(batch) == 0 or batch.shape[1:] not in self._images:
            shapes = " or ".join(map(str, self._images))
            raise ValueError(f"Images of shape {shapes} are served, not {batch.shape[1:]}.")
        with self._request() as request:
            parts = [self._infer(request, part) for part in self._parts(batch)]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _warmed_up(self) -> ov.InferRequest:
        request = self._compiled.create_infer_request()
        for image, size in itertools.product(self._images, self._batches):
            self._infer(request, np.zeros((size, *image), np.float32))
        return request

    @contextmanager
    def _request(self) -> Generator[ov.InferRequest]:
        request = self._idle.get()
        try:
            yield request
        finally:
            self._idle.put(request)

    def _parts(self, batch: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
        """Cut a batch into the largest sizes that were warmed up."""
        at = 0
        while at < len(batch):
            size = next(size for size in self._batches if size <= len(batch) - at)
            yield batch[at : at + size]
            at += size

    def _infer(self, request: ov.InferRequest, batch: NDArray[np.float32]) -> Outputs:
        results = request.infer({0: batch}, share_inputs=True)
        return {
            self._name(index, port): np.array(results[port], np.float32)
            for index, port in enumerate(self._compiled.outputs)
        }

    @staticmethod
    def _name(index: int, port: ov.ConstOutput) -> str:
        return min(port.names, default=f"output{index}")


def _read(path: Path, images: Sequence[Shape], batches: Sequence[int]) -> ov.Model:
    """Read a network, and bound its input where it takes images of several shapes."""
    import openvino as ov

    model = ov.Core().read_model(path)
    if len(images) > 1:
        model.reshape(bounds([batches, *zip(*images, strict=True)]))
    return model


def bounds(axes: Sequence[Sequence[int]]) -> ov.PartialShape:
    """Bound each axis by the smallest and the largest of its lengths."""
    import openvino as ov

    return ov.PartialShape([ov.Dimension(min(lengths), max(lengths)) for lengths in axes])


def _compile(model: ov.Model, precision: Precision) -> ov.CompiledModel:
    import openvino as ov

    core = ov.Core()
    latency = {"PERFORMANCE_HINT": "LATENCY"}
    exact = {**latency, "INFERENCE_PRECISION_HINT": "f32"}
    if precision == "f32" or _is_held_back():
        return core.compile_model(model, "CPU", exact)
    try:
        return core.compile_model(model, "CPU", latency)
    except RuntimeError:
        # The processor announces bf16, but the kernels that may be used have none.
        return core.compile_model(model, "CPU", exact)


def _is_held_back() -> bool:
    """Tell whether the environment keeps oneDNN from instructions of bf16 that the processor has.

    OpenVINO asks the processor alone, chooses bf16, and dies of a missing kernel.
    """
    held = (os.environ.get(name, "").upper() for name in _MOST_INSTRUCTIONS)
    return any(isa and not isa.endswith(_WITH_BF16) for isa in held)
