"""Encoders and sources that fail in the middle of a run: nothing is lost, the next run goes on."""

import numpy as np
import pytest
from indexing import everything, small
from pipelines import CountingEncoder

from retrievo import Document, EncoderError, IngestError, Pipeline
from retrievo.ingest import changes

NAMES = ("ant", "bee", "cat", "dog", "elk", "fox", "gnu")


def animals(version, names=NAMES):
    return [Document(name, f"{name * 3} number {version}", {"version": version}) for name in names]


def versions(pipeline):
    return {chunk.doc_id: chunk.metadata["version"] for chunk, _ in everything(pipeline).values()}


def fresh(documents):
    """What an index holds into which nothing went wrong."""
    pipeline = Pipeline(**small())
    pipeline.index(documents)
    return everything(pipeline)


class Moody(CountingEncoder):
    """Does `mood(call, texts, vectors)` with the vectors of each call, from 1; None keeps them."""

    def __init__(self):
        super().__init__()
        self.calls = 0
        self.mood = None

    def encode_document(self, texts):
        self.calls += 1
        if self.mood is not None:
            changed = self.mood(self.calls, texts, self._encode(texts))
            if changed is not None:
                return changed
        return super().encode_document(texts)


@pytest.fixture
def one_at_a_time(monkeypatch):
    monkeypatch.setattr(changes, "CHUNKS_A_BATCH", 1)
    monkeypatch.setattr(changes, "COMPARED_AT_ONCE", 1)


@pytest.fixture
def indexed(make):
    """A pipeline that holds version 0 of all, and its encoder, which has forgotten the texts."""
    encoder = Moody()
    with make(encoder=encoder) as pipeline:
        pipeline.index(animals(0))
        encoder.encoded, encoder.calls = [], 0
        yield pipeline, encoder


def failing(at):
    def mood(call, texts, vectors):
        if call == at:
            raise ConnectionError("the encoder is down")

    return mood


@pytest.mark.usefixtures("one_at_a_time")
def test_a_failure_in_the_third_batch_keeps_every_old_vector(indexed):
    pipeline, encoder = indexed
    before = everything(pipeline)
    encoder.mood = failing(at=3)
    with pytest.raises(ConnectionError):
        pipeline.index(animals(1))
    assert versions(pipeline) == {name: int(name in NAMES[:2]) for name in NAMES}
    now = everything(pipeline)
    old = {name: found for name, found in before.items() if found[0].doc_id in NAMES[2:]}
    assert old.items() <= now.items(), "an old vector has gone, or is another"
    for document in [*animals(1, NAMES[:2]), *animals(0, NAMES[2:])]:
        assert pipeline.search(document.text, top_k=1)[0].text == document.text
        assert pipeline.search("number", filters={"version": document.metadata["version"]})
    encoder.encoded = []
    report = pipeline.index(animals(1))
    assert encoder.encoded == [document.text for document in animals(1, NAMES[2:])]
    assert (report.updated, report.kept) == (5, 2)
    assert everything(pipeline) == fresh(animals(1))


@pytest.mark.usefixtures("one_at_a_time")
def test_a_rate_limited_encoder_gets_there_run_by_run(indexed):
    pipeline, encoder = indexed

    def limited(call, texts, vectors):
        if call % 3 == 0:
            raise TimeoutError("429: too many requests")

    encoder.mood = limited
    for done in (2, 4, 6):
        with pytest.raises(TimeoutError):
            pipeline.index(animals(1))
        assert versions(pipeline) == {name: int(name in NAMES[:done]) for name in NAMES}
    pipeline.index(animals(1))
    assert encoder.encoded == [document.text for document in animals(1)], "each text once"
    assert everything(pipeline) == fresh(animals(1))


@pytest.mark.parametrize("on_error", ["raise", "skip"])
def test_a_vector_that_is_no_number_costs_its_document_only(indexed, on_error):
    pipeline, encoder = indexed
    before = everything(pipeline)

    def spoil(call, texts, vectors):
        vectors[[text.startswith("cat") for text in texts], 3] = np.nan
        return vectors

    encoder.mood = spoil
    if on_error == "raise":
        with pytest.raises(IngestError, match=r"1 of 7 documents.*cat: .*NaN") as caught:
            pipeline.index(animals(1))
        report = caught.value.report
    else:
        report = pipeline.index(animals(1), on_error="skip")
    assert [failure.doc_id for failure in report.failures] == ["cat"]
    assert (report.updated, report.failed) == (6, 1)
    assert versions(pipeline) == {name: int(name != "cat") for name in NAMES}
    cat = {name: found for name, found in before.items() if found[0].doc_id == "cat"}
    assert cat.items() <= everything(pipeline).items(), "its old state stays, whole"
    encoder.mood = None
    assert pipeline.index(animals(1)).updated == 1
    assert encoder.encoded[-1].startswith("cat") and everything(pipeline) == fresh(animals(1))


def test_a_batch_of_nothing_but_bad_vectors_writes_nothing(make):
    encoder = Moody()
    encoder.mood = lambda call, texts, vectors: np.full_like(vectors, np.inf)
    with make(encoder=encoder) as pipeline:
        report = pipeline.index(animals(0), on_error="skip")
        assert (report.added, report.failed, report.chunks_written) == (0, 7, 0)
        assert pipeline.store.count() == 0
        encoder.mood = None
        pipeline.index(animals(0))
        assert everything(pipeline) == fresh(animals(0))


WRONG = {
    "one row too few": lambda vectors: vectors[:-1],
    "another size": lambda vectors: vectors[:, :5],
    "flat": lambda vectors: vectors.ravel(),
    "no numbers": lambda vectors: [["a"] * 26 for _ in vectors],
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_no_array_of_the_right_shape_stops_the_run_and_changes_nothing(indexed, wrong):
    pipeline, encoder = indexed
    before = everything(pipeline)
    encoder.mood = lambda call, texts, vectors: WRONG[wrong](vectors)
    with pytest.raises(EncoderError, match="encoder Moody gave"):
        pipeline.index(animals(1), on_error="skip")
    assert everything(pipeline) == before
    encoder.mood = None
    assert pipeline.index(animals(1)).updated == 7


@pytest.mark.usefixtures("one_at_a_time")
def test_a_source_that_breaks_off_keeps_what_came_before(indexed):
    pipeline, encoder = indexed

    def stream():
        yield from animals(1, NAMES[:4])
        raise OSError("the connection was lost")

    with pytest.raises(OSError, match="connection was lost"):
        pipeline.index(stream())
    assert versions(pipeline) == {name: int(name in NAMES[:4]) for name in NAMES}
    assert pipeline.store.statistics("bm25").n == len(NAMES)
    encoder.encoded = []
    pipeline.index(animals(1))
    assert encoder.encoded == [document.text for document in animals(1, NAMES[4:])]
    assert everything(pipeline) == fresh(animals(1))
