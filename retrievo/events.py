"""What a listener is told after each step of the pipeline."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class StageDone:
    """One step that has ended: its name, how long it took, and how many things it handled.

    `stage` is read, chunk, encode, write, expand, retrieve, fuse or rerank; `count` counts
    documents in read and chunk, texts in encode, chunks in write, queries in the others.
    `detail` holds what is particular to the step (the branch of a retrieve, say).
    """

    stage: str
    seconds: float
    count: int
    detail: Mapping[str, Any] = field(default_factory=dict)
