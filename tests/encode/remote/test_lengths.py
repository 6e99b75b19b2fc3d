"""Texts that are longer than the model reads: refused, cut and told, or read in parts."""

import numpy as np
import pytest
from embedding_server import Services, serving
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

from retrievo.errors import EncoderError, RetrievoWarning
from retrievo.truncation import Truncation, recording

services = pytest.importorskip("retrievo.encode.remote.services", reason="needs the extra 'remote'")

WORDS = ["parrot", "glacier", "report", "sun", "window"]


@pytest.fixture(scope="module")
def tokenizer_file(tmp_path_factory):
    """A token for each word, and one before and one after them."""
    words = {word: number for number, word in enumerate(["[UNK]", "[A]", "[Z]", *WORDS])}
    tokenizer = Tokenizer(WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="[A] $A [Z]", special_tokens=[("[A]", 1), ("[Z]", 2)]
    )
    folder = tmp_path_factory.mktemp("model")
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture
def start():
    open_ones = []

    def started(make=services.tei, *, words=8, path="", **arguments):
        context = serving(held := Services(words=words))
        url = context.__enter__() + path
        encoder = make("m", base_url=url, dim=64, cache="off", **arguments)
        open_ones.append((context, encoder))
        return held, encoder

    yield started
    for context, encoder in open_ones:
        encoder.close()
        context.__exit__(None, None, None)


LONG = "parrot glacier report sun " * 5
FITS = "parrot glacier report sun window sun report glacier"


def test_the_models_tokenizer_says_what_is_too_long_before_it_is_sent(start, tokenizer_file):
    held, encoder = start(max_tokens=10, tokenizer_file=tokenizer_file)
    assert encoder.special_tokens == 2
    assert encoder.token_spans("parrot  sun").tolist() == [[0, 6], [8, 11]]
    encoder.encode_document([FITS])
    with pytest.raises(EncoderError, match="20 tokens, 8 fit") as told:
        encoder.encode_document(["", FITS, LONG])
    assert told.value.texts == (2,) and len(held.asked) == 1


def test_what_is_cut_is_recorded(start, tokenizer_file):
    _, encoder = start(max_tokens=10, tokenizer_file=tokenizer_file, on_truncate="warn")
    with recording() as entries:
        vectors = encoder.encode_document([FITS, LONG])
    assert entries == [Truncation(LONG, 20, 8)]
    assert np.array_equal(vectors[1], encoder.encode_query([" ".join(LONG.split()[:8])])[0])


def test_a_text_in_parts_is_the_mean_of_its_parts(start, tokenizer_file):
    held, encoder = start(max_tokens=10, tokenizer_file=tokenizer_file, on_truncate="split")
    vectors = encoder.encode_document([FITS, LONG, "sun"])
    sent = [text for _, body in held.asked for text in body["inputs"]]
    assert "".join(sent[1:-1]) == LONG and all(len(part.split()) <= 8 for part in sent)
    parts = encoder.encode_document(sent[1:-1])
    sizes = np.array([len(part.split()) + 2 for part in sent[1:-1]])[:, None]  # as the model reads
    mean = (parts * sizes).sum(axis=0)
    assert np.allclose(vectors[1], mean / np.linalg.norm(mean), atol=1e-6)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)


def test_a_part_that_is_refused_blames_its_text(start, tokenizer_file):
    _, encoder = start(words=4, max_tokens=10, tokenizer_file=tokenizer_file, on_truncate="split")
    with pytest.raises(EncoderError, match="less than 4 tokens") as told:
        encoder.encode_document(["sun", LONG, "report"])
    assert told.value.texts == (1,) and len(told.value.reasons) == 1


def test_parts_are_in_the_fingerprint(start, tokenizer_file):
    given = {"max_tokens": 10, "tokenizer_file": tokenizer_file}
    plain, split = (start(**given, on_truncate=how)[1] for how in ("error", "split"))
    window = start(**given, on_truncate="window")[1]
    shorter = start(max_tokens=8, tokenizer_file=tokenizer_file, on_truncate="split")[1]
    assert len({one.fingerprint for one in (plain, split, window, shorter)}) == 4
    assert start()[1].fingerprint == plain.fingerprint


def test_a_server_that_may_cut_in_silence_is_told_of(start):
    _, encoder = start(services.openai, words=10**6, path="/v1")
    encoder.encode_document(["a short text", "parrots " * 60])
    with pytest.warns(RetrievoWarning, match="1 of 2 texts have more than about 256.*max_tokens"):
        encoder.encode_document(["a short text", "parrots " * 600])


def test_lengths_are_estimated_where_only_the_limit_is_known(start):
    held, encoder = start(services.openai, words=10**6, path="/v1", max_tokens=100)
    encoder.encode_document(["parrots " * 9])
    with pytest.warns(RetrievoWarning, match=r"1 of 2 texts may be longer.*tokenizer_file"):
        encoder.encode_document(["parrots", "parrots " * 25])
    before = len(held.asked)
    with pytest.raises(EncoderError, match="longer than the 100 tokens") as told:
        encoder.encode_document(["parrots", "", "parrots " * 300])
    assert told.value.texts == (2,) and len(held.asked) == before
    _, warns = start(services.openai, words=10**6, path="/v1", max_tokens=100, on_truncate="warn")
    with pytest.warns(RetrievoWarning, match="may be longer"):
        warns.encode_document(["parrots " * 300])


def test_a_service_that_refuses_needs_no_estimate(start, recwarn):
    _, encoder = start(words=10**6, max_tokens=100)
    encoder.encode_document(["parrots " * 300])
    assert len(recwarn) == 0
