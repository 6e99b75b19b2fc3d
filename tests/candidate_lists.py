"""Lists of candidates to fuse: written out, and drawn by hypothesis."""

import numpy as np
from hypothesis import strategies as st

from retrievo.types import Candidates


def listed(rows, scores, **more):
    return Candidates(np.array(rows, np.int64), np.array(scores, np.float32), **more)


@st.composite
def branches(draw, least=1, completed=True):
    """One to four branches; of some, rows that were scored afterwards follow those found."""
    made = {}
    for name in draw(st.lists(st.sampled_from("abcd"), min_size=least, max_size=4, unique=True)):
        rows = draw(st.lists(st.integers(0, 30), max_size=15, unique=True))
        numbers = st.lists(st.floats(-1, 20, width=32), min_size=len(rows), max_size=len(rows))
        scores = sorted(draw(numbers), reverse=True)
        bound = draw(st.sampled_from([None, 1.0, 20.0, 0.0]))
        found = None
        if completed and draw(st.booleans()):
            found = draw(st.integers(0, len(rows)))
            later = sorted(zip(rows[found:], scores[found:], strict=True))
            rows = rows[:found] + [row for row, _ in later]
            scores = scores[:found] + [score for _, score in later]
        more = dict(bound=bound, exhaustive=draw(st.booleans()), found=found)
        made[name] = listed(rows, scores, **more)
    return made


def scores_of(fused):
    return dict(zip(fused.rows.tolist(), fused.scores.tolist(), strict=True))
