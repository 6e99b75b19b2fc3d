"""What a cache may give back, and what a call says of texts that are not sent again."""

import numpy as np
import pytest
from answering_server import Answer, Script
from answering_server import serving as answering
from embedding_server import Services, serving
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from retrievo.errors import EncoderError, RetrievoWarning
from retrievo.truncation import Truncation, recording

services = pytest.importorskip("retrievo.encode.remote.services", reason="needs the extra 'remote'")

LONG = "parrots " * 300


@pytest.fixture
def held():
    return Services()


@pytest.fixture
def url(held):
    with serving(held) as address:
        yield address


@pytest.fixture
def make(url, tmp_path):
    """Encoders of one server, over one cache."""
    made = []

    def encoder(kind=services.openai, base_url=f"{url}/v1", **arguments):
        given = {"dim": 64, "cache": tmp_path / "cache.sqlite", **arguments}
        made.append(kind("m", base_url=base_url, **given))
        return made[-1]

    yield encoder
    for one in made:
        one.close()


@pytest.fixture
def tokenizer_file(tmp_path):
    """A token for each word."""
    tokenizer = Tokenizer(WordLevel({"[UNK]": 0, "parrots": 1}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    return tmp_path


def test_what_was_cut_is_not_found_where_it_is_an_error(make, held, tokenizer_file):
    given = {"max_tokens": 100, "tokenizer_file": tokenizer_file}
    with recording() as entries:
        make(**given, on_truncate="warn").encode_document([LONG])
    with pytest.raises(EncoderError, match="300 tokens, 100 fit") as told:
        make(**given).encode_document(["", LONG])
    assert told.value.texts == (1,) and len(held.asked) == 1
    with recording() as again:
        make(**given, on_truncate="warn").encode_document([LONG])
    assert entries == again == [Truncation(LONG, 300, 100)] and len(held.asked) == 1


def test_another_limit_or_a_tokenizer_that_came_later_is_not_passed_by(make, tokenizer_file):
    read = {"tokenizer_file": tokenizer_file}
    make(max_tokens=400, **read).encode_document([LONG])
    with pytest.raises(EncoderError, match="300 tokens, 200 fit"):
        make(max_tokens=200, **read).encode_document([LONG])
    with pytest.warns(RetrievoWarning, match="may be longer"):
        make(max_tokens=200, on_truncate="warn").encode_document([LONG])
    with recording() as entries:
        make(max_tokens=200, on_truncate="warn", **read).encode_document([LONG])
    assert entries == [Truncation(LONG, 300, 200)]


def test_what_the_service_cut_is_not_found_where_it_has_to_refuse(make, held, url):
    held.words = 20
    make(services.tei, url, on_truncate="warn", max_tokens=10**6).encode_document([LONG])
    with pytest.raises(EncoderError, match="less than 20 tokens") as told:
        make(services.tei, url, max_tokens=10**6).encode_document([LONG])
    assert told.value.texts == (0,)


def test_texts_that_are_kept_are_told_of_as_well(make, held):
    encoder = make(max_tokens=100, on_truncate="warn")
    for _ in range(2):
        with pytest.warns(RetrievoWarning, match="1 of 2 texts may be longer") as told:
            encoder.encode_document(["parrots", LONG])
        assert {one.filename for one in told} == {__file__}
    assert len(held.asked) == 1
    with pytest.raises(EncoderError, match="longer than the 100 tokens") as refused:
        make(max_tokens=100).encode_document(["parrots", "", LONG, LONG])
    assert refused.value.texts == (2, 3)


def test_vectors_are_kept_by_the_address_and_the_index_does_not_know_it(make, held, url):
    here = make()
    vectors = here.encode_document(["parrots"])
    for spelling in (f"{url}/v1/", f"{url}/v1".replace("http", "HTTP")):
        assert np.array_equal(make(base_url=spelling).encode_document(["parrots"]), vectors)
    assert len(held.asked) == 1
    with answering(Script(Answer(body={"data": [{"embedding": [1.0] + [0.0] * 63}]}))) as other:
        there = make(base_url=other)
        assert there.encode_document(["parrots"])[0, 0] == 1
        assert there.fingerprint == here.fingerprint


def test_no_texts_send_nothing_where_the_width_is_known_and_ask_for_it_where_not():
    script = Script(Answer(body={"data": [{"embedding": [0.6, 0.8]}], "model": "another"}))
    with answering(script) as url:
        known = services.openai("m", base_url=url, dimensions=2, cache="off")
        assert known.encode_document([]).shape == (0, 2) and script.seen == []
        unknown = services.openai("m", base_url=url, cache="off")
        # What the one request brings up is told by the call that sent it.
        with pytest.warns(RetrievoWarning, match="answered with 'another'"):
            assert unknown.encode_document([]).shape == (0, 2)
        assert unknown.encode_query([]).shape == (0, unknown.dim) and len(script.seen) == 1
        unknown.close()
