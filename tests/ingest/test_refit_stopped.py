"""Weights that a stopped run has redone in part: they are redone, whatever comes in between."""

import numpy as np
import pytest

from retrievo import Document, Pipeline


def weights(pipeline):
    """By chunk id its terms with their weights."""
    store = pipeline.store
    rows = np.concatenate([*store.scan()])
    kept = store.vectors("bm25", rows)
    return {
        chunk.id: dict(zip(*(part.tolist() for part in kept[place]), strict=True))
        for place, chunk in enumerate(store.get(rows))
    }


def test_a_refit_that_was_stopped_is_done_again_though_the_mean_came_back(make, monkeypatch):
    short = [Document(f"s{i}", f"one key number {i}") for i in range(20)]
    long = [Document(f"l{i}", "many more words " * 12) for i in range(20)]
    whole = Pipeline.part("chunker", use="recursive", chunk_size=999, chunk_overlap=0)
    with make(chunker=whole) as pipeline:
        pipeline.index(short)
        before, fitted = weights(pipeline), pipeline.store.statistics("bm25").fitted_mean
        replace = type(pipeline.store).replace

        def stopped(self, name, rows, values, mean):
            if mean:
                raise KeyboardInterrupt
            replace(self, name, rows, values, mean)

        with monkeypatch.context() as patched:
            patched.setattr(type(pipeline.store), "replace", stopped)
            with pytest.raises(KeyboardInterrupt):
                pipeline.index(long)
        halfway = weights(pipeline)
        assert any(halfway[name] != pytest.approx(terms) for name, terms in before.items())
        pipeline.delete([document.id for document in long])
        pipeline.index(short)
        now = pipeline.store.statistics("bm25")
        assert now.fitted_mean == pytest.approx(fitted)
        after = weights(pipeline)
        assert after.keys() == before.keys()
        for name, terms in before.items():
            assert after[name] == pytest.approx(terms), "made with the mean of what is gone"
