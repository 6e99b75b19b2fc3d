"""MMR: a case written out by hand, both ends of `diversity`, and where vectors come from."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ranking_chunks import chunks_of, found

from retrievo import Document, Pipeline
from retrievo.errors import ConfigError, EncoderError, SearchError
from retrievo.rerank.diversity import DiversityReranker, marginal
from retrievo.store.memory.store import MemoryStore
from retrievo.types import Query


class Angles:
    """An encoder of texts that are angles in degrees."""

    dim, max_tokens, fingerprint = 2, None, "angles"

    def encode_document(self, texts):
        turns = np.radians([float(text) for text in texts])
        return np.stack([np.cos(turns), np.sin(turns)], axis=1).astype(np.float32)

    encode_query = encode_document


def test_a_case_written_out_by_hand():
    # Two that are the same (0°), one at 60° (cosine .5), one at 90°.
    chunks = chunks_of("0", "0", "60", "90")
    reranker = DiversityReranker(Angles(), diversity=0.5)
    ranked = reranker.rank_found(Query("x"), found(chunks, [0.9, 0.8, 0.5, 0.4]), 4)
    # Relevance: 1, .8, .2, 0. First .5·1. Then .5·.8 - .5·1 = -.1, .5·.2 - .5·.5 = -.15, and
    # .5·0 - .5·0 = 0: the last. Then -.1 again, and .1 - .5·cos 30° = -.333 for the third.
    assert ranked.rows.tolist() == [0, 3, 1, 2]
    wanted = [0.5, 0.0, -0.1, 0.1 - 0.5 * np.cos(np.pi / 6)]
    np.testing.assert_allclose(ranked.scores, wanted, atol=1e-6)
    assert set(ranked.scored_by) == {"encoded for this query"}


def test_without_diversity_the_order_is_the_one_given():
    chunks = chunks_of(*(["0"] * 7))
    for scores in ([7, 6, 5, 5, 3, 2, 1], [1] * 7, [1, 5, 5, 5, 5, 5, 0]):
        ranked = DiversityReranker(Angles(), diversity=0).rank_found(
            Query("x"), found(chunks, scores), 7
        )
        assert ranked.rows.tolist() == list(range(7))


def test_diversity_of_one_looks_at_likeness_alone():
    chunks = chunks_of("0", "1", "90", "45")
    ranked = DiversityReranker(Angles(), diversity=1).rank_found(
        Query("x"), found(chunks, [4, 3, 2, 1]), 4
    )
    # 45° is as far from 0° as from 90°, and 1° lies nearly on 0°.
    assert ranked.rows.tolist() == [0, 2, 3, 1]


def test_what_points_away_is_no_more_unlike_than_what_has_nothing_in_common():
    order, scores = marginal(
        np.array([1.0, 0.5, 0.0]), np.array([[1, 0], [-1, 0], [0, 1.0]]), 0.5, 3
    )
    assert order.tolist() == [0, 1, 2]
    np.testing.assert_allclose(scores, [0.5, 0.25, 0.0])


def test_a_plain_ranking_takes_the_places_for_relevance():
    ranked = DiversityReranker(Angles(), diversity=0.5).rank("x", chunks_of("0", "0", "90"), 2)
    assert ranked.rows.tolist() == [0, 2]
    np.testing.assert_allclose(ranked.scores, [0.5, 0.0], atol=1e-6)


def test_lengths_of_vectors_do_not_count_and_zeros_are_like_nothing():
    vectors = np.array([[3, 0], [0.1, 0], [0, 0], [0, 9]], np.float32)
    order, _ = marginal(np.array([1.0, 0.9, 0.2, 0.1]), vectors, 0.5, 4)
    assert order.tolist() == [0, 2, 3, 1]


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=12),
    st.floats(0, 1),
    st.integers(0, 2**32 - 1),
)
def test_each_choice_is_the_best_of_what_is_left(scores, diversity, seed):
    """Against the formula as the paper has it, one candidate after the other."""
    vectors = np.random.default_rng(seed).normal(size=(len(scores), 3))
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    order, values = marginal(np.array(scores), vectors, diversity, len(scores))
    assert sorted(order.tolist()) == list(range(len(scores)))
    chosen = []
    for place, value in zip(order.tolist(), values.tolist(), strict=True):
        worth = {
            i: (1 - diversity) * scores[i]
            - diversity * max([0.0, *(float(units[i] @ units[j]) for j in chosen)])
            for i in range(len(scores))
            if i not in chosen
        }
        assert value == pytest.approx(max(worth.values()), abs=1e-9)
        assert worth[place] == pytest.approx(value, abs=1e-9)
        chosen.append(place)
    assert (np.diff(values) <= 1e-12).all()


class Unused:
    dim = 64

    def encode_document(self, texts):
        raise AssertionError("the store has the vectors")


def test_the_vectors_of_the_store_are_taken():
    pipeline = Pipeline()
    texts = {"a": "keys are rotated", "b": "keys are rotated", "c": "bread is baked"}
    pipeline.index(Document(name, text) for name, text in texts.items())
    rows = np.concatenate(pipeline.store.document_rows(list(texts)))
    given = found(pipeline.store.get(rows), [3, 2, 1], rows)
    ranked = DiversityReranker(Unused(), pipeline.store, diversity=0.6).rank_found(
        Query("x"), given, 3
    )
    assert ranked.rows.tolist() == [0, 2, 1]
    assert set(ranked.scored_by) == {"stored as dense"}
    encoder = Pipeline.part("encoder", "static")
    other = DiversityReranker(encoder, pipeline.store, diversity=0.6, representation="aspects")
    made = other.rank_found(Query("x"), given, 3)
    assert set(made.scored_by) == {"encoded for this query"}
    np.testing.assert_allclose(made.scores, ranked.scores, atol=0.02)  # the store rounds


def test_in_a_pipeline_near_copies_go_down_and_the_trace_tells_the_source(tmp_path):
    texts = {
        "a": "To rotate a key, make a new one first.",
        "b": "To rotate a key, make a new one at first.",
        "c": "Old keys are kept for a day after a rotation.",
        "d": "Bread is baked in a hot oven.",
        "e": "The parrot speaks of glaciers.",
    }
    (tmp_path / "p.toml").write_text('format = 1\n[reranker]\nuse = "diversity"\ndiversity = 0.5\n')
    plain, diverse = Pipeline(), Pipeline.from_toml(tmp_path / "p.toml")
    for pipeline in (plain, diverse):
        pipeline.index(Document(name, text) for name, text in texts.items())
    assert [hit.doc_id for hit in plain.search("rotate a key", top_k=3)][2] == "c"
    hits = diverse.search("rotate a key", top_k=3)
    assert [hit.doc_id for hit in hits][1] == "c" and not hits.warnings
    assert hits[1].trace["rerank"]["scored_by"] == "stored as dense"


def test_no_chunks_give_no_positions():
    reranker = DiversityReranker(Angles())
    assert (
        len(reranker.rank("x", [], 5))
        == len(reranker.rank_found(Query("x"), found([], []), 5))
        == 0
    )


@pytest.mark.parametrize("more", [{"diversity": -0.1}, {"diversity": 1.1}, {"diversity": True},
                                  {"diversity": float("nan")}, {"depth": 0}])  # fmt: skip
def test_arguments_are_checked(more):
    with pytest.raises(ConfigError):
        DiversityReranker(Angles(), **more)


def test_what_cannot_be_compared_is_a_search_error():
    class Broken(Angles):
        def encode_document(self, texts):
            raise EncoderError("no weights")

    with pytest.raises(SearchError, match="no weights"):
        DiversityReranker(Broken()).rank("x", chunks_of("0", "1"), 2)
    with pytest.raises(SearchError, match="no numbers"):
        DiversityReranker(Angles()).rank_found(
            Query("x"), found(chunks_of("0", "1"), [1, float("nan")]), 2
        )


def test_a_store_of_nobody_is_told():
    given = found(chunks_of("0", "1"), [2, 1])
    reranker = DiversityReranker(Angles(), MemoryStore())
    with pytest.raises(SearchError, match=r"store=pipeline\.store"):
        reranker.rank_found(Query("0"), given, 2)
