"""The kit, over each of the five formats: real requests to strict services on loopback."""

import pytest
from embedding_server import BASES, Services, serving

from retrievo import Pipeline
from retrievo.testing.encoders import EncoderContract

pytest.importorskip("httpx", reason="needs the extra 'remote'")


@pytest.fixture(scope="module")
def address():
    with serving(Services(words=300)) as url:
        yield url


@pytest.fixture(scope="module")
def make(address):
    """An encoder of a service, by its name; the same one for the same arguments."""
    made = {}

    def encoder(use, **arguments):
        key = (use, repr(arguments))
        if key not in made:
            settings = {"model": "wordllama", "base_url": address + BASES[use], "cache": "off"}
            made[key] = Pipeline.part("encoder", use, **{**settings, **arguments})
        return made[key]

    yield encoder
    for one in made.values():
        one.close()


class TestOpenAI(EncoderContract):
    sides = "alike"

    @pytest.fixture
    def encoder(self, make):
        return make("openai", batch_items=7)

    @pytest.fixture
    def variants(self, make):
        return {
            "another model": make("openai", model="another"),
            "another revision": make("openai", revision="2"),
            "fewer numbers": make("openai", dimensions=32),
            "a query prompt": make("openai", query_prompt="query: "),
            "a document prompt": make("openai", document_prompt="passage: "),
            "a field for queries": make("openai", query_fields={"input_type": "query"}),
            "lengths as they come": make("openai", normalize=False),
            "another service": make("ollama"),
        }

    @pytest.fixture
    def same(self, make):
        return {
            "other batches": make("openai", batch_items=2, batch_tokens=50, concurrency=1),
            "numbers as text": make("openai", encoding="float"),
            "its length said": make("openai", dim=64),
        }


class TestCohere(EncoderContract):
    sides = "different"

    @pytest.fixture
    def encoder(self, make):
        return make("cohere", dimensions=32)


class TestJina(EncoderContract):
    sides = "different"

    @pytest.fixture
    def encoder(self, make):
        return make("jina", dimensions=48)


class TestTei(EncoderContract):
    sides = "alike"

    @pytest.fixture
    def encoder(self, make):
        return make("tei")


class TestOllama(EncoderContract):
    @pytest.fixture
    def encoder(self, make):
        return make("ollama", query_prompt="search_query: ", document_prompt="search_document: ")
