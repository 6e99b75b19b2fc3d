import warnings
from dataclasses import replace

import numpy as np
import pytest
from indexing import everything
from pipelines import CountingEncoder
from token_counters import Words

from retrievo import Document, Pipeline
from retrievo.errors import ConfigError, EncoderError, MismatchError, RetrievoWarning
from retrievo.retrieve.dense import DenseRetriever

TEXT = "Berlin is a city of trams. It has lakes. Nobody knows its name."


class Reading(CountingEncoder):
    """Its spans hold the letters of the whole text and of the context, at a tenth of their own."""

    def __init__(self, fingerprint="reading-1"):
        super().__init__(fingerprint)
        self.contexts = []

    def encode_spans(self, texts, spans, contexts=None):
        self.contexts += contexts
        made = []
        for text, places, context in zip(texts, spans, contexts, strict=True):
            around = self._encode([f"{context} {text}"])[0]
            own = self._encode([text[start:end] for start, end in places])
            rows = own + 0.1 * around * own.any(axis=1, keepdims=True)
            made.append(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9))
        return made


def opened(store="memory", encoder=None, **given):
    encoder = encoder or Reading()
    chunker = Pipeline.part(
        "chunker", "recursive", chunk_size=7, chunk_overlap=0, tokenizer=Words()
    )
    made = Pipeline.part("store", store) if isinstance(store, str) else store
    dense = DenseRetriever(encoder, made, **given)
    return Pipeline(encoder=encoder, chunker=chunker, store=made, retrievers={"dense": dense})


def indexed(*documents, **given):
    pipeline = opened(**given)
    report = pipeline.index(list(documents) or [Document("b", TEXT)])
    return pipeline, report


def vectors_of(pipeline):
    """Each chunk's text and vector."""
    kept = everything(pipeline).values()
    return {chunk.text: np.frombuffer(vector, np.float32) for chunk, vector in kept}


def test_late_vectors_are_those_of_spans():
    pipeline, report = indexed(context="late")
    assert not report.warnings
    found = vectors_of(pipeline)
    encoder = Reading()
    spans = [(TEXT.index(text), TEXT.index(text) + len(text)) for text in found]
    (wanted,) = encoder.encode_spans([TEXT], [spans], [""])
    assert len(found) == 3 and np.allclose(list(found.values()), wanted, atol=1e-6)
    assert pipeline.passport.representations["dense"].settings == "late"


def test_a_title_is_read_along_where_the_text_does_not_begin_with_it():
    encoder = Reading()
    documents = [
        Document("a", TEXT, {}, "Cities"),
        Document("b", f"# Cities\n{TEXT}", {}, "Cities"),
        Document("c", TEXT),
    ]
    indexed(*documents, encoder=encoder, context="late")
    assert encoder.contexts == ["Cities", "", ""]


def test_situated_vectors_are_the_weighted_mean():
    plain, late = (vectors_of(indexed(context=c)[0]) for c in ("none", "late"))
    pipeline, _ = indexed(context="situated", alpha=0.8)
    for text, vector in vectors_of(pipeline).items():
        wanted = 0.8 * plain[text] + 0.2 * late[text]
        assert np.allclose(vector, wanted / np.linalg.norm(wanted), atol=1e-6)
    assert pipeline.passport.representations["dense"].settings == "situated 0.8"


@pytest.mark.parametrize("alpha", [0, 0.3, 0.5, 1])
def test_the_similarities_of_a_pair_add_up(alpha):
    plain, late = (vectors_of(indexed(context=c)[0]) for c in ("none", "late"))
    pipeline, _ = indexed(context="situated-pair", alpha=alpha)
    query = Reading().encode_query(["lakes of a city"])[0]
    hits = pipeline.search("lakes of a city")
    assert len(hits) == 3
    for hit in hits:
        wanted = alpha * plain[hit.text] @ query + (1 - alpha) * late[hit.text] @ query
        assert hit.score == pytest.approx(wanted, abs=1e-6)
    assert pipeline.passport.representations["dense"].size == 52


def test_the_share_in_a_pair_is_a_matter_of_the_search(tmp_path):
    def at(alpha):
        store = Pipeline.part("store", "local", path=tmp_path / "pair")
        return opened(store=store, context="situated-pair", alpha=alpha)

    with at(0.5) as pipeline:
        pipeline.index([Document("b", TEXT)])
    with at(1.0) as pipeline:
        assert pipeline.index([Document("b", TEXT)]).kept == 1
        query = Reading().encode_query(["trams"])[0]
        (best,) = pipeline.search("trams", top_k=1)
        assert best.score == pytest.approx(
            Reading().encode_document([best.text])[0] @ query, abs=1e-6
        )


def test_another_way_to_situate_is_another_index(tmp_path):
    def by(**given):
        return opened(store=Pipeline.part("store", "local", path=tmp_path / "x"), **given)

    with by(context="late") as pipeline:
        pipeline.index([Document("b", TEXT)])
    for other in ({}, {"context": "situated"}):
        with by(**other) as pipeline, pytest.raises(MismatchError, match="late"):
            pipeline.search("trams")


def test_an_encoder_that_cannot_read_spans_is_told_of():
    pipeline, report = indexed(encoder=CountingEncoder(), context="late")
    (warning,) = report.warnings
    assert "late chunking is not possible with the encoder CountingEncoder" in warning
    assert "has no encode_spans" in warning
    plain, _ = indexed(encoder=CountingEncoder())
    assert {t: v.tobytes() for t, v in vectors_of(pipeline).items()} == {
        t: v.tobytes() for t, v in vectors_of(plain).items()
    }


def test_without_spans_the_neighbours_are_around_a_chunk():
    encoder = CountingEncoder()
    pipeline, report = indexed(encoder=encoder, context="situated-pair")
    assert any("what is around them is encoded" in warning for warning in report.warnings)
    first, middle, last = sorted(vectors_of(pipeline), key=TEXT.index)
    around = vectors_of(pipeline)
    for text, wanted in (
        (first, TEXT[: TEXT.index(middle) + len(middle)]),
        (middle, TEXT),
        (last, TEXT[TEXT.index(middle) :]),
    ):
        assert np.allclose(around[text][26:], encoder._encode([wanted])[0], atol=1e-6)


class Residual(CountingEncoder):
    dim = 26

    def encode_query(self, texts):
        return -self._encode(texts)


def test_a_residual_model_has_its_own_queries():
    residual = Residual("residual-1")
    pipeline, _ = indexed(context="situated-pair", residual=residual, alpha=0.5)
    chunk, around = residual.encoded[0].split("\nThe context in which the chunk is situated")
    assert chunk == "Berlin is a city of trams." and around.endswith("trams. It has lakes.")
    (hit, *_) = pipeline.search("trams")
    vector = vectors_of(pipeline)[hit.text]
    query = Reading().encode_query(["trams"])[0]
    assert hit.score == pytest.approx(
        0.5 * vector[:26] @ query - 0.5 * vector[26:] @ query, abs=1e-6
    )
    assert "residual-1" in pipeline.passport.representations["dense"].settings


def test_a_change_anywhere_in_a_document_encodes_all_of_it_anew():
    encoder = Reading()
    pipeline, _ = indexed(encoder=encoder, context="late")
    report = pipeline.index([Document("b", TEXT.replace("lakes", "ponds"))])
    assert report.chunks_written == 3
    (wanted,) = Reading().encode_spans([TEXT.replace("lakes", "ponds")], [[(0, 26)]], [""])
    assert np.allclose(vectors_of(pipeline)["Berlin is a city of trams."], wanted[0], atol=1e-6)


def test_empty_texts_are_found_by_their_titles():
    pipeline, _ = indexed(Document("e", "", {}, "Trams"), Document("b", TEXT), context="late")
    assert pipeline.search("Trams", top_k=1)[0].doc_id == "e"


class Broken(Reading):
    def encode_spans(self, texts, spans, contexts=None):
        for place, text in enumerate(texts):
            if "lakes" in text:
                raise EncoderError("no lakes", texts=[place])
        return super().encode_spans(texts, spans, contexts)


def test_a_document_that_cannot_be_read_is_set_aside():
    pipeline = opened(encoder=Broken(), context="late")
    good = [Document(f"g{n}", "A city of trams. Nobody knows it at all, or so.") for n in range(3)]
    report = pipeline.index([*good, Document("b", TEXT)], on_error="skip")
    assert (report.added, report.failed) == (3, 1)
    assert any("'b'" in warning or "b:" in warning for warning in map(str, report.failures))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"alpha": 0.5}, "alpha goes with context"),
        ({"context": "late", "alpha": 0.5}, "alpha goes with context"),
        ({"context": "late", "residual": "x"}, "residual goes with context"),
        ({"context": "situated", "alpha": 1.5}, "alpha is 1.5"),
        ({"context": "situated", "alpha": "0.5"}, "alpha is '0.5'"),
        ({"context": "situated", "residual": Residual()}, "set context = 'situated-pair'"),
        ({"context": "earlier"}, "context is 'earlier'"),
    ],
)
def test_what_does_not_go_together(given, said):
    with pytest.raises(ConfigError, match=said):
        opened(**given)


def test_a_pair_cannot_measure_another_query_encoder():
    encoder, other = Reading(), CountingEncoder("another")
    store = Pipeline.part("store", "memory")
    dense = DenseRetriever(encoder, store, query_encoder=other, context="situated-pair")
    pipeline = Pipeline(
        encoder=encoder, query_encoder=other, store=store, retrievers={"dense": dense}
    )
    pipeline.index([Document("b", TEXT)])
    with pytest.raises(MismatchError, match="keeps no vectors of the document encoder alone"):
        pipeline.search("trams")


def test_it_is_said_in_a_configuration(tmp_path):
    path = tmp_path / "pipeline.toml"
    path.write_text("[retrievers.dense]\ncontext = 'situated'\nalpha = 0.7\n")
    with Pipeline.from_toml(path) as pipeline, warnings.catch_warnings():
        warnings.simplefilter("error", RetrievoWarning)
        report = pipeline.index([Document("b", TEXT)])
        assert any("StaticEncoder cannot read chunks" in warning for warning in report.warnings)
        assert pipeline.search("trams")[0].doc_id == "b"


def test_a_chunk_that_looks_like_a_template_is_not_one():
    residual = Residual("residual-1")
    text = "Use {context} in prompts. It has lakes all around and trams."
    indexed(Document("b", text), context="situated-pair", residual=residual)
    assert residual.encoded[0].startswith("Use {context} in prompts.\nThe context in which")


def test_contexts_that_a_reading_leaves_out_are_told():
    class Contexts:
        def contextualize(self, document, chunks):
            return [replace(chunk, context="A blurb.") for chunk in chunks]

    encoder, store = Reading(), Pipeline.part("store", "memory")
    dense = DenseRetriever(encoder, store, context="late")
    pipeline = Pipeline(
        encoder=encoder, store=store, retrievers={"dense": dense}, contextualizer=Contexts()
    )
    report = pipeline.index([Document("b", TEXT, {}, "Cities")])
    assert any("1 of 1 chunks have a context that is not" in one for one in report.warnings)
    _, report = indexed(Document("b", TEXT, {}, "Cities"), context="late")
    assert not report.warnings, "a title is read"


def test_a_migration_needs_the_documents(tmp_path):
    path = tmp_path / "p.toml"
    path.write_text("[encoder]\nuse = 'static'\n[retrievers.dense]\ncontext = 'situated'\n")
    with Pipeline.from_toml(path, index=tmp_path / "index") as pipeline:
        pipeline.index([Document("b", TEXT, {}, "Cities")])
        with pytest.raises(ConfigError, match="reads whole documents with their titles"):
            pipeline.migrate({"use": "static", "truncate_dim": 64}, answers="old")
        assert pipeline.search("trams")[0].doc_id == "b", "nothing was begun"
