"""A tiny SPLADE and an inference-free model, saved in their format, with random weights."""

import numpy as np
import pytest

pytest.importorskip("sentence_transformers", reason="needs the extra models")

import torch
import transformers
from sentence_transformers import SparseEncoder
from sentence_transformers.sparse_encoder import modules
from tiny_transformers import SIZES, WORDS, tiny

from retrievo import Document, F, Pipeline
from retrievo.errors import ConfigError, EncoderError, RetrievoWarning
from retrievo.retrieve.sparse import SparseRetriever
from retrievo.store.local.store import LocalStore
from retrievo.store.memory.store import MemoryStore
from retrievo.types import Query

DOCUMENTS = [
    Document(f"d{i}", text, {"n": i})
    for i, text in enumerate(["the quick brown fox", "a lazy dog", "the dog jumps over the fox"])
]


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Folders of a SPLADE and of an inference-free model around the same transformer."""
    folder = tmp_path_factory.mktemp("sparse")
    tokenizer = tiny(folder / "plain", "bert").tokenizer
    torch.manual_seed(3)
    masked = transformers.BertForMaskedLM(transformers.BertConfig(**SIZES))
    with torch.no_grad():
        for parameter in masked.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    masked.save_pretrained(folder / "masked")
    tokenizer.save_pretrained(folder / "masked")

    def splade():
        transformer = modules.MLMTransformer(str(folder / "masked"))
        return [transformer, modules.SpladePooling(pooling_strategy="max")]

    SparseEncoder(modules=splade(), device="cpu").save_pretrained(str(folder / "splade"))
    weights = torch.arange(len(WORDS), dtype=torch.float32) / 10
    table = modules.SparseStaticEmbedding(tokenizer=tokenizer, weight=weights, frozen=True)
    router = modules.Router.for_query_document(query_modules=[table], document_modules=splade())
    free = SparseEncoder(modules=[router], device="cpu", similarity_fn_name="dot")
    free.save_pretrained(str(folder / "free"))
    return folder


@pytest.fixture(params=["memory", "local"])
def store(request, tmp_path):
    yield MemoryStore() if request.param == "memory" else LocalStore(tmp_path / "index")


def pipeline(store, model, **arguments):
    from pipelines import CountingEncoder

    retriever = SparseRetriever(store, model, **arguments)
    made = Pipeline(encoder=CountingEncoder(), store=store, retrievers={"sparse": retriever})
    made.index(DOCUMENTS)
    return made, retriever


@pytest.mark.parametrize("kind", ["splade", "free"])
def test_scores_are_the_models_own(store, saved, kind):
    model = SparseEncoder(str(saved / kind), device="cpu")
    made, retriever = pipeline(store, saved / kind)
    queries = [Query("lazy fox"), Query("dog"), Query("the quick dog jumps")]
    with made:
        wanted = model.similarity(
            model.encode_query([query.text for query in queries]),
            model.encode_document([document.text for document in DOCUMENTS]),
        ).numpy()
        for row, found in zip(wanted, retriever.search(queries, 10), strict=True):
            places = [int(chunk.doc_id[1:]) for chunk in store.get(found.rows)]
            assert np.allclose(found.scores, row[places], rtol=1e-5, atol=1e-5)
            assert set(places) == set(np.flatnonzero(row).tolist()) and found.exhaustive
            assert (np.diff(found.scores) <= 0).all() and found.bound is None
        for query, found in zip(queries, retriever.search(queries, 10), strict=True):
            [again] = retriever.score([query], found.rows)
            assert np.allclose(again, found.scores, atol=1e-5)
            [alone] = retriever.search([Query(query.text)], 10)
            assert alone.rows.tolist() == found.rows.tolist()


def test_an_inference_free_query_is_its_table(saved):
    retriever = SparseRetriever(MemoryStore(), saved / "free")
    query = Query("lazy dog")
    retriever.prepare([query])
    indices, values = query.vectors["sparse"]
    assert [WORDS[int(i)] for i in indices] == ["lazy", "dog"]
    assert values.tolist() == pytest.approx([1.2, 1.3])


def test_queries_are_encoded_once(saved):
    retriever = SparseRetriever(MemoryStore(), saved / "splade")
    query = Query("lazy dog")
    retriever.prepare([query])
    kept = query.vectors["sparse"]
    retriever._model.encode = None
    retriever.prepare([query])
    assert query.vectors["sparse"] is kept


def test_filters_and_empty_texts(store, saved):
    made, retriever = pipeline(store, saved / "splade")
    with made:
        made.index([Document("empty", "")])
        [found] = retriever.search([Query("dog")], 10, F("n") >= 1)
        assert {chunk.doc_id for chunk in store.get(found.rows)} <= {"d1", "d2"}
        [nothing] = retriever.search([Query("")], 10)
        assert len(nothing) == 0 and nothing.exhaustive
        assert retriever.search([], 10) == []


def test_the_highest_values_are_kept(saved):
    whole = SparseRetriever(MemoryStore(), saved / "splade")
    few = SparseRetriever(MemoryStore(), saved / "splade", max_active_dims=2)
    one, other = Query("quick dog"), Query("quick dog")
    whole.prepare([one])
    few.prepare([other])
    assert other.vectors["sparse"].shape == (2, 2) < one.vectors["sparse"].shape
    best = np.sort(one.vectors["sparse"][1])[-2:]
    assert np.sort(other.vectors["sparse"][1]).tolist() == pytest.approx(best.tolist())
    told = {str(r.representations["sparse"]) for r in (whole, few)}
    assert len(told) == 2 and all(text.startswith("sparse of the model ") for text in told)
    assert (
        whole.representations
        == SparseRetriever(
            MemoryStore(), SparseEncoder(str(saved / "splade"), device="cpu")
        ).representations
    )


def test_what_is_cut_is_told(saved):
    retriever = SparseRetriever(MemoryStore(), saved / "splade")
    with pytest.warns(RetrievoWarning, match="longer than the 30 tokens"):
        retriever.prepare([Query("lazy dog " * 40)])


def test_numbers_that_are_not_finite(saved):
    model = SparseEncoder(str(saved / "splade"), device="cpu")
    with torch.no_grad():
        next(model.parameters())[WORDS.index("lazy")] = float("nan")
    with pytest.raises(EncoderError, match="non-finite"):
        SparseRetriever(MemoryStore(), model).prepare([Query("dog"), Query("lazy")])


def test_wrong_arguments(saved):
    for wrong in ({"depth": 0}, {"max_active_dims": 0}):
        with pytest.raises(ConfigError):
            SparseRetriever(MemoryStore(), saved / "splade", **wrong)
