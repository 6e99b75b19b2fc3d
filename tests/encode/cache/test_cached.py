import copy
import pickle

import numpy as np
import pytest
from pipelines import CountingEncoder, documents

from retrievo import Pipeline
from retrievo.contracts import Encoder, Tokenizer
from retrievo.encode.cache.cached import CachedEncoder
from retrievo.encode.static import StaticEncoder
from retrievo.errors import EncoderError, RetrievoWarning
from retrievo.telling import collecting, tell
from retrievo.testing.encoders import EncoderContract
from retrievo.truncation import record, recording


class Cutting(CountingEncoder):
    """Reads 10 characters of a text, records what it cuts and tells it; refuses "bad"."""

    max_tokens = 10
    aligned_to = "another"

    def encode_document(self, texts):
        for place, text in enumerate(texts):
            if text == "bad":
                raise EncoderError("bad", texts=[place])
            if not text.strip():
                tell("an empty text")
            if len(text) > 10 and not record(text, len(text), 10):
                tell("a text was cut")
        return super().encode_document([text[:10] for text in texts])


class TestContract(EncoderContract):
    @pytest.fixture
    def encoder(self, tmp_path):
        made = CachedEncoder(StaticEncoder(truncate_dim=64), tmp_path / "v.sqlite")
        yield made
        made.cache.close()


@pytest.fixture
def cached(tmp_path):
    made = CachedEncoder(Cutting(), tmp_path / "v.sqlite")
    yield made
    made.cache.close()


def test_the_encoder_is_asked_once_for_a_text(cached):
    first = cached.encode_document(["abc", "def", "abc"])
    again = cached.encode_document(["def", "abc"])
    assert cached.encoded == ["abc", "def"]
    assert np.array_equal(first[[1, 0]], again)
    assert np.array_equal(cached.encode_query(["abc"]), first[:1])
    assert (cached.cache.hits, cached.cache.misses) == (2, 4)


def test_another_fingerprint_has_vectors_of_its_own(tmp_path):
    for name in ("one", "two"):
        encoder = CachedEncoder(CountingEncoder(name), tmp_path / "v.sqlite")
        encoder.encode_document(["abc"])
        assert encoder.encoded == ["abc"]
        encoder.cache.close()


def test_a_truncation_is_recorded_when_the_vector_is_found_as_well(cached):
    long = "a text of more than ten characters"
    for _ in range(2):
        with recording() as entries, collecting() as told:
            cached.encode_document([long, "short"])
        assert entries == [(long, len(long), 10)] and told == []
    assert cached.encoded == [long[:10], "short"]


def test_where_nobody_collects_a_truncation_is_told_each_time(cached):
    for _ in range(2):
        with pytest.warns(RetrievoWarning, match="1 of 2 texts are longer than the") as warned:
            cached.encode_document(["a text of more than ten characters", "short"])
        assert [one.filename for one in warned] == [__file__]


def test_empty_texts_go_to_the_encoder_each_time(cached):
    for _ in range(2):
        with collecting() as told:
            vectors = cached.encode_document(["", "abc", " "])
        assert told == ["an empty text", "an empty text"]
        assert not vectors[[0, 2]].any() and vectors[1].any()


def test_an_error_names_the_places_of_the_call(cached):
    cached.encode_document(["kept"])
    with pytest.raises(EncoderError) as caught:
        cached.encode_document(["kept", "good", "bad"])
    assert caught.value.texts == (2,)
    with collecting(), pytest.raises(EncoderError) as caught:
        cached.encode_document(["", "kept", "good", "bad"])
    assert caught.value.texts == (3,)


def test_vectors_of_another_shape_are_refused(cached, monkeypatch):
    monkeypatch.setattr(Cutting, "dim", 27)
    with pytest.raises(EncoderError, match=r"Cutting gave an array of shape \(1, 26\)"):
        cached.encode_document(["abc"])


def test_what_else_the_encoder_offers_is_offered():
    cached = CachedEncoder(Cutting(), "off")
    assert isinstance(cached, Encoder) and not isinstance(cached, Tokenizer)
    assert (cached.dim, cached.max_tokens, cached.fingerprint) == (26, 10, "counting-1")
    assert cached.dense_weight == 0.5 and cached.aligned_to == "another"
    assert cached.identity() == {"name": "Cutting"}
    assert not hasattr(cached, "special_tokens")
    static = CachedEncoder(StaticEncoder(), "off")
    assert isinstance(static, Tokenizer) and static.tokenizer_name == "static"
    assert static.token_spans("a b").tolist() == StaticEncoder().token_spans("a b").tolist()
    assert static.identity() == StaticEncoder().identity()
    assert copy.copy(cached).dim == 26
    with pytest.raises(TypeError):
        pickle.dumps(cached)  # a cache holds a lock and a file


def test_a_rebuilt_index_encodes_nothing_again(tmp_path):
    for name, written in (("one", 4), ("two", 0)):
        encoder = CachedEncoder(CountingEncoder(), tmp_path / "v.sqlite")
        with Pipeline.open(tmp_path / name, encoder=encoder) as pipeline:
            report = pipeline.index(documents())
        assert len(encoder.encoded) == written == report.chunks_written - report.chunks_cached
        assert report.as_dict()["chunks"]["cached"] == report.chunks_cached
        assert ("(4 from the cache)" in str(report)) == (written == 0)


def test_auto_is_beside_the_index_and_made_by_writing_only(tmp_path):
    encoder = CachedEncoder(CountingEncoder(), "auto")
    with Pipeline.open(tmp_path / "index", encoder=encoder) as pipeline:
        assert len(pipeline.plan(documents()).added) == 4
        assert not list(tmp_path.glob("*.sqlite*"))
        pipeline.index(documents())
        pipeline.search("key")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index", "index.cache.sqlite"]
    (tmp_path / "index.cache.sqlite").unlink()
    fresh = CachedEncoder(CountingEncoder(), "auto")
    with Pipeline.open(tmp_path / "index", encoder=fresh) as pipeline:
        assert pipeline.search("key")
    assert fresh.cache.path is None
    assert [path.name for path in tmp_path.iterdir()] == ["index"]


def test_an_index_in_memory_has_no_auto_cache(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    encoder = CachedEncoder(CountingEncoder(), "auto")
    with Pipeline(encoder=encoder) as pipeline:
        pipeline.index(documents())
    assert encoder.cache.path is None and not list(tmp_path.iterdir())


def test_the_default_pipeline_has_no_cache(tmp_path):
    with Pipeline.open(tmp_path / "index") as pipeline:
        pipeline.index(documents())
    assert [path.name for path in tmp_path.iterdir()] == ["index"]


def test_the_static_encoder_keeps_vectors_in_a_file_only(tmp_path):
    assert not StaticEncoder().cache.keeps("document")
    auto = StaticEncoder(cache="auto")
    auto.cache.beside(tmp_path / "index")
    assert auto.cache.path is None
    encoder = StaticEncoder(cache=tmp_path / "v.sqlite")
    right = StaticEncoder().encode_document(["one", "two"])
    for _ in range(2):
        with pytest.warns(RetrievoWarning, match="1 of 3 texts are empty") as warned:
            found = encoder.encode_document(["one", "", "two"])
        assert np.array_equal(found[[0, 2]], right) and not found[1].any()
        assert warned[0].filename == __file__
    assert encoder.cache.hits == 3
    encoder.cache.close()
