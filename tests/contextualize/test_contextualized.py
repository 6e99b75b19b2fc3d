"""What a contextualizer may change, in an index and out of one."""

from dataclasses import replace

import pytest
from pipelines import CountingEncoder

from retrievo import Document, Pipeline, hookimpl
from retrievo.contextualize.contextualized import Contextualized, chunker_of
from retrievo.contracts import Chunker, Contextualizer
from retrievo.errors import ConfigError, DocumentError, IngestError, MismatchError

TEXT = "Keys are rotated. Doors are locked. Bread is baked. "


def chunker():
    return Pipeline.part("chunker", "recursive", chunk_size=6, chunk_overlap=0)


class Naming:
    """Every chunk's context is the word."""

    def __init__(self, word="quokka"):
        self.word, self.runs = word, 0

    def begin(self):
        self.runs += 1

    def parameters(self):
        return {"name": "naming", "word": self.word}

    def contextualize(self, document, chunks):
        return [replace(chunk, context=self.word) for chunk in chunks]


class Changing:
    def __init__(self, change):
        self.change = change

    def contextualize(self, document, chunks):
        return self.change(chunks)


def test_only_the_context_is_another():
    made = Contextualized(chunker(), Naming())
    assert isinstance(made, Chunker) and isinstance(Naming(), Contextualizer)
    document = Document("d", TEXT, {"a": 1}, "Title")
    plain, found = chunker().chunk(document), made.chunk(document)
    assert len(plain) == 3 and [one.context for one in plain] == ["Title"] * 3
    assert found == [replace(one, context="quokka") for one in plain]
    assert made.tokenizer_name == chunker().tokenizer_name


def test_the_passport_has_both_and_the_class_of_one_that_says_nothing():
    told = Contextualized(chunker(), Naming()).parameters()
    assert told == {
        **chunker().parameters(),
        "contextualizer": {"name": "naming", "word": "quokka"},
    }
    told = Contextualized(chunker(), Changing(list)).parameters()
    assert told["contextualizer"] == {"name": "Changing"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda chunks: chunks[:-1], "gave 2 chunks for 3"),
        (lambda chunks: chunks[::-1], r"for the chunk \[0:17\] another id"),
        (lambda chunks: [replace(one, text="x") for one in chunks], "another text"),
        (lambda chunks: [replace(one, end=one.end + 1) for one in chunks], "another end"),
        (lambda chunks: [replace(one, metadata={"x": 1}) for one in chunks], "another metadata"),
        (lambda chunks: [replace(one, context=None) for one in chunks], "a NoneType as context"),
        (lambda chunks: ["x"] * 3, "a str, a Chunk is wanted"),
        (lambda chunks: 1 / 0, "Changing raised ZeroDivisionError"),
    ],
)
def test_anything_else_is_refused_and_costs_its_document_alone(change, said):
    def only_bad(chunks):
        return change(chunks) if chunks[0].doc_id == "bad" else chunks

    with Pipeline(chunker=chunker(), contextualizer=Changing(only_bad)) as pipeline:
        with pytest.raises(IngestError, match=said) as told:
            pipeline.index([Document("bad", TEXT), Document("good", TEXT)])
        assert [one.doc_id for one in told.value.failures] == ["bad"]
        assert pipeline.store.fingerprints(["good"])


def test_words_of_the_context_are_found_and_the_text_is_the_chunks_own(make):
    with make(encoder=CountingEncoder(), contextualizer=Naming()) as pipeline:
        pipeline.index([Document("d", TEXT)])
        found = pipeline.search("quokka")
        assert found[0].trace["branches"]["bm25"]["rank"] == 1
        for hit in found:
            assert hit.text == TEXT[hit.chunk.start : hit.chunk.end]
            assert hit.chunk.context == "quokka" and "quokka" not in hit.text
        encoder = pipeline._assembly.part("encoder")
        assert encoder.encoded and all(one.startswith("quokka\n") for one in encoder.encoded)


def test_another_contextualizer_may_not_write_and_may_search(tmp_path):
    parts = {"chunker": chunker(), "encoder": CountingEncoder()}
    with Pipeline.open(tmp_path / "x", contextualizer=Naming(), **parts) as pipeline:
        pipeline.index([Document("d", TEXT)])
        assert pipeline.passport.chunker["contextualizer"]["word"] == "quokka"
    with pytest.raises(ConfigError, match="an object as contextualizer"):
        Pipeline.open(tmp_path / "x", **parts)
    with Pipeline.open(tmp_path / "x", contextualizer=Naming("wombat"), **parts) as pipeline:
        assert len(pipeline.search("keys"))
        with pytest.raises(MismatchError, match=r"differs: chunker\.contextualizer"):
            pipeline.index([Document("e", TEXT)])
        with pytest.raises(MismatchError, match=r"differs: chunker\.contextualizer"):
            pipeline.plan([Document("e", TEXT)])


def test_vectors_are_kept_where_text_and_context_are_as_before():
    contextualizer, encoder = Naming(), CountingEncoder()
    with Pipeline(chunker=chunker(), encoder=encoder, contextualizer=contextualizer) as pipeline:
        pipeline.index([Document("d", TEXT)])
        assert len(encoder.encoded) == 3
        pipeline.index([Document("d", f"{TEXT}Tea is made. ")])
        assert len(encoder.encoded) == 4
        contextualizer.word = "wombat"
        report = pipeline.index([Document("d", f"{TEXT}Tea is made. ", {"new": 1})])
        assert len(encoder.encoded) == 8 and report.chunks_written == 4
    assert contextualizer.runs == 3


def test_a_document_that_came_out_incomplete_is_taken_up_again():
    class Forgetful(Naming):
        incomplete = True

        def contextualize(self, document, chunks):
            return super().contextualize(document, chunks) if not self.incomplete else list(chunks)

    contextualizer, encoder = Forgetful(), CountingEncoder()
    with Pipeline(chunker=chunker(), encoder=encoder, contextualizer=contextualizer) as pipeline:
        given = [Document("d", TEXT)]
        pipeline.index(given)
        assert pipeline.plan(given).updated == ("d",)
        again = pipeline.index(given)
        assert (again.updated, again.chunks_written, len(encoder.encoded)) == (1, 0, 3)
        contextualizer.incomplete = False
        assert pipeline.index(given).updated == 1
        assert pipeline.index(given).kept == 1
        assert {hit.chunk.context for hit in pipeline.search("keys")} == {"quokka"}


def test_a_plugin_offers_one_by_name():
    class Plugin:
        @hookimpl
        def retrievo_register_contextualizers(self, register):
            register("acme", Naming)

    made = Pipeline.part("contextualizer", "acme", plugins=[Plugin()], word="numbat")
    assert made.word == "numbat"
    with pytest.raises(ConfigError, match="no contextualizer named 'acne'"):
        Pipeline.part("contextualizer", "acne")
    with pytest.raises(ConfigError, match="a contextualizer needs contextualize"):
        Pipeline(contextualizer=object())


def test_every_place_that_cuts_uses_it(tmp_path):
    """A migration that cuts anew, and the texts of a calibration."""
    from retrievo.cli.calibrate import _of_paths

    (tmp_path / "a.md").write_text("Keys are rotated.")
    parts = {"chunker": chunker(), "contextualizer": Naming(), "readers": {}}
    with Pipeline(chunker=chunker(), contextualizer=Naming()) as pipeline:
        assert list(_of_paths(pipeline._assembly.part, [tmp_path])) == ["quokka\nKeys are rotated."]
        pipeline.index(tmp_path)
        encoder = Pipeline.part("encoder", "static", truncate_dim=64)
        migration = pipeline.migrate(encoder, answers="old", recut=True)
        migration.finish(sources=tmp_path)
        assert pipeline.search("quokka")[0].chunk.context == "quokka"
    assert chunker_of(parts.get).chunk(Document("d", TEXT))[0].context == "quokka"
    del parts["contextualizer"]
    assert chunker_of(parts.get) is parts["chunker"]


def test_a_document_error_names_the_contextualizer():
    made = Contextualized(chunker(), Changing(lambda chunks: [1]))
    with pytest.raises(DocumentError, match="the contextualizer Changing gave 1 chunks for 3"):
        made.chunk(Document("d", TEXT))
