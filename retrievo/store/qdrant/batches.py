"""A batch looked at before anything of it is sent: a server would take some of it."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from retrievo.contracts import Batch, Space
from retrievo.errors import StoreError
from retrievo.types import MultiRows, Representation, SparseRows


def check_batch(batch: Batch, spaces: Mapping[str, Space]) -> None:
    """Raise StoreError unless each space has its rows, in its kind and size, each document once."""
    chunks = sum(len(part) for _, part in batch.items)
    if len(batch.reuse) != chunks or len(batch.fingerprints) != len(batch.items):
        raise StoreError(
            f"a batch of {len(batch.items)} documents and {chunks} chunks has "
            f"{len(batch.fingerprints)} fingerprints and {len(batch.reuse)} rows to reuse"
        )
    times = Counter(document.id for document, _ in batch.items)
    for name, n in times.most_common(1):
        if n > 1:
            raise StoreError(
                f"a batch has the document {name!r} twice; nothing of it is written: give each "
                "document once"
            )
    unknown = sorted(batch.representations.keys() - spaces.keys())
    if unknown:
        raise StoreError(f"a batch brings {unknown}, the index has {sorted(spaces)}")
    n = int(np.count_nonzero(batch.reuse < 0))
    for name, space in spaces.items():
        values = batch.representations.get(name)
        if values is None and n:
            raise StoreError(f"a batch of {n} new chunks has no {name!r}, which the index keeps")
        if values is not None:
            check_values(name, space, values, n)


def check_values(name: str, space: Space, values: Representation, n: int) -> None:
    """Raise StoreError unless these are `n` rows of the space."""
    if len(values) != n:
        raise StoreError(f"{name!r} has {len(values)} rows where {n} are wanted")
    kind = {"dense": np.ndarray, "sparse": SparseRows, "multi": MultiRows}[space.kind]
    found = type(values).__name__
    fits = isinstance(values, kind)
    numbers: Any
    if isinstance(values, SparseRows):
        numbers = values.values
    else:
        numbers = values.vectors if isinstance(values, MultiRows) else values
        found = f"{found} of shape {numbers.shape}"
        fits = fits and numbers.ndim == 2 and numbers.shape[1] == space.size
    if not fits:
        raise StoreError(f"{name!r} is {space} in the index, and {found} in what is written")
    if not np.isfinite(numbers).all():
        raise StoreError(f"{name!r} holds NaN or infinity; nothing of it is written")
