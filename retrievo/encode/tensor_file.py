"""Arrays in one safetensors file, written whole or not at all."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save


def write_tensors(
    path: Path, tensors: Mapping[str, npt.NDArray[Any]], metadata: Mapping[str, str]
) -> None:
    """Put the arrays into the file: a reader sees the old one or the new one, never half of one.

    The library's own `save_file` makes a file that no other user may read.
    """
    part = path.with_name(f"{path.name}.part")
    whole = {name: np.ascontiguousarray(one) for name, one in tensors.items()}
    part.write_bytes(save(whole, dict(metadata)))
    os.replace(part, path)
