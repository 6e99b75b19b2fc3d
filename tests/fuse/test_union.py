"""The union of rows is that of np.unique, in each of its ways to sort; the best places."""

import numpy as np
import pytest
from candidate_lists import listed

from retrievo.fuse.union import best_places, union_of

SIZES = {"half a word": 1 << 20, "a word": 1 << 40, "too large to pack": (1 << 63) - 1}


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("lowest", [0, -5])
def test_rows_and_places_are_those_of_unique(size, lowest):
    draw = np.random.default_rng(0)
    pool = np.unique(np.append(draw.integers(lowest, size, 300), [lowest, 0, size - 1]))
    rows = {name: draw.choice(pool, 200, replace=False) for name in "abc"}
    union = union_of({name: listed(own, np.zeros(200)) for name, own in rows.items()})
    assert union.rows.dtype == np.int64
    assert union.rows.tolist() == np.unique(np.concatenate(list(rows.values()))).tolist()
    for name, own in rows.items():
        assert union.rows[union.places[name]].tolist() == own.tolist()


@pytest.mark.parametrize("top_k", [1, 5, 100, 128, 129, 250, 300])
def test_the_best_places_and_what_equals_the_last_in_their_order(top_k):
    scores = np.random.default_rng(1).integers(0, 40, 300).astype(np.float32)
    by_score = np.lexsort((np.arange(300), -scores))
    last = scores[by_score[top_k - 1]]
    wanted = [place for place in by_score.tolist() if scores[place] >= last]
    assert best_places(scores, top_k).tolist() == wanted
