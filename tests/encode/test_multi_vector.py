"""A tiny ColBERT in the format of sentence-transformers, with random weights."""

import numpy as np
import pytest

pytest.importorskip("sentence_transformers", reason="needs the extra models")
pytest.importorskip(
    "sentence_transformers.multi_vector_encoder", reason="needs sentence-transformers 6"
)

import torch
from sentence_transformers import MultiVectorEncoder as Model
from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask
from tiny_transformers import tiny

from retrievo import Document, Pipeline
from retrievo.encode.multi_vector import MultiVectorEncoder
from retrievo.errors import EncoderError, RetrievoWarning
from retrievo.retrieve.late_interaction import LateInteractionRetriever
from retrievo.store.memory.store import MemoryStore
from retrievo.testing.encoders import EncoderContract
from retrievo.types import Chunk, Query

DOG = "jumps over a lazy dog"


def colbert(folder, *, expansion=True):
    model = Model(
        modules=[tiny(folder / "bert", "bert")[0], MultiVectorMask(skiplist_words=["over"])],
        prompts={"query": "a ", "document": "the "},
        device="cpu",
    )
    if expansion:
        model[0].query_expansion = {
            "strategy": "fixed", "attend": False, "length": 12, "token": "[MASK]"
        }  # fmt: skip
    return model.eval()


@pytest.fixture
def model(tmp_path):
    return colbert(tmp_path)


class TestContract(EncoderContract):
    longest = 2_000

    @pytest.fixture
    def encoder(self, tmp_path):
        return MultiVectorEncoder(colbert(tmp_path, expansion=False))


@pytest.mark.parametrize("query", [True, False])
def test_the_vectors_are_the_models_own(model, query):
    texts = ["the quick fox", DOG, "a dog"]
    made = MultiVectorEncoder(model).encode_tokens(texts, query=query)
    verb = model.encode_query if query else model.encode_document
    for i, text in enumerate(texts):
        wanted = torch.nn.functional.normalize(verb(text).float(), dim=-1).cpu().numpy()
        assert np.abs(made[i] - wanted).max() < 1e-5


def test_where_each_vector_comes_from(model):
    encoder = MultiVectorEncoder(model)
    places = encoder.token_places(DOG, query=False)
    assert [DOG[a:b] for a, b in places] == ["", "jumps", "a", "lazy", "dog"]
    asked = encoder.token_places("the fox", query=True)
    assert len(asked) == 12 and [tuple(place) for place in asked[:4].tolist()] == [
        (0, 0), (0, 3), (4, 7), (0, 0)
    ]  # fmt: skip


def test_late_interaction_scores_as_the_model_does(model):
    encoder, store = MultiVectorEncoder(model), MemoryStore()
    retriever = LateInteractionRetriever(encoder, store)
    texts = ["the quick brown fox", DOG, "a lazy fox jumps"]
    with Pipeline(encoder=encoder, store=store, retrievers={"late": retriever}) as pipeline:
        pipeline.index([Document(f"d{i}", text) for i, text in enumerate(texts)])
        [found] = retriever.search([Query("lazy dog")], 10)
        normal = torch.nn.functional.normalize
        asked = normal(model.encode_query("lazy dog").float(), dim=-1)
        documents = [normal(model.encode_document(text).float(), dim=-1) for text in texts]
        wanted = [float((asked @ one.T).max(dim=1).values.sum()) for one in documents]
        assert found.scores.tolist() == pytest.approx(sorted(wanted, reverse=True), abs=1e-4)
        assert found.bound == 12
        [best] = store.get(found.rows[:1])
        parts = retriever.token_scores(Query("lazy dog"), best)
        assert sum(part.score for part in parts) == pytest.approx(found.scores[0], abs=1e-4)
        assert [part.token for part in parts[:3]] == ["", "lazy", "dog"]


def test_token_scores_of_what_is_joined_by_no_word(model):
    retriever = LateInteractionRetriever(MultiVectorEncoder(model), MemoryStore())
    assert retriever.token_scores(Query("dog"), Chunk("d", "", 0, 0)) == []


def test_saved_and_loaded_it_is_the_same_and_settings_change_the_fingerprint(tmp_path):
    model = colbert(tmp_path)
    model.save_pretrained(str(tmp_path / "saved"))
    encoder, loaded = MultiVectorEncoder(model), MultiVectorEncoder(tmp_path / "saved")
    assert loaded.fingerprint == encoder.fingerprint
    texts = [DOG, "the fox"]
    for query in (True, False):
        one, other = (e.encode_tokens(texts, query=query) for e in (encoder, loaded))
        assert np.abs(one.vectors - other.vectors).max() < 1e-6
    model[0].query_expansion = None
    assert MultiVectorEncoder(model).fingerprint != encoder.fingerprint


def test_what_is_cut_is_told(model):
    with pytest.warns(RetrievoWarning, match="longer than the 30 tokens"):
        MultiVectorEncoder(model).encode_tokens([f"{DOG} " * 10], query=False)


def test_numbers_that_are_not_finite_name_their_text(model):
    with torch.no_grad():
        word = model.tokenizer("lazy", add_special_tokens=False)["input_ids"][0]
        model[0].auto_model.embeddings.word_embeddings.weight[word] = float("nan")
    with pytest.raises(EncoderError, match="non-finite") as caught:
        MultiVectorEncoder(model).encode_tokens(["", "a dog", DOG], query=False)
    assert caught.value.texts == (2,)
