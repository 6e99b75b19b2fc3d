"""Texts that a service refuses are found and named; a request that it refuses blames none."""

import numpy as np
import pytest
from embedding_server import BASES, Services, serving

from retrievo import Document, IngestError, Pipeline
from retrievo.errors import EncoderError, RetrievoWarning

pytest.importorskip("httpx", reason="needs the extra 'remote'")

LONG = "much too long for this model " * 9


@pytest.fixture
def start():
    """Services with the limits given, and an encoder of one of them."""
    open_ones = []

    def started(use, limits, **arguments):
        services = Services(**limits)
        context = serving(services)
        settings = {"model": "m", "base_url": context.__enter__() + BASES[use], "cache": "off"}
        encoder = Pipeline.part("encoder", use, **{**settings, "dim": 64, **arguments})
        open_ones.append((context, encoder))
        return services, encoder

    yield started
    for context, encoder in open_ones:
        encoder.close()
        context.__exit__(None, None, None)


@pytest.mark.parametrize("use", BASES)
def test_the_texts_that_are_too_long_are_named_all_at_once(start, use):
    services, encoder = start(use, {"words": 20})
    texts = ["short", "", LONG, "short too", "", *[f"fine {i}" for i in range(20)], LONG + "x"]
    with pytest.raises(EncoderError, match=r"2 of \d+ texts.*less than 20 tokens") as told:
        encoder.encode_document(texts)
    assert told.value.texts == (2, 25)
    # The batch, the plain text, and for each of the two both halves at 5 levels of 23 texts.
    assert len(services.asked) <= 1 + 1 + 2 * 2 * 5


def test_a_request_that_is_refused_for_any_text_blames_none(start):
    services, encoder = start("ollama", {}, dim=None, dimensions=1000)
    with pytest.raises(EncoderError, match=r"refuses every text \(400: dimensions must be") as told:
        encoder.encode_document(["one"] + ["two"] * 40)
    assert told.value.texts == () and len(services.asked) == 2


def test_a_batch_that_is_too_big_goes_in_parts(start):
    _, encoder = start("tei", {"items": 20}, batch_items=40)
    texts = [f"text {number}" for number in range(40)]
    with pytest.warns(RetrievoWarning, match=r"took no 40 texts in one request.*batch_items"):
        vectors = encoder.encode_document(texts)
    _, other = start("tei", {}, batch_items=3)
    assert np.array_equal(vectors, other.encode_document(texts))


def test_base64_is_given_up_where_it_is_refused(start):
    services, encoder = start("openai", {"base64_too": False})
    with pytest.warns(RetrievoWarning, match="base64"):
        vectors = encoder.encode_document(["one", "two"])
    first = len(services.asked)
    assert np.array_equal(encoder.encode_document(["one", "two"]), vectors)
    assert len(services.asked) == first + 1, "it asked for base64 again"
    _, other = start("openai", {"base64_too": False}, encoding="base64")
    with pytest.raises(EncoderError, match="refuses every text"):
        other.encode_document(["one", "two"])
    _, unknown = start("openai", {"base64_too": False}, dim=None)
    assert unknown.dim == 64


def test_a_vector_that_cannot_be_written_is_the_matter_of_its_text():
    from answering_server import Answer, Script
    from answering_server import serving as answering

    nan = Answer(500, {"error": "failed to encode: json: unsupported value: NaN"})
    fine = Answer(body={"embeddings": [[1.0, 0.0]]})
    with answering(Script(nan, fine, nan, fine)) as url:
        encoder = Pipeline.part("encoder", "ollama", model="m", base_url=url, dim=2, cache="off")
        with pytest.raises(EncoderError, match="NaN") as told:
            encoder.encode_document(["bad", "good"])
        encoder.close()
    assert told.value.texts == (0,)


def test_requests_go_out_at_once_and_rows_come_back_in_order(start):
    services, encoder = start("tei", {}, batch_items=2, concurrency=4)
    texts = [f"the text of number {number} " * (number % 7 + 1) for number in range(60)]
    vectors = encoder.encode_document(texts)
    assert 2 <= services.most_at_once <= 4
    _, other = start("tei", {}, batch_items=60)
    assert np.array_equal(vectors, other.encode_document(texts))


def test_an_ingest_goes_on_without_the_document_that_is_refused(start):
    _, encoder = start("tei", {"words": 20})
    pipeline = Pipeline(encoder=encoder)
    documents = [Document("a", "parrots talk"), Document("b", LONG), Document("c", "ice melts")]
    with pytest.raises(IngestError) as told:
        pipeline.index(documents)
    assert [failure.doc_id for failure in told.value.failures] == ["b"]
    assert {hit.doc_id for hit in pipeline.search("parrots", top_k=3)} == {"a", "c"}
