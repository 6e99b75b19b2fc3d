import numpy as np
import pytest
from aligned import NoisyEncoder, many
from indexing import small
from pipelines import CountingEncoder

from retrievo import Pipeline
from retrievo.binding import PAIRS
from retrievo.encode.asymmetric import best, overlap_at, sentence_of
from retrievo.errors import MismatchError


def test_a_pair_that_agrees_is_measured_once_and_kept(tmp_path):
    near = NoisyEncoder(0.05)
    with Pipeline.open(tmp_path / "index", **small(query_encoder=near)) as pipeline:
        pipeline.index(many())
        assert near.asked == 0, "an empty index has nothing to compare by"
        assert len(pipeline.search("the key", top_k=3)) == 3
        note = pipeline.passport.notes[PAIRS]["noisy"]
        assert note["accepted"] and note["cosine"] > 0.9 and note["overlap"] > 0.5
        assert 50 < note["texts"] <= 128 and note["documents"] == pipeline.store.count()
        assert (note["min_cosine"], note["min_overlap"]) == (0.7, 0.5)
    again = NoisyEncoder(0.05)
    with Pipeline.open(tmp_path / "index", **small(query_encoder=again)) as pipeline:
        pipeline.search("the key")
        assert again.asked == 1, "the query alone: what was measured is in the passport"


@pytest.mark.parametrize("noise", [0.6, 1.0])
def test_a_wrong_pair_is_refused_with_both_fingerprints_and_what_was_measured(make, noise):
    with make(query_encoder=NoisyEncoder(noise)) as pipeline:
        pipeline.index(many())
        with pytest.raises(MismatchError) as caught:
            pipeline.search("the key")
        told = str(caught.value)
        assert "noisy" in told and "counting-1" in told and f"noise {noise}" in told
        assert "cosine 0." in told and "at least 0.7" in told and "overlap@10 0." in told
        assert "retrievo distill" in told
        assert PAIRS not in pipeline.passport.notes


def test_a_declared_pair_is_taken_at_its_word(make):
    far = NoisyEncoder(1.0)
    far.aligned_to = "counting-1"
    with make(query_encoder=far) as pipeline:
        pipeline.index(many())
        assert len(pipeline.search("the key", top_k=2)) == 2
        assert far.asked == 1


def test_what_belongs_to_another_encoder_is_refused_before_anything_is_written(make):
    other = NoisyEncoder(0.0)
    other.aligned_to = "another-teacher"
    with make(query_encoder=other) as pipeline:
        with pytest.raises(MismatchError, match="aligned to another-teacher"):
            pipeline.index(many())


def test_sizes_that_differ_are_refused_before_anything_is_written(make):
    narrow = Pipeline.part("encoder", use="static", truncate_dim=64)
    with make(query_encoder=narrow) as pipeline:
        with pytest.raises(MismatchError, match=r"64 dimensions.*26 dimensions"):
            pipeline.index(many())


def test_queries_only_are_encoded_by_the_query_encoder(make):
    query_encoder = CountingEncoder()
    with make(query_encoder=query_encoder) as pipeline:
        pipeline.index(many(5))
        assert len(pipeline.search("the key", top_k=3)) == 3
        assert query_encoder.encoded == []


def test_few_documents_are_compared_by_cosine_alone(make):
    with make(query_encoder=NoisyEncoder(0.05)) as pipeline:
        pipeline.index(many(4))
        pipeline.search("the key")
        assert pipeline.passport.notes[PAIRS]["noisy"]["overlap"] is None


def test_an_index_that_was_refused_can_be_searched_with_another_encoder(tmp_path):
    with Pipeline.open(tmp_path / "index", **small(query_encoder=NoisyEncoder(1.0))) as pipeline:
        pipeline.index(many())
        with pytest.raises(MismatchError):
            pipeline.search("the key")
    with Pipeline.open(tmp_path / "index", **small(query_encoder=NoisyEncoder(0.0))) as pipeline:
        assert pipeline.search("the key")


def test_a_snapshot_is_compared_and_not_written_to(tmp_path):
    with Pipeline.open(tmp_path / "index", **small(query_encoder=NoisyEncoder(0.0))) as pipeline:
        pipeline.index(many())
        pipeline.store.snapshot(tmp_path / "copy")
    with Pipeline.open(tmp_path / "copy", **small(query_encoder=NoisyEncoder(0.0))) as pipeline:
        assert pipeline.search("the key")
        assert PAIRS not in pipeline.passport.notes


def test_overlap_by_hand():
    wanted = np.array([[4, 3, 2, 1], [1, 2, 3, 4]], np.float32)
    found = np.array([[4, 1, 3, 2], [1, 2, 3, 4]], np.float32)
    assert overlap_at(2, wanted, found) == pytest.approx((0.5 + 1.0) / 2)
    assert overlap_at(10, wanted, found) == 1.0, "of four documents all are among the ten best"
    assert sorted(best(2, wanted)[0].tolist()) == [0, 1]
    assert overlap_at(2, wanted[:0], found[:0]) == 0.0


def test_a_sentence_that_can_stand_for_a_query():
    text = "Short. This one is long enough to be asked for. And so is this one, I should think!"
    assert sentence_of(text) == "This one is long enough to be asked for."
    assert sentence_of(text, 1) == "And so is this one, I should think!"
    assert sentence_of("Too short.") == "Too short."
    assert sentence_of("x" * 1000) == "x" * 300
    assert sentence_of("  ") == ""
