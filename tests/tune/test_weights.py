"""Weights without labels: moved where one branch is noise, and nowhere else; cheap, and kept."""

import random
import zlib
from dataclasses import replace

import numpy as np
import pytest

from retrievo import ConfigError, Document, Pipeline
from retrievo.cli.doctor import _fusion_weights
from retrievo.fuse.convex import Convex
from retrievo.fuse.measured import NOTE, measured
from retrievo.fuse.reciprocal import ReciprocalRank
from retrievo.telling import collecting
from retrievo.tune.pseudo_queries import cut_out
from retrievo.tune.weights import WeightChoice, choose_weights, noted_choice, refresh_weights
from retrievo.types import Chunk

CONCEPTS = 60


class ConceptEncoder:
    """Knows which English word an identifier stands for: `word7` of a query is `fn7` of code."""

    dim = CONCEPTS
    max_tokens = None
    fingerprint = "concepts-1"
    dense_weight = 0.5

    def __init__(self):
        self.documents = self.queries = 0

    def encode_document(self, texts):
        self.documents += len(texts)
        return self._vectors(texts, "fn")

    def encode_query(self, texts):
        self.queries += len(texts)
        return self._vectors(texts, "word")

    def _vectors(self, texts, kind):
        rows = np.zeros((len(texts), self.dim), np.float32)
        for row, text in zip(rows, texts, strict=True):
            for part in text.replace("(", " ").replace(".", " ").split():
                if part.startswith(kind) and part[len(kind) :].isdigit():
                    row[int(part[len(kind) :])] += 1
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        return rows / np.where(lengths, lengths, 1)


def code(n=160):
    """Functions whose docstring's words stand in other functions' bodies, by chance."""
    draw = random.Random(5)
    for i in range(n):
        meant = draw.sample(range(CONCEPTS), 4)
        noise = draw.choices(range(CONCEPTS), k=40)
        docstring = " ".join(f"word{c}" for c in meant)
        body = "\n".join(f"    fn{c}(x)" for c in meant[:3])
        seen = " ".join(f"word{c}" for c in noise)
        text = f'def task{i}(x):\n    """{docstring}."""\n{body}\n    log("{seen}")\n'
        yield Document(f"{i}.py", text)


def prose(n=160):
    """Sentences of one subject a document, which both branches find alike."""
    draw = random.Random(6)
    for i in range(n):
        meant = draw.sample(range(CONCEPTS), 4)
        words = [f"word{c} fn{c}" for c in meant]
        text = f"On {' '.join(words)}. " + " ".join(f"Again {w} and again." for w in words)
        yield Document(str(i), text)


def pipeline_of(documents, **parts):
    made = Pipeline(encoder=ConceptEncoder(), **parts)
    made.index(documents)
    return made, made._assembly.part("retrievers")


def test_moves_to_the_dense_side_where_bm25_is_noise():
    pipeline, retrievers = pipeline_of(code())
    choice = choose_weights(pipeline.store, retrievers, Convex("auto"))
    assert choice.moved and choice.weights["dense"] >= 0.7
    assert choice.default == {"dense": 0.5, "bm25": 0.5} and choice.varied == "dense"
    assert sum(choice.weights.values()) == pytest.approx(1)
    assert choice.p < 0.01 and choice.n == 160 and choice.documents == 160
    assert choice.scores["1"] > choice.scores["0.5"] > choice.scores["0"]
    assert "dense" in str(choice) and "pseudo-queries at 160 documents" in str(choice)


def test_leaves_the_default_alone_where_both_find_what_there_is():
    pipeline, retrievers = pipeline_of(prose())
    choice = choose_weights(pipeline.store, retrievers, Convex("auto"))
    assert choice.weights == choice.default == {"dense": 0.5, "bm25": 0.5}
    assert choice.scores and "the default" in str(choice)


def test_the_default_is_what_the_encoder_asks_for():
    class Weaker(ConceptEncoder):
        dense_weight = 0.35

    pipeline = Pipeline(encoder=Weaker())
    pipeline.index(prose())
    retrievers = pipeline._assembly.part("retrievers")
    choice = choose_weights(pipeline.store, retrievers, Convex("auto"))
    assert choice.default == {"dense": 0.35, "bm25": 0.65} and "0.35" in choice.scores


@pytest.mark.parametrize("n", [0, 1, 60])
def test_a_small_corpus_tells_nothing(n):
    pipeline, retrievers = pipeline_of([*code(n), Document("x", "")] if n < 2 else code(n))
    encoder = pipeline._assembly.part("encoder")
    before = encoder.documents, encoder.queries
    choice = refresh_weights(pipeline.store, retrievers, Convex("auto"))
    assert not choice.scores and not choice.moved and "too few" in str(choice)
    assert (encoder.documents, encoder.queries) == before
    assert NOTE not in pipeline.passport.notes
    assert measured(fusion := Convex("auto"), pipeline.store, retrievers) is fusion


def test_costs_the_encoding_of_one_short_text_and_one_query_a_document_drawn():
    pipeline, retrievers = pipeline_of(code(300))
    encoder = pipeline._assembly.part("encoder")
    indexed = encoder.documents
    chunks, vectors = pipeline.store.count(), all_vectors(pipeline.store)
    choose_weights(pipeline.store, retrievers, Convex("auto"), n=120)
    assert encoder.documents - indexed == 120 and encoder.queries <= 120
    assert pipeline.store.count() == chunks
    assert (all_vectors(pipeline.store) == vectors).all(), "nothing of it is written"


def all_vectors(store):
    return np.concatenate([store.vectors("dense", rows) for rows in store.scan()])


def test_is_the_same_every_time():
    pipeline, retrievers = pipeline_of(code())
    one, other = (choose_weights(pipeline.store, retrievers, Convex("auto")) for _ in range(2))
    assert one == other == WeightChoice.from_dict(one.as_dict())


def test_is_kept_in_the_index_used_by_a_search_and_redone_when_the_corpus_has_grown(tmp_path):
    fusion = Convex("auto")
    with Pipeline.open(tmp_path / "code.index", encoder=ConceptEncoder()) as pipeline:
        pipeline.index(code())
        retrievers = pipeline._assembly.part("retrievers")
        choice = refresh_weights(pipeline.store, retrievers, fusion)
        assert choice.moved
        assert refresh_weights(pipeline.store, retrievers, fusion) is None
    with Pipeline.open(tmp_path / "code.index", encoder=ConceptEncoder()) as pipeline:
        retrievers = pipeline._assembly.part("retrievers")
        assert noted_choice(pipeline.store, retrievers, fusion) == choice
        used = measured(fusion, pipeline.store, retrievers)
        assert used._weights == choice.weights and not used.auto
        # Another scale, other branches, weights of one's own: what was measured says nothing.
        others = Convex("auto", normalise="min-max"), Convex(), ReciprocalRank()
        for other in others:
            assert measured(other, pipeline.store, retrievers) is other
        assert measured(fusion, pipeline.store, ["dense", "other"]) is fusion
        assert measured(None, pipeline.store, retrievers) is None
        assert _fusion_weights(pipeline) is None, "the default fusion does not ask"
        asking = Pipeline(store=pipeline.store, encoder=ConceptEncoder(), fusion=fusion)
        assert _fusion_weights(asking) == {**choice.as_dict(), "told": str(choice)}
        # A migrated index has another encoder, and keeps its notes.
        passport = pipeline.passport
        moved = replace(passport, encoder={**passport.encoder, "fingerprint": "another"})
        pipeline.store.stamp(moved, pipeline.store.config())
        assert measured(fusion, pipeline.store, retrievers) is fusion
        assert "nothing was measured yet" in _fusion_weights(asking)["told"]
        pipeline.store.stamp(passport, pipeline.store.config())
        pipeline.index(code(230))
        assert refresh_weights(pipeline.store, retrievers, fusion) is None
        pipeline.index(code(250))
        assert refresh_weights(pipeline.store, retrievers, fusion).documents == 250
        assert pipeline.search("word3 word7", top_k=3)


def test_a_fusion_that_does_not_ask_measures_nothing():
    pipeline, retrievers = pipeline_of(code(1))
    for fusion in (Convex(), Convex({"dense": 1.0, "bm25": 1.0}), ReciprocalRank(), None):
        assert refresh_weights(pipeline.store, retrievers, fusion) is None


def test_what_cannot_be_measured_is_refused():
    pipeline, retrievers = pipeline_of(code(1))
    with pytest.raises(ConfigError, match="for two retrievers, and there are 1"):
        choose_weights(pipeline.store, {"dense": retrievers["dense"]}, Convex("auto"))
    blind = {"dense": retrievers["dense"], "other": object()}
    with pytest.raises(ConfigError, match="cannot measure the retriever 'other'"):
        choose_weights(pipeline.store, blind, Convex("auto"))

    with collecting() as told:
        assert refresh_weights(pipeline.store, blind, Convex("auto")) is None
    assert len(told) == 1 and told[0].endswith("until then the default weights hold")

    class Fixed:
        def fuse(self, branches, top_k): ...

    with pytest.raises(ConfigError, match="Fixed has no weights"):
        choose_weights(pipeline.store, retrievers, Fixed())


# What is cut out of a document

REST = "Acids are given to the urine by cells, as long as there is enough of a buffer in it. " * 2


def cut(text, context=""):
    return cut_out(Chunk("d", text, 0, len(text), context=context))


def test_the_last_part_of_a_title():
    query, chunk = cut(f"{REST} Of Acid  Export more.", "Kidney > Acid export")
    assert query == "Acid export"
    assert "export" not in chunk.indexed_text.lower() and "Kidney" in chunk.context


def test_a_heading_is_a_title():
    query, chunk = cut(f"# Acid export\n\n{REST}")
    assert query == "Acid export" and chunk.text.strip() == REST.strip()


@pytest.mark.parametrize(
    "text",
    [
        'def a(x):\n    """Gives acid to urine.\n\n    More of it."""\n',
        "/**\n * Gives acid to urine.\n *\n * More of it.\n */\nfunction a(x) {\n",
        "// Gives acid\n// to urine.\nfn a(x) {\n",
    ],
)
def test_a_docstring(text):
    query, chunk = cut(text + "    return cells(x)\n" * 5)
    assert query == "Gives acid to urine." and "acid" not in chunk.text
    assert "cells(x)" in chunk.text


def test_the_first_sentence():
    query, chunk = cut(f"Kidneys export acid. {REST}")
    assert query == "Kidneys export acid." and "Kidneys" not in chunk.text


@pytest.mark.parametrize("text", ["", "One short sentence. Two.", "word " * 200, "#" * 500])
def test_a_text_that_gives_no_query(text):
    assert cut(text) is None


def test_a_query_is_not_longer_than_a_question():
    words = " ".join(f"w{zlib.crc32(str(i).encode()) % 999}" for i in range(90))
    query, _ = cut(f"{words}. {REST}")
    assert len(query.split()) == 40


def test_a_pipeline_measures_when_it_has_indexed_and_searches_with_what_it_found():
    made = Pipeline(encoder=ConceptEncoder(), fusion=Convex(weights="auto"))
    made.index(code())
    noted = made.passport.notes[NOTE]
    assert noted["weights"]["dense"] > 0.5
    branches = made.search("word7", top_k=1)[0].trace["branches"]
    assert {name: b["weight"] for name, b in branches.items()} == noted["weights"]
    branches = made.search("word7", top_k=1, weights={"bm25": 1})[0].trace["branches"]
    assert branches["bm25"]["weight"] == 1
    # Nothing has grown: the second run measures nothing.
    encoder = made._assembly.part("encoder")
    before = encoder.queries
    made.index(code())
    assert encoder.queries == before


def test_an_index_too_small_to_tell_keeps_its_default():
    made = Pipeline(encoder=ConceptEncoder(), fusion=Convex(weights="auto"))
    made.index(code(20))
    branches = made.search("word7", top_k=1)[0].trace["branches"]
    assert {name: b["weight"] for name, b in branches.items()} == {"dense": 0.5, "bm25": 0.5}
