"""What a listener is told after each step of the pipeline."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

STAGES = ("encode", "write", "expand", "retrieve", "fuse", "fetch", "rerank")
"""The steps that are told of."""


@dataclass(frozen=True, slots=True)
class StageDone:
    """One step that has ended: its name, how long it took, and how many things it handled.

    `stage` is one of STAGES. `count` counts chunks in encode and write, queries in the others.
    `detail` holds what is particular to the step: the `branch` of a retrieve.
    """

    stage: str
    seconds: float
    count: int
    detail: Mapping[str, Any] = field(default_factory=dict)
