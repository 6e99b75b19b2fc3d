"""What every kind of student gives, before it has a card and a place."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from retrievo.contracts import Encoder
from retrievo.types import Rows, Vectors


@dataclass(frozen=True, slots=True)
class Student:
    """A student that is fitted, and how it does on chunks that were held out of a fit.

    `wanted` and `found` are float32[n, dim]: the stored vectors of held-out chunks, and those that
    a student gives which has not seen them; `held_out` is that student, for other texts.
    `held_rows` are the chunks' rows. `write` puts the final one into a folder, `open` opens it.
    """

    kind: Literal["static", "layers", "external"]
    wanted: Vectors
    found: Vectors
    held_rows: Rows
    held_out: Callable[[Sequence[str]], Vectors]
    settings: Mapping[str, Any]
    write: Callable[[Path], None]
    open: Callable[[Path], Encoder]
