"""One compiled OpenVINO network, safe to call from many threads."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Literal

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from models.weights import WeightsError

Precision = Literal["auto", "f32"]


class Network:
    """A network compiled once; every thread has an inference request of its own.

    `precision` "auto" lets OpenVINO compute in bf16 where the processor has it, "f32" never does.
    Raises `WeightsError` when OpenVINO cannot read the file.
    """

    def __init__(self, path: Path, precision: Precision = "auto") -> None:
        options = {"PERFORMANCE_HINT": "LATENCY"}
        if precision == "f32":
            options["INFERENCE_PRECISION_HINT"] = "f32"
        try:
            self._compiled = ov.Core().compile_model(path, "CPU", options)
        except RuntimeError as error:
            raise WeightsError(f"{path} cannot be loaded by OpenVINO: {error}") from error
        self._threads = threading.local()

    def run(self, batch: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Infer one float32 batch; gives a copy of each output by its name."""
        if not hasattr(self._threads, "request"):
            self._threads.request = self._compiled.create_infer_request()
        results = self._threads.request.infer({0: batch})
        return {
            self._name(index, port): np.array(results[port], np.float32)
            for index, port in enumerate(self._compiled.outputs)
        }

    @staticmethod
    def _name(index: int, port: ov.ConstOutput) -> str:
        return min(port.names, default=f"output{index}")
