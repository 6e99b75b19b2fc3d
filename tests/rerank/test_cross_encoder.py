"""A cross-encoder, against what the library itself predicts."""

import numpy as np
import pytest
from ranking_chunks import Clock, chunks_of
from tiny_model import sentences

pytest.importorskip("sentence_transformers", reason="needs the extra models")

import torch
from sentence_transformers import CrossEncoder
from tiny_cross_encoder import tiny_cross_encoder

from retrievo import Document, Pipeline
from retrievo.errors import ConfigError, EncoderError, RetrievoWarning, SearchError
from retrievo.rerank import cross_model
from retrievo.rerank.budget import Budget
from retrievo.rerank.cross_encoder import CrossEncoderReranker
from retrievo.telling import collecting
from retrievo.types import Chunk

QUERY = "winter garden"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_cross_encoder(tmp_path_factory.mktemp("cross") / "model")


@pytest.fixture(scope="module")
def theirs(folder):
    return CrossEncoder(str(folder), device="cpu")


@pytest.fixture(scope="module")
def reranker(folder):
    return CrossEncoderReranker(folder, dtype="float32")


def test_short_pairs_have_the_scores_of_predict(reranker, theirs):
    texts = [text[: 10 + 4 * at] for at, text in enumerate(sentences(12, length=8))]
    ranked = reranker.rank(QUERY, chunks_of(*texts), 12)
    wanted = theirs.predict([(QUERY, text) for text in texts])
    assert np.ptp(wanted) > 0.05
    np.testing.assert_allclose(ranked.scores, wanted[ranked.rows], atol=1e-6)
    assert ranked.rows.tolist() == np.argsort(-wanted, kind="stable").tolist()
    assert set(ranked.scored_by) == {"whole"}
    assert reranker.rank(QUERY, chunks_of(*texts), 3).rows.tolist() == ranked.rows[:3].tolist()


def test_the_context_is_read_with_the_text(reranker, theirs):
    chunk = Chunk("d", "copper bridge.", 0, 14, context="harbour")
    [score] = reranker.rank(QUERY, [chunk], 1).scores
    assert score == pytest.approx(theirs.predict([(QUERY, "harbour\ncopper bridge.")])[0], abs=1e-6)


def test_a_long_text_counts_by_its_best_window(reranker, theirs):
    # The model reads 40 tokens: 3 special ones, 2 of the query, 35 of the text.
    text = " ".join(sentences(9, seed=1, length=9))
    ranked = reranker.rank(QUERY, chunks_of("parrot.", text), 2)
    at = ranked.rows.tolist().index(1)
    way = ranked.scored_by[at]
    number, total = (int(word) for word in way.removeprefix("window ").split(" of "))
    assert 1 <= number <= total and total > 2
    # Any window of whole sentences is in some window: the score is that of a part of the text.
    assert ranked.scores[at] >= -1e-6 + min(theirs.predict([(QUERY, text)]))
    parts = windows_of(reranker, text)
    wanted = theirs.predict([(QUERY, part) for part in parts])
    assert len(parts) == total and int(np.argmax(wanted)) == number - 1
    assert ranked.scores[at] == pytest.approx(wanted.max(), abs=1e-6)


def windows_of(reranker, text):
    from retrievo.rerank.windows import windows

    return windows(text, reranker._model.tokenizer.token_spans(text), 35)


def test_no_window_is_cut_by_the_model(reranker, theirs):
    text = " ".join(sentences(30, seed=2, length=9))
    tokenizer = theirs.tokenizer
    for part in windows_of(reranker, text):
        ids = tokenizer(QUERY, part, truncation=False)["input_ids"]
        assert len(ids) <= 40


def test_max_length_makes_windows_smaller_and_is_not_more_than_the_model_reads(folder):
    text = " ".join(["parrot bridge violin glacier"] * 6)
    small = CrossEncoderReranker(folder, max_length=25, dtype="float32")
    large = CrossEncoderReranker(folder, max_length=4_000, dtype="float32")
    assert small.rank(QUERY, chunks_of(text), 1).scored_by[0].endswith("of 2")
    assert large.rank(QUERY, chunks_of(text), 1).scored_by == ["whole"]
    with pytest.raises(ConfigError, match="max_length is 10"):
        CrossEncoderReranker(folder, max_length=10)


def test_a_long_query_is_read_in_part_and_told(reranker, theirs):
    query = " ".join(["winter garden"] * 20)
    with collecting() as told:
        [score] = reranker.rank(query, chunks_of("parrot."), 1).scores
    assert "40 tokens" in told[0] and "first 18" in told[0]
    wanted = theirs.predict([(" ".join(["winter garden"] * 9), "parrot.")])[0]
    assert score == pytest.approx(wanted, abs=1e-6)


def test_batches_of_any_size_give_the_same(folder, reranker):
    texts = [text[: 8 + 5 * at] for at, text in enumerate(sentences(9, length=8))]
    one = CrossEncoderReranker(folder, dtype="float32", batch_tokens=1)
    a, b = (each.rank(QUERY, chunks_of(*texts), 9) for each in (one, reranker))
    assert a.rows.tolist() == b.rows.tolist()
    np.testing.assert_allclose(a.scores, b.scores, atol=1e-6)


def test_the_budget_stops_before_the_batch_that_would_be_too_late(folder, monkeypatch):
    reranker = CrossEncoderReranker(folder, dtype="float32", budget_ms=50)
    clock = Clock()
    reranker.budget = Budget(50, clock)
    score = reranker._model.score

    def slow(query, texts, lengths):
        clock.passes(0.002 * len(texts))
        return score(query, texts, lengths)

    monkeypatch.setattr(reranker._model, "score", slow)
    chunks = chunks_of(*[f"parrot {at}." for at in range(10, 60)])
    ranked = reranker.rank(QUERY, chunks, 50)
    # 16 ms for each 8: a fourth batch would end at 64.
    assert sorted(ranked.rows.tolist()) == list(range(24))
    assert (np.diff(ranked.scores) <= 0).all()
    # The first batch is read whatever it takes.
    reranker.budget = Budget(0.001, clock)
    assert sorted(reranker.rank(QUERY, chunks, 50).rows.tolist()) == list(range(8))


def test_a_model_that_was_given_is_taken_as_it_is(theirs, reranker):
    given = CrossEncoderReranker(theirs, dtype="float32")
    a, b = (each.rank(QUERY, chunks_of("parrot.", "river."), 2) for each in (given, reranker))
    assert a.scores.tolist() == b.scores.tolist()
    with pytest.raises(ConfigError, match="move the model itself"):
        CrossEncoderReranker(theirs, device="cuda")


def test_scores_that_are_no_numbers_are_a_search_error(folder):
    model = CrossEncoder(str(folder), device="cpu")
    with torch.no_grad():
        model.model.classifier.bias[:] = float("nan")
    with pytest.raises(SearchError, match="no number"):
        CrossEncoderReranker(model, dtype="float32").rank(QUERY, chunks_of("parrot."), 1)


def test_odd_texts_and_no_texts(reranker):
    ranked = reranker.rank("half \ud83d", chunks_of("", "\ud83d", "x" * 3_000), 3)
    assert sorted(ranked.rows.tolist()) == [0, 1, 2]
    assert len(reranker.rank("", chunks_of("a"), 5)) == 1
    assert len(reranker.rank(QUERY, [], 5)) == 0


def test_bfloat16_is_taken_where_it_changes_no_score(folder, theirs, monkeypatch):
    texts = sentences(12, length=8)
    monkeypatch.setattr(cross_model, "has_bfloat16", lambda device: True)
    monkeypatch.setattr(cross_model, "SAME_WITHIN", 1.0)
    reranker = CrossEncoderReranker(folder)
    reranker.rank(QUERY, chunks_of("parrot."), 1)
    assert reranker._model.dtype == "auto"  # one score has no spread to compare by
    scores = reranker.rank(QUERY, chunks_of(*texts), 12)
    assert reranker._model.dtype == "bfloat16"
    wanted = theirs.predict([(QUERY, text) for text in texts])[scores.rows]
    assert 0 < np.abs(scores.scores - wanted).max() < 0.05
    monkeypatch.setattr(cross_model, "SAME_WITHIN", 0.0)
    reranker = CrossEncoderReranker(folder)
    with pytest.warns(RetrievoWarning, match="float32"):
        again = reranker.rank(QUERY, chunks_of(*texts), 12)
    assert reranker._model.dtype == "float32"
    np.testing.assert_allclose(
        again.scores, theirs.predict([(QUERY, t) for t in texts])[again.rows], atol=1e-6
    )
    monkeypatch.setattr(cross_model, "has_bfloat16", lambda device: False)
    assert CrossEncoderReranker(folder)._model.dtype == "float32"


def test_a_classifier_is_refused(tmp_path):
    folder = tiny_cross_encoder(tmp_path / "classes", labels=3)
    with pytest.raises(ConfigError, match="3 scores"):
        CrossEncoderReranker(folder)


@pytest.mark.parametrize(
    "more",
    [
        {"depth": 0},
        {"budget_ms": -1},
        {"device": "abacus"},
        {"dtype": "int8"},
        {"dtype": "half"},
        {"batch_tokens": 0},
    ],
)
def test_arguments_are_checked(folder, more):
    with pytest.raises(ConfigError):
        CrossEncoderReranker(folder, **more)


def test_a_model_that_is_not_there(tmp_path):
    with pytest.raises(EncoderError, match="no model directory"):
        CrossEncoderReranker(str(tmp_path / "nothing"))


def test_in_a_pipeline(folder, tmp_path):
    (tmp_path / "p.toml").write_text(
        f'format = 1\n[reranker]\nuse = "cross-encoder"\nmodel = "{folder}"\ndtype = "float32"\n'
    )
    pipeline = Pipeline.from_toml(tmp_path / "p.toml")
    pipeline.index(Document(str(at), text) for at, text in enumerate(sentences(8)))
    hits = pipeline.search("winter garden", top_k=8)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert hits[0].trace["rerank"]["scored_by"] == "whole"
