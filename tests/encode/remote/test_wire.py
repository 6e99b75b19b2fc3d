"""What goes over the wire, written out by hand from each service's reference."""

import base64
import json
import struct

import numpy as np
import pytest
from answering_server import Answer, Script, serving

from retrievo import Pipeline
from retrievo.errors import RetrievoWarning

pytest.importorskip("httpx", reason="needs the extra 'remote'")

ROWS = [[0.6, 0.8], [1.0, 0.0]]


def as_base64(row):
    return base64.b64encode(struct.pack("<2f", *row)).decode()


ITEMS = {
    "object": "list",
    "model": "m",
    "data": [{"object": "embedding", "index": i, "embedding": row} for i, row in enumerate(ROWS)],
    "usage": {"prompt_tokens": 4, "total_tokens": 4},
}
COHERE = {
    "id": "da6e531f",
    "embeddings": {"float": ROWS},
    "texts": ["Q one", "two"],
    "meta": {"api_version": {"version": "2"}, "billed_units": {"input_tokens": 4.0}},
    "response_type": "embeddings_by_type",
}
OLLAMA = {"model": "m:latest", "embeddings": ROWS, "total_duration": 14, "prompt_eval_count": 4}

# (use, arguments, path, body of a query, what differs for a document, answer, tokens told)
FORMS = {
    "openai": (
        "openai",
        {"query_fields": {"input_type": "query"}, "dimensions": 2},
        "/embeddings",
        {
            "model": "m",
            "input": ["one", "two"],
            "encoding_format": "base64",
            "dimensions": 2,
            "input_type": "query",
        },
        {"input_type": None},
        {
            **ITEMS,
            "data": [{"index": i, "embedding": as_base64(row)} for i, row in enumerate(ROWS)],
        },
        4,
    ),
    "openai, plain": (
        "openai",
        {"encoding": "float", "dim": 2},
        "/embeddings",
        {"model": "m", "input": ["one", "two"], "encoding_format": "float"},
        {},
        ITEMS,
        4,
    ),
    "cohere": (
        "cohere",
        {"dimensions": 2},
        "/embed",
        {
            "model": "m",
            "texts": ["one", "two"],
            "input_type": "search_query",
            "embedding_types": ["float"],
            "truncate": "NONE",
            "output_dimension": 2,
        },
        {"input_type": "search_document"},
        COHERE,
        4,
    ),
    "cohere, cutting": (
        "cohere",
        {"dim": 2, "on_truncate": "warn"},
        "/embed",
        {
            "model": "m",
            "texts": ["one", "two"],
            "input_type": "search_query",
            "embedding_types": ["float"],
            "truncate": "END",
        },
        {"input_type": "search_document"},
        COHERE,
        4,
    ),
    "jina": (
        "jina",
        {"dimensions": 2},
        "/embeddings",
        {
            "model": "m",
            "input": ["one", "two"],
            "embedding_type": "float",
            "truncate": False,
            "task": "retrieval.query",
            "dimensions": 2,
        },
        {"task": "retrieval.passage"},
        ITEMS,
        4,
    ),
    "jina, no tasks": (
        "jina",
        {"dim": 2, "query_task": "", "document_task": ""},
        "/embeddings",
        {"model": "m", "input": ["one", "two"], "embedding_type": "float", "truncate": False},
        {},
        ITEMS,
        4,
    ),
    "tei": (
        "tei",
        {"dim": 2},
        "/embed",
        {"inputs": ["one", "two"], "normalize": True, "truncate": False},
        {},
        ROWS,
        0,
    ),
    "ollama": (
        "ollama",
        {"dimensions": 2, "document_prompt": "D: "},
        "/api/embed",
        {"model": "m", "input": ["one", "two"], "truncate": False, "dimensions": 2},
        {"input": ["D: one", "D: two"]},
        OLLAMA,
        4,
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_request_and_its_answer(form):
    use, arguments, path, query, differs, answer, tokens = FORMS[form]
    script = Script(Answer(body=answer))
    with serving(script) as url:
        encoder = Pipeline.part(
            "encoder",
            use,
            model="m",
            base_url=f"{url}/base/",
            cache="off",
            api_key="k",
            **arguments,
        )
        for verb in (encoder.encode_query, encoder.encode_document):
            assert np.allclose(verb(["one", "two"]), ROWS, atol=1e-7)
        assert encoder.dim == 2 and encoder.tokens_used == 2 * tokens
        encoder.close()
    document = {key: value for key, value in {**query, **differs}.items() if value is not None}
    for (method, asked, headers, body), wanted in zip(script.seen, (query, document), strict=True):
        assert (method, asked, json.loads(body)) == ("POST", f"/base{path}", wanted)
        assert headers["Authorization"] == "Bearer k"
        assert headers["Content-Type"] == "application/json"


def test_what_a_service_says_beside_its_vectors_is_told():
    told = {**COHERE, "meta": {"warnings": ["this model is deprecated"]}}
    with serving(Script(Answer(body=told))) as url:
        encoder = Pipeline.part("encoder", "cohere", model="m", base_url=url, dim=2, cache="off")
        with pytest.warns(RetrievoWarning, match="warns: this model is deprecated"):
            encoder.encode_query(["one", "two"])
        encoder.encode_query(["one", "two"])  # once is enough
        encoder.close()


@pytest.mark.parametrize(
    ("asked", "answered", "told"),
    [
        ("text-embedding-ada-002", "text-embedding-ada-002-v2", False),
        ("all-minilm", "all-minilm:latest", False),
        ("org/Name", "name", False),
        ("bge-small", "minilm", True),
    ],
)
def test_another_model_than_asked_for_is_told(asked, answered, told, recwarn):
    with serving(Script(Answer(body={**ITEMS, "model": answered}))) as url:
        encoder = Pipeline.part(
            "encoder", "openai", model=asked, base_url=url, dim=2, cache="off", encoding="float"
        )
        encoder.encode_query(["one", "two"])
        encoder.close()
    assert [answered in str(one.message) for one in recwarn] == [True] * told


def test_the_length_of_vectors_is_asked_for_once_and_only_where_nothing_says_it():
    script = Script(Answer(body=[[0.6, 0.8]]))
    with serving(script) as url:
        known = Pipeline.part("encoder", "tei", model="m", base_url=url, dim=2, cache="off")
        assert known.dim == 2 and known.identity()["dim"] == 2 and script.seen == []
        unknown = Pipeline.part("encoder", "tei", model="m", base_url=url, cache="off")
        assert unknown.fingerprint == known.fingerprint and script.seen == []
        assert unknown.dim == unknown.dim == 2 and len(script.seen) == 1
        unknown.close()
