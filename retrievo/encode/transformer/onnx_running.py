"""Runs an ONNX graph with onnxruntime, on the CPU."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

# Importing it makes a device id and queues events for its maker, unless this is set before.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime

onnxruntime.disable_telemetry_events()


class Graph:
    """States of a graph's last layer; several threads may ask at once."""

    def __init__(self, path: Path, *, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors, which are raised as well
        self._session: Any = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        self.names = [one.name for one in self._session.get_inputs()]
        """What the graph reads."""

    def run(self, inputs: Mapping[str, npt.NDArray[np.int64]]) -> npt.NDArray[np.float32]:
        """float32[n, tokens, width] of int64[n, tokens] under each of `names`."""
        states: npt.NDArray[np.float32] = self._session.run(None, dict(inputs))[0]
        return states
