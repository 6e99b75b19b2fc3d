"""Runs an ONNX graph with OpenVINO, on the CPU."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import openvino


class Graph:
    """States of a graph's last layer; several threads may ask at once."""

    def __init__(self, path: Path, *, threads: int) -> None:
        settings = {
            "INFERENCE_NUM_THREADS": threads,
            # Where the CPU has bfloat16, OpenVINO would compute in it unasked.
            "INFERENCE_PRECISION_HINT": "f32",
        }
        core: Any = openvino.Core()
        self._compiled: Any = core.compile_model(core.read_model(str(path)), "CPU", settings)
        self.names = [one.any_name for one in self._compiled.inputs]
        """What the graph reads."""
        self._of_thread = threading.local()

    def run(self, inputs: Mapping[str, npt.NDArray[np.int64]]) -> npt.NDArray[np.float32]:
        """float32[n, tokens, width] of int64[n, tokens] under each of `names`."""
        request = getattr(self._of_thread, "request", None)
        if request is None:  # a request answers one question at a time
            request = self._of_thread.request = self._compiled.create_infer_request()
        # A copy: what the request holds is overwritten by its next answer.
        return np.array(request.infer(dict(inputs))[0])
