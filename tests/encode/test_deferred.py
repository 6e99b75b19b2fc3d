import threading

import numpy as np
import pytest
from aligned import NoisyEncoder, many
from pipelines import CountingEncoder

from retrievo import Pipeline, hookimpl
from retrievo.encode.deferred import DeferredEncoder
from retrievo.errors import MismatchError


class Built:
    """A plugin whose encoder counts how often it was made."""

    def __init__(self, fingerprint="counting-1"):
        self.made = 0
        self.fingerprint = fingerprint

    def encoder(self, name: str = "one"):
        self.made += 1
        return CountingEncoder(self.fingerprint)

    @hookimpl
    def retrievo_register_encoders(self, register):
        register("counting", self.encoder)


TOML = """
format = 1
[encoder]
use = "counting"
[chunker]
tokenizer = "static"
"""


def pipeline_of(tmp_path, plugin, toml=TOML, **parts):
    (tmp_path / "p.toml").write_text(toml)
    return Pipeline.from_toml(
        tmp_path / "p.toml", index=tmp_path / "index", plugins=[plugin], **parts
    )


def declared(noise=0.1):
    query_encoder = NoisyEncoder(noise)
    query_encoder.aligned_to = "counting-1"
    return query_encoder


def test_a_search_with_its_own_query_encoder_builds_no_document_encoder(tmp_path):
    with pipeline_of(tmp_path, Built()) as pipeline:
        pipeline.index(many())
    plugin = Built()
    with pipeline_of(tmp_path, plugin, query_encoder=declared()) as pipeline:
        hits = pipeline.search("the key", top_k=3)
        assert len(hits) == 3 and hits[0].trace["branches"]["dense"]["weight"] == 0.5
        assert plugin.made == 0


def test_it_is_built_to_write(tmp_path):
    with pipeline_of(tmp_path, Built()) as pipeline:
        pipeline.index(many(5))
    plugin = Built()
    with pipeline_of(tmp_path, plugin, query_encoder=declared()) as pipeline:
        pipeline.search("the key")
        pipeline.index(many(8))
        assert plugin.made == 1
        assert pipeline.store.count() == 8


@pytest.mark.parametrize("act", ["index", "search"])
def test_one_that_was_trained_anew_is_noticed_when_it_is_built(tmp_path, act):
    with pipeline_of(tmp_path, Built()) as pipeline:
        pipeline.index(many(5))
    toml = TOML + '[retrievers.bm25]\n[retrievers.dense]\nrescore = "teacher"\n'
    parts = {"query_encoder": declared()}
    with pipeline_of(tmp_path, Built("counting-2"), toml=toml, **parts) as pipeline:
        said = "differs: encoder.fingerprint" if act == "index" else "counting-1.*counting-2"
        with pytest.raises(MismatchError, match=said):
            pipeline.index(many(8)) if act == "index" else pipeline.search("the key")


def test_another_encoder_table_is_compared_at_once(tmp_path):
    with pipeline_of(tmp_path, Built()) as pipeline:
        pipeline.index(many(5))
    toml = TOML.replace('"counting"', '"counting"\nname = "two"')
    with pipeline_of(tmp_path, Built("counting-2"), toml=toml) as pipeline:
        with pytest.raises(MismatchError):
            pipeline.search("the key")


def test_what_the_passport_tells_builds_nothing():
    def build():
        raise AssertionError

    known = {"name": "x", "model": "m", "fingerprint": "f", "dim": 5, "dense_weight": None}
    encoder = DeferredEncoder(known, build, "here")
    assert (encoder.dim, encoder.fingerprint, encoder.dense_weight) == (5, "f", None)
    assert encoder.identity() == known and "'m'" in repr(encoder)
    with pytest.raises(AttributeError):
        encoder._private  # noqa: B018


def test_threads_build_one():
    made, start = [], threading.Barrier(8)
    lock, one = threading.Lock(), CountingEncoder()

    def build():
        with lock:  # as an assembly does
            made[:] = made or [1]
            return one

    known = {"fingerprint": "counting-1", "dim": 26}
    encoder = DeferredEncoder(known, build, "here")

    def ask():
        start.wait()
        assert np.asarray(encoder.encode_query(["a"])).shape == (1, 26)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert made == [1] and encoder.max_tokens is None
