"""What a retriever says that it keeps is what it gives."""

import numpy as np

from retrievo.contracts import Retriever
from retrievo.testing.retrievers.hooks import Held, RetrieverHooks
from retrievo.testing.retrievers.samples import items
from retrievo.types import MultiRows, SparseRows


class Representing(RetrieverHooks):
    """A row a chunk, of the kind and size that `representations` says."""

    def test_is_a_retriever(self, empty: Held) -> None:
        assert isinstance(empty.retriever, Retriever)
        depth = getattr(empty.retriever, "depth", 1)
        assert isinstance(depth, int) and depth >= 1, f"depth is {depth!r}"

    def test_representations_are_what_represent_gives(self, empty: Held) -> None:
        kinds = {"dense": np.ndarray, "sparse": SparseRows, "multi": MultiRows}
        for documents in (items(), [], items(0, 1)):
            n = sum(len(chunks) for _, chunks in documents)
            made = empty.retriever.represent(documents)
            told = empty.retriever.representations
            assert set(made) == set(told), f"represent gave {sorted(made)}, not {sorted(told)}"
            for name, space in told.items():
                rows = made[name]
                assert isinstance(rows, kinds[space.kind]), f"{name} is a {type(rows).__name__}"
                assert len(rows) == n, f"{name} has {len(rows)} rows for {n} chunks"
                if isinstance(rows, np.ndarray):
                    assert rows.shape == (n, space.size) and rows.dtype == np.float32, name
                elif isinstance(rows, MultiRows):
                    assert rows.vectors.shape == (int(rows.indptr[-1]), space.size), name
                values = rows if isinstance(rows, np.ndarray) else _values(rows)
                assert np.isfinite(values).all(), f"{name} has NaN or infinity"

    def test_representations_stay_the_same(self, held: Held) -> None:
        before = {name: str(space) for name, space in held.retriever.representations.items()}
        held.find("moon river")
        after = {name: str(space) for name, space in held.retriever.representations.items()}
        assert before == after, "an index could not be opened again"


def _values(rows: SparseRows | MultiRows) -> np.ndarray:
    return rows.values if isinstance(rows, SparseRows) else rows.vectors
